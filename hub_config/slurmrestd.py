"""slurmrestd: how the hub reaches the site's, and what the embedded cluster's needs.

Sources: slurmrestd(8); slurm.conf(5), AuthAltTypes; Slurm's "JSON Web Tokens (JWT) Authentication".
"""

from __future__ import annotations

import re
import secrets
import shutil
import time
from pathlib import Path

from campus_base.errors import CampusError
from campus_base.process import run_sync
from hub_config.daemon_accounts import as_account
from hub_config.paths import Paths
from hub_config.site import Site
from spawners.slurm import ControllerSilent
from spawners.slurm.rest import KeyFile, SlurmrestdClient, TokenFile, expiry_of

SLURM_USER = "slurm"


def slurmrestd(site: Site, paths: Paths) -> SlurmrestdClient:
    """The site's slurmrestd, or the embedded cluster's."""
    seconds = site.slurm.command_seconds
    if not site.slurm.rest:
        key = KeyFile(paths.jwt_key, SLURM_USER)
        return SlurmrestdClient(f"unix:{paths.slurmrestd_socket}", key, SLURM_USER, seconds)
    at = site.slurm.rest
    credential = TokenFile(at.token_file) if at.token_file else KeyFile(at.key_file or Path(), at.account)
    return SlurmrestdClient(at.url, credential, at.account, seconds)


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


def ensure_slurmrestd(site: Site, paths: Paths) -> None:
    """The embedded cluster's key of tokens, and the folder of its slurmrestd's socket."""
    folder = paths.slurmrestd_socket.parent
    folder.mkdir(parents=True, exist_ok=True)
    shutil.chown(folder, site.daemons.slurmrestd_account, site.daemons.slurmrestd_account)
    folder.chmod(0o700)
    if not paths.jwt_key.exists() or paths.jwt_key.stat().st_size < 32:
        paths.jwt_key.touch(mode=0o600)
        paths.jwt_key.write_bytes(secrets.token_bytes(32))
    shutil.chown(paths.jwt_key, SLURM_USER, SLURM_USER)
    paths.jwt_key.chmod(0o600)


def slurmrestd_command(site: Site, paths: Paths) -> list[str]:
    """On a socket, for whoever has a token; it runs as an account that may do nothing, as slurmrestd(8) advises."""
    return [
        *as_account(site.daemons.slurmrestd_account, "--pdeathsig=TERM"),
        "slurmrestd",
        *("-f", str(paths.slurm_conf)),
        *("-a", "rest_auth/jwt"),
        *("-s", _plugin()),
        f"unix:{paths.slurmrestd_socket}",
    ]


def _plugin() -> str:
    """The plug-in that speaks for slurmctld; without a slurmdbd, the one for that, which is a default too, is fatal."""
    said = run_sync(["slurmrestd", "-V"], what="Asking slurmrestd for its version", timeout=10).stdout
    major, minor = (int(number) for number in re.findall(r"\d+", said)[:2])
    return "slurmctld" if (major, minor) >= (23, 11) else "v0.0.38"
