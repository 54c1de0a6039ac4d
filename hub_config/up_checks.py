"""What must be true of the machine before ``up`` changes anything on it."""

from __future__ import annotations

import datetime
import os
import shutil
import sys
from pathlib import Path

from campus_base.errors import CampusError
from hub_config.accounting import slurmdbd_port
from hub_config.accounts import check_account
from hub_config.daemon_accounts import check_daemon_account, daemon_accounts
from hub_config.daemons import port_owner
from hub_config.environments import is_complete
from hub_config.local_cluster import node_names
from hub_config.machine import Machine
from hub_config.paths import Paths
from hub_config.site import Site

# The release's own date: a clock before it is wrong, and then certificates and munge fail in odd ways.
RELEASED = datetime.date(2026, 11, 1)
_FREE_GIB = 10  # 2 with torch's CPU build, about 8 with its CUDA build


def check_machine(site: Site, machine: Machine, paths: Paths, own_ports: set[int]) -> None:
    """Raises CampusError naming the first thing that would make ``up`` fail later.

    ``own_ports`` are those on which this installation listens already; empty when it does not run.
    """
    _check_root()
    _check_clock(datetime.date.today())
    _check_interpreter(Path(sys.executable).resolve())
    _check_readable(paths.prefix)
    _check_disk(paths.prefix, complete=bool(site.sessions.environment) or is_complete(paths))
    for what, port in ports(site, machine).items():
        if port not in own_ports and (owner := port_owner(port)):
            raise CampusError(
                "port-in-use",
                f"Port {port}, for {what}, is taken by {owner}.",
                "Stop that program, or give Campus another port in a site file (./campus up --site FILE).",
            )
    for account in site.accounts:
        check_account(account.name, paths.homes / account.name)
    for name in daemon_accounts(site, paths):
        check_daemon_account(name)


def ports(site: Site, machine: Machine) -> dict[str, int]:
    """Every port this installation listens on, by what it is for."""
    at = site.addresses
    found = {
        "the public address": at.port,
        "the hub": at.hub_port,
        "the proxy's API": at.proxy_api_port,
        "the exchange": at.exchange_port,
        "home": at.home_port,
    }
    if site.cluster:
        first = site.cluster.controller_port
        found["slurmctld"] = first
        for offset, node in enumerate(node_names(site.cluster, machine), 1):
            found[node] = first + offset
        found["slurmdbd"] = slurmdbd_port(site.cluster)
    return found


def _check_root() -> None:
    if os.geteuid() != 0:
        raise CampusError("not-root", "Campus starts sessions as other accounts.", "Run ./campus up as root.")


def _check_clock(today: datetime.date) -> None:
    if today < RELEASED:
        raise CampusError(
            "clock-wrong",
            f"This machine's clock says {today}, which is before this release was made.",
            "Set the clock (timedatectl set-ntp true), then run ./campus up again.",
        )


def _check_interpreter(python: Path) -> None:
    if not readable_by_others(python):
        raise CampusError(
            "interpreter-private",
            f"The Python at {python} cannot be run by other accounts, and sessions run as them.",
            "Install Debian's python3, remove the hub folder under the prefix, and run ./campus up again.",
        )


def _check_readable(prefix: Path) -> None:
    prefix.mkdir(parents=True, exist_ok=True)
    if not readable_by_others(prefix):
        raise CampusError(
            "prefix-private",
            f"Other accounts cannot enter {prefix}, and sessions run as them.",
            "Choose a prefix such as /opt/campus (CAMPUS_PREFIX), or open its parent folders (chmod o+x).",
        )


def readable_by_others(path: Path) -> bool:
    """Whether every account may read this path and enter the folders above it."""
    needed = 0o5 if path.is_dir() else 0o4
    return path.stat().st_mode & needed == needed and all(p.stat().st_mode & 0o1 for p in path.parents)


def _check_disk(prefix: Path, complete: bool) -> None:
    free = shutil.disk_usage(prefix).free / 2**30
    needed = 0.2 if complete else _FREE_GIB
    if free < needed:
        raise CampusError(
            "disk-full",
            f"{prefix} has {free:.1f} GB free, and Campus needs {needed} GB.",
            "Free some, or choose a prefix on another disk (CAMPUS_PREFIX).",
        )
