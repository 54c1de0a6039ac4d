"""The embedded cluster's slurmrestd.

Sources: slurmrestd(8); slurm.conf(5), AuthAltTypes; Slurm's "JSON Web Tokens (JWT) Authentication".
"""

from __future__ import annotations

import re
import secrets
import shutil

from campus_base.process import run_sync
from hub_config.daemon_accounts import as_account
from hub_config.paths import Paths
from hub_config.site import Site

SLURM_USER = "slurm"


def token_settings(site: Site, paths: Paths) -> dict[str, object]:
    """The part of slurm.conf, and of slurmdbd.conf, that lets tokens in beside munge; empty where nothing uses them."""
    if site.slurm.transport != "rest":
        return {}
    return {"AuthAltTypes": "auth/jwt", "AuthAltParameters": f"jwt_key={paths.jwt_key}"}


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
        *("-s", _plugins()),
        f"unix:{paths.slurmrestd_socket}",
    ]


def _plugins() -> str:
    """The plug-ins that speak for slurmctld and slurmdbd, in one version that Campus knows."""
    said = run_sync(["slurmrestd", "-V"], what="Asking slurmrestd for its version", timeout=10).stdout
    major, minor = (int(number) for number in re.findall(r"\d+", said)[:2])
    return "slurmctld,slurmdbd" if (major, minor) >= (23, 11) else "v0.0.38,dbv0.0.38"
