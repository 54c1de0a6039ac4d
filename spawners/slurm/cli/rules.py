"""What Slurm lets people use: partitions and reservations, each query beside its parser, and all rules together.

Source: scontrol(1), ``--oneliner show``.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable

from campus_base.errors import CampusError
from spawners.slurm.cli.accounts import (
    association_ids_query,
    associations_query,
    parse_associations,
    parse_qos,
    qos_query,
)
from spawners.slurm.errors import Unreadable
from spawners.slurm.rules import Association, Partition, Qos, Reservation, Rules
from spawners.slurm.text import hosts, names, number, seconds

log = logging.getLogger("campus.slurm")

_CONFIG = re.compile(r"^(\w+)\s*= (.*)$", re.MULTILINE)


Ask = Callable[[list[str], str], Awaitable[str]]
"""Runs a query, given what it is for; its output. Raises ProgramFailed."""


async def ask_rules(ask: Ask) -> Rules:
    """Everything at once. Raises ProgramFailed or Unreadable; where only slurmdbd is silent, accounts are left out."""
    what = "Asking Slurm for its rules"
    config, partitions, reservations = await asyncio.gather(
        *(ask(query, what) for query in (config_query(), partitions_query(), reservations_query()))
    )
    settings = parse_config(config)
    accounting = settings.get("AccountingStorageType") == "accounting_storage/slurmdbd"
    associations, qos = await _accounts(ask, settings["ClusterName"]) if accounting else (None, None)
    enforced = settings.get("AccountingStorageEnforce", "none")
    return Rules(
        partitions=parse_partitions(partitions),
        reservations=parse_reservations(reservations),
        accounting=accounting,
        associations=associations,
        qos=qos,
        enforced=frozenset() if enforced == "none" else names(enforced),
    )


async def _accounts(ask: Ask, cluster: str) -> tuple[tuple[Association, ...] | None, dict[str, Qos] | None]:
    """Associations and qualities of service; None for both where slurmdbd has no answer that can be read."""
    queries = (
        associations_query(cluster),
        association_ids_query(cluster),
        association_ids_query(cluster, only_defaults=True),
        qos_query(),
    )
    try:
        rows, ids, usual, qos = await asyncio.gather(*(ask(query, "Asking slurmdbd for accounts") for query in queries))
        # A large centre has tens of thousands: the hub goes on meanwhile.
        return await asyncio.to_thread(parse_associations, rows, ids, usual), parse_qos(qos)
    except CampusError as error:
        log.warning("Accounts and their limits are not known: %s", error.detail)
        return None, None


def config_query() -> list[str]:
    return ["scontrol", "show", "config"]


def parse_config(text: str) -> dict[str, str]:
    """Slurm's own settings, by name; ``(null)`` is empty."""
    return {name: "" if value.strip() == "(null)" else value.strip() for name, value in _CONFIG.findall(text)}


def partitions_query() -> list[str]:
    return ["scontrol", "--oneliner", "--all", "show", "partition"]


def parse_partitions(text: str) -> dict[str, Partition]:
    """Partitions by name. Raises Unreadable."""
    return {one["PartitionName"]: _partition(one) for one in _entries(text, "PartitionName")}


def _partition(of: dict[str, str]) -> Partition:
    def allowed(kind: str) -> frozenset[str] | None:
        return None if of.get(kind, "ALL") == "ALL" else names(of[kind])

    return Partition(
        name=of["PartitionName"],
        state=of["State"],
        default=of["Default"] == "YES",
        hidden=of["Hidden"] == "YES",
        root_only=of["RootOnly"] == "YES",
        needs_reservation=of["ReqResv"] == "YES",
        nodes=hosts(of["Nodes"]),
        max_seconds=seconds(of["MaxTime"]),
        default_seconds=seconds(of["DefaultTime"]),
        allowed_accounts=allowed("AllowAccounts"),
        denied_accounts=names(of.get("DenyAccounts", "")),
        allowed_qos=allowed("AllowQos"),
        denied_qos=names(of.get("DenyQos", "")),
        allowed_groups=allowed("AllowGroups"),
        qos="" if of["QoS"] == "N/A" else of["QoS"],
    )


def reservations_query() -> list[str]:
    return ["scontrol", "--oneliner", "--all", "show", "reservation"]


def parse_reservations(text: str) -> dict[str, Reservation]:
    """Reservations by name. Raises Unreadable."""
    if text.strip() == "No reservations in the system":
        return {}
    return {one["ReservationName"]: _reservation(one) for one in _entries(text, "ReservationName")}


def _reservation(of: dict[str, str]) -> Reservation:
    def split(kind: str) -> tuple[frozenset[str], frozenset[str]]:
        """Those named, and those left out ("-name")."""
        given = names(of.get(kind, ""))
        return frozenset(n for n in given if not n.startswith("-")), frozenset(n[1:] for n in given if n[:1] == "-")

    users, denied_users = split("Users")
    accounts, denied_accounts = split("Accounts")
    start, end = number(of["StartTime"]), number(of["EndTime"])
    if start is None or end is None:
        raise Unreadable(str(of))
    return Reservation(
        name=of["ReservationName"],
        start=start,
        end=end,
        users=users,
        denied_users=denied_users,
        groups=names(of.get("Groups", "")),
        accounts=accounts,
        denied_accounts=denied_accounts,
        partition="" if of["PartitionName"] == "(null)" else of["PartitionName"],
        nodes=hosts(of["Nodes"]),
        flags=names(of["Flags"]),
        active=of["State"] == "ACTIVE",
    )


def _entries(text: str, first: str) -> list[dict[str, str]]:
    """Lines of ``Key=value Key=value``; a value goes on to the next key. Raises Unreadable."""
    found = []
    for line in text.splitlines():
        if not line.strip():
            continue
        entry = dict(re.findall(r"(\w+)=(.*?)(?= \w+=|\s*$)", line))
        if not line.startswith(f"{first}="):
            raise Unreadable(line)
        found.append(entry)
    return found
