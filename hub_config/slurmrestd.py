"""Slurm through slurmrestd, the site's or the embedded cluster's, and whether the token for it serves."""

from __future__ import annotations

import time
from pathlib import Path

from campus_base.errors import CampusError
from hub_config.accounting import accounting_settings
from hub_config.local_cluster import CLUSTER
from hub_config.local_slurmrestd import SLURM_USER
from hub_config.paths import Paths
from hub_config.site import Site
from spawners.slurm import ControllerSilent
from spawners.slurm.rest import KeyFile, RestTransport, SlurmrestdClient, TokenFile, expiry_of
from spawners.slurm.text import names


def rest_transport(site: Site, paths: Paths) -> RestTransport:
    """The site's slurmrestd, or the embedded cluster's."""
    at, seconds = site.slurm.rest, site.slurm.command_seconds
    if at is None:
        key = KeyFile(paths.jwt_key, SLURM_USER)
        client = SlurmrestdClient(f"unix:{paths.slurmrestd_socket}", key, SLURM_USER, seconds)
        enforced = accounting_settings(site, paths).get("AccountingStorageEnforce", "")
        return RestTransport(client, CLUSTER, names(str(enforced)))
    credential = TokenFile(at.token_file) if at.token_file else KeyFile(at.key_file or Path(), at.account)
    client = SlurmrestdClient(at.url, credential, at.account, seconds)
    if at.accounting is None:
        return RestTransport(client)
    return RestTransport(client, at.accounting.cluster, frozenset(at.accounting.enforced))


def check_credential(client: SlurmrestdClient) -> str:
    """What the token or key is good for, in words. Raises CampusError where it serves nothing, or is open to others."""
    path = client.credential.path
    try:
        if path.stat().st_mode & 0o077:
            raise CampusError(
                "token-open",
                f"{path} can be read by others, and whoever has it is master of the cluster.",
                f"chmod 600 {path}, and have a new one made if that came late.",
            )
        end = expiry_of(client.credential.token())
    except (OSError, ControllerSilent) as error:
        detail = error.detail if isinstance(error, ControllerSilent) else f"{path} cannot be read: {error.strerror}"
        raise CampusError(
            "no-token",
            f"There is no token to use slurmrestd with: {detail}.",
            "Put it there, readable by the hub's account only; see slurm.rest in docs/settings.md.",
        ) from None
    if isinstance(client.credential, KeyFile):
        return "the hub makes a token for each request"
    if end is None:
        return "has no end"
    if end < time.time():
        raise CampusError(
            "token-ended",
            f"The token in {path} ended {_words(time.time() - end)} ago.",
            f"Renew it: scontrol token username={client.account} lifespan=SECONDS. The hub reads it for each request.",
        )
    return f"ends in {_words(end - time.time())}"


def _words(seconds: float) -> str:
    for length, unit in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * length:
            return f"{seconds // length:.0f} {unit}"
    return f"{seconds:.0f} seconds"
