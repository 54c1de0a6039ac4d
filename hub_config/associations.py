"""The demo people's accounts in the embedded Slurm, with limits worth trying. Source: sacctmgr(1)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from campus_base.errors import CampusError
from campus_base.process import run_sync
from hub_config.paths import Paths
from hub_config.site import Site
from hub_config.site_people import Role
from spawners.slurm.cli import CliTransport

_PATIENCE = 60  # seconds


@dataclass(frozen=True)
class SlurmAccount:
    """An account of Slurm's and whom it is for: ``limits`` hold for all in it together, ``each`` for one person."""

    name: str
    title: str
    roles: frozenset[Role]
    qos: str
    limits: tuple[str, ...]
    each: tuple[str, ...]


# One quality of service beside Slurm's own, "normal": for longer and larger work, which leaves half of the GPUs.
QOS = ("long", ("MaxWall=2-00:00:00", "MaxTRESPerUser=gres/gpu=8", "GrpTRES=gres/gpu=8"))
ACCOUNTS = (
    SlurmAccount(
        "training",
        "Training",
        frozenset({"trainee", "instructor", "operator"}),
        "normal",
        (),
        ("GrpTRES=gres/gpu=4", "MaxSubmitJobs=20"),
    ),
    SlurmAccount("startups", "Start-ups", frozenset({"startup"}), "normal,long", ("GrpTRES=gres/gpu=12",), ()),
)


def ensure_associations(site: Site, paths: Paths) -> int:
    """Add the accounts and people that Slurm does not have yet; what it has stays as it is. Returns how many people.

    Raises CampusError when slurmdbd, or slurmctld with it, does not come up.
    """
    added = 0
    for command in missing_associations(site, _when_up(paths)):
        _sacctmgr(paths, "--immediate", "--quiet", *command)
        added += command[1] == "user" and command[2].count(",") + 1
    return added


@dataclass(frozen=True)
class Known:
    """What slurmdbd has: pairs of account and person (empty for the account's own), and qualities of service."""

    pairs: frozenset[tuple[str, str]]
    qos: frozenset[str]


def missing_associations(site: Site, known: Known) -> Iterator[tuple[str, ...]]:
    """sacctmgr's words for what is not known yet; one that adds nothing new fails (sacctmgr(1))."""
    wanted = {account: [a.name for a in site.accounts if a.role in account.roles] for account in ACCOUNTS}
    if any(wanted.values()) and QOS[0] not in known.qos:
        yield ("add", "qos", QOS[0], "set", *QOS[1])
    for account, people in wanted.items():
        name = account.name
        if people and (name, "") not in known.pairs:
            described = (f"description={account.title}", "organization=campus", f"QOS={account.qos}")
            yield ("add", "account", name, *described, "DefaultQOS=normal", *account.limits)
        if new := [person for person in people if (name, person) not in known.pairs]:
            yield ("add", "user", ",".join(new), f"account={name}", f"DefaultAccount={name}", *account.each)


def ensure_grader_association(name: str, site: Site, paths: Paths) -> None:
    """Enter a course's grader where people are held to accounts: beside those who are taught. Raises CampusError."""
    if not site.accounts:
        return
    known = _when_up(paths).pairs
    if not any(person == name for _, person in known):
        account = next(account for account in ACCOUNTS if (account.name, "") in known)
        where = (f"account={account.name}", f"DefaultAccount={account.name}")
        _sacctmgr(paths, "--immediate", "--quiet", "add", "user", name, *where, *account.each)


def known_associations(paths: Paths) -> Known:
    """What slurmdbd has. Raises CampusError where it does not answer, or has no association at all."""
    plain = ("--parsable2", "--noheader", "list")
    rows = _sacctmgr(paths, *plain, "associations", "format=Account,User")
    if not rows:
        raise CampusError(
            "no-associations",
            "slurmctld has not entered its cluster.",
            "See ./campus logs slurmctld.",
            "no association",
        )
    pairs = frozenset((account, user) for account, _, user in (row.partition("|") for row in rows.splitlines()))
    return Known(pairs, frozenset(_sacctmgr(paths, *plain, "qos", "format=Name").split()))


def _when_up(paths: Paths) -> Known:
    """:func:`known_associations`, as soon as there are some."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            # A slurmctld that has entered its cluster and does not listen yet would not hear what is added.
            run_sync(["scontrol", "ping"], what="Asking for slurmctld", timeout=20, env=_environment(paths))
            return known_associations(paths)
        except CampusError as error:
            if time.monotonic() > deadline:
                raise CampusError(
                    "no-accounting",
                    f"Slurm's accounting did not come up within {_PATIENCE} seconds.",
                    "See ./campus logs slurmdbd, ./campus logs mariadb and ./campus logs slurmctld.",
                    error.detail,
                ) from error
        time.sleep(0.2)


def _sacctmgr(paths: Paths, *words: str) -> str:
    argv, what = ["sacctmgr", *words], "Asking for Slurm's accounts"
    return run_sync(argv, what=what, timeout=20, env=_environment(paths)).stdout


def _environment(paths: Paths) -> dict[str, str]:
    return CliTransport(str(paths.slurm_conf)).environment
