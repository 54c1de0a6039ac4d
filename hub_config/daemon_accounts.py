"""The accounts that Campus's own daemons run as, so that none is root which need not be."""

from __future__ import annotations

import grp
import pwd
from pathlib import Path

from campus_base.errors import CampusError
from campus_base.process import run_sync
from hub_config.paths import Paths
from hub_config.roles import EXCHANGE, HOME
from hub_config.site import Site
from spawners.identity import is_persons


def hub_account(site: Site) -> str:
    """Whom the hub runs as. It needs root where it becomes other accounts itself."""
    return site.daemons.hub_account if site.slurm.transport == "sudo" else "root"


def daemon_accounts(site: Site, paths: Paths) -> dict[str, Path]:
    """The accounts of this site's daemons, and the home that ``up`` gives each."""
    found = {
        site.daemons.proxy_account: paths.proxy_state,
        site.daemons.exchange_account: paths.service_state(EXCHANGE),
        site.daemons.home_account: paths.service_state(HOME),
    }
    if site.cluster and site.slurm.transport == "rest":
        found[site.daemons.slurmrestd_account] = paths.slurmrestd_socket.parent
    if hub_account(site) != "root":
        found[hub_account(site)] = paths.hub_state
    return found


def as_account(account: str, *options: str) -> list[str]:
    """What goes before a command so that it runs as an account, with the groups of that one only (setpriv(1))."""
    become = [] if account == "root" else [f"--reuid={account}", f"--regid={account}", "--init-groups"]
    return ["setpriv", *become, *options] if become or options else []


def may_bind(*ports: int) -> list[str]:
    """setpriv's options that let an ordinary account listen on these ports (capabilities(7))."""
    needed = "+net_bind_service"
    return [f"--inh-caps={needed}", f"--ambient-caps={needed}"] if min(ports) < 1024 else []


def check_daemon_account(name: str) -> bool:
    """Whether the account exists. Raises CampusError where it is one that no daemon should run as."""
    try:
        account = pwd.getpwnam(name)
    except KeyError:
        return False
    try:
        group = grp.getgrgid(account.pw_gid).gr_name
    except KeyError:
        group = str(account.pw_gid)
    if account.pw_uid == 0 or is_persons(account.pw_uid) or group != name:
        raise CampusError(
            "daemon-account",
            f"The account {name} has the uid {account.pw_uid} and the group {group}: it is no daemon's own.",
            f"Name another in the site file's [daemons], or make one: useradd --system --user-group {name}.",
        )
    return True


def ensure_daemon_accounts(site: Site, paths: Paths) -> list[str]:
    """Make the accounts that are missing, and return their names. Raises CampusError, before making any."""
    accounts = daemon_accounts(site, paths)
    missing = [name for name in accounts if not check_daemon_account(name)]
    for name in missing:
        run_sync(
            [
                *("useradd", "--system", "--user-group", "--no-create-home", f"--home-dir={accounts[name]}"),
                *("--shell=/usr/sbin/nologin", name),
            ],
            what=f"Making the account {name}",
            timeout=30,
        )
    return missing


def remove_daemon_accounts(site: Site, paths: Paths) -> None:
    """Remove the accounts that ``up`` made for this prefix. Raises ProgramFailed."""
    for name, home in daemon_accounts(site, paths).items():
        try:
            ours = pwd.getpwnam(name).pw_dir == str(home)
        except KeyError:
            continue
        if ours:
            run_sync(["userdel", name], what=f"Removing the account {name}", timeout=30)
