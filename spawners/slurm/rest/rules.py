"""What Slurm lets people use, as slurmrestd answers it: partitions, reservations, associations, qualities of service.

A field that moved between versions names all its places. Source: slurmrestd's own description (``/openapi/v3``).
"""

from __future__ import annotations

import time
from typing import Annotated, Any

from pydantic import AfterValidator, AliasChoices, AliasPath, BeforeValidator, Field, TypeAdapter

from spawners.slurm.rest.answers import Answer, Number, Part, Text, Words, number
from spawners.slurm.rules import Association, Cap, Partition, Qos, Reservation, Tres
from spawners.slurm.text import hosts, names


def _at(*places: str, default: Any = ...) -> Any:
    """A field at the first of these places that is there; each is keys with dots between."""
    paths = [AliasPath(*place.split(".")) for place in places]
    return Field(default, validation_alias=AliasChoices(*paths))


def _minutes(value: int | None) -> int | None:
    return None if value is None or value < 0 else value * 60


class _Amount(Part):
    type: str
    name: Text = ""
    count: int


_AMOUNTS = TypeAdapter(list[_Amount])


def _tres(value: Any) -> Tres:
    return {f"{a.type}/{a.name}" if a.name else a.type: a.count for a in _AMOUNTS.validate_python(value)}


Seconds = Annotated[Number, AfterValidator(_minutes)]
"""Minutes, read as seconds; v0.0.38 has -1 for no limit."""
Amounts = Annotated[Tres, BeforeValidator(_tres)]


class PartitionPart(Part):
    name: str
    state: Words = _at("partition.state", "state")
    flags: list[str] = Field(default=[])
    """v0.0.38 alone has them: elsewhere nothing tells a hidden partition, or root's, from another."""
    nodes: Text = _at("nodes.configured", "nodes")
    longest: Seconds = _at("maximums.time", "max_time_limit")
    usual: Seconds = _at("defaults.time", "default_time_limit")
    allowed_accounts: Text = _at("accounts.allowed", "allowed_accounts")
    denied_accounts: Text = _at("accounts.deny", "denied_accounts")
    allowed_qos: Text = _at("qos.allowed", "allowed_qos")
    denied_qos: Text = _at("qos.deny", "denied_qos")
    allowed_groups: Text = _at("groups.allowed", "allowed_groups")
    assigned_qos: Text = _at("qos.assigned", "qos")

    def fact(self) -> Partition:
        return Partition(
            name=self.name,
            state=self.state[0],
            default="default" in self.flags,
            hidden="hidden" in self.flags,
            root_only="root_only" in self.flags,
            needs_reservation="reservation_required" in self.flags,
            nodes=hosts(self.nodes),
            max_seconds=self.longest,
            default_seconds=self.usual,
            allowed_accounts=names(self.allowed_accounts) or None,
            denied_accounts=names(self.denied_accounts),
            allowed_qos=names(self.allowed_qos) or None,
            denied_qos=names(self.denied_qos),
            allowed_groups=names(self.allowed_groups) or None,
            qos=self.assigned_qos,
        )


class Partitions(Answer):
    partitions: list[PartitionPart]

    def facts(self) -> dict[str, Partition]:
        return {part.name: part.fact() for part in self.partitions}


class ReservationPart(Part):
    name: str
    start_time: Annotated[int, BeforeValidator(number)]
    end_time: Annotated[int, BeforeValidator(number)]
    users: Text
    accounts: Text
    groups: Text
    partition: Text
    node_list: Text
    flags: list[str]

    def fact(self, now: float) -> Reservation:
        users, denied_users = _signed(self.users)
        accounts, denied_accounts = _signed(self.accounts)
        return Reservation(
            name=self.name,
            start=self.start_time,
            end=self.end_time,
            users=users,
            denied_users=denied_users,
            groups=names(self.groups),
            accounts=accounts,
            denied_accounts=denied_accounts,
            partition=self.partition,
            nodes=hosts(self.node_list),
            flags=frozenset(self.flags),
            active=self.start_time <= now < self.end_time,
        )


def _signed(text: str) -> tuple[frozenset[str], frozenset[str]]:
    """Those named, and those left out ("-name")."""
    given = names(text)
    return frozenset(n for n in given if not n.startswith("-")), frozenset(n[1:] for n in given if n[:1] == "-")


class Reservations(Answer):
    reservations: list[ReservationPart]

    def facts(self) -> dict[str, Reservation]:
        return {part.name: part.fact(time.time()) for part in self.reservations}


class AssociationPart(Part):
    cluster: str
    account: str
    user: Text
    partition: Text
    parent: Text = _at("parent_account")
    default: bool | int = _at("is_default")
    qos: list[str]
    default_qos: Text = _at("default.qos")
    per_job: Amounts = _at("max.tres.per.job")
    wall: Seconds = _at("max.jobs.per.wall_clock")
    jobs: Number = _at("max.jobs.active")
    submitted: Number = _at("max.jobs.total")
    group_tres: Amounts = _at("max.tres.total")
    group_jobs: Number = _at("max.jobs.per.count")
    group_submitted: Number = _at("max.jobs.per.submitted")

    def fact(self) -> Association:
        return Association(
            account=self.account,
            user=self.user,
            partition=self.partition,
            parent=self.parent,
            default=bool(self.default and self.user),
            qos=tuple(sorted(self.qos)),
            default_qos=self.default_qos,
            per_job=self.per_job,
            wall=self.wall,
            own=Cap(jobs=self.jobs, submitted=self.submitted),
            group=Cap(tres=self.group_tres, jobs=self.group_jobs, submitted=self.group_submitted),
        )


class Associations(Answer):
    associations: list[AssociationPart]

    def facts(self, cluster: str) -> tuple[Association, ...]:
        """Those of a cluster: one slurmdbd may serve several."""
        return tuple(part.fact() for part in self.associations if part.cluster == cluster)


class QosPart(Part):
    name: str
    flags: list[str]
    per_job: Amounts = _at("limits.max.tres.per.job")
    wall: Seconds = _at("limits.max.wall_clock.per.job")
    user_tres: Amounts = _at("limits.max.tres.per.user")
    user_jobs: Number = _at("limits.max.jobs.active_jobs.per.user")
    user_submitted: Number = _at("limits.max.jobs.per.user")
    account_tres: Amounts = _at("limits.max.tres.per.account")
    account_jobs: Number = _at("limits.max.jobs.active_jobs.per.account")
    account_submitted: Number = _at("limits.max.jobs.per.account")
    group_tres: Amounts = _at("limits.max.tres.total")
    group_jobs: Number = _at("limits.max.active_jobs.count")
    group_submitted: Number = _at("limits.max.jobs.count", default=None)
    """v0.0.42 has it; v0.0.38 and v0.0.40 do not, and then Slurm alone knows it."""

    def fact(self) -> Qos:
        return Qos(
            name=self.name,
            flags=frozenset(_QOS_FLAGS.get(flag, flag) for flag in self.flags),
            per_job=self.per_job,
            wall=self.wall,
            per_user=Cap(tres=self.user_tres, jobs=self.user_jobs, submitted=self.user_submitted),
            per_account=Cap(tres=self.account_tres, jobs=self.account_jobs, submitted=self.account_submitted),
            group=Cap(tres=self.group_tres, jobs=self.group_jobs, submitted=self.group_submitted),
        )


# slurmrestd's name of a flag -> sacctmgr's.
_QOS_FLAGS = {
    "PARTITION_MINIMUM_NODE": "PartitionMinNodes",
    "PARTITION_MAXIMUM_NODE": "PartitionMaxNodes",
    "PARTITION_TIME_LIMIT": "PartitionTimeLimit",
    "ENFORCE_USAGE_THRESHOLD": "EnforceUsageThreshold",
    "NO_RESERVE": "NoReserve",
    "REQUIRED_RESERVATION": "RequiresReservation",
    "DENY_LIMIT": "DenyOnLimit",
    "OVERRIDE_PARTITION_QOS": "OverPartQOS",
    "NO_DECAY": "NoDecay",
    "USAGE_FACTOR_SAFE": "UsageFactorSafe",
}


class QosList(Answer):
    qos: list[QosPart] = _at("qos", "QOS")

    def facts(self) -> dict[str, Qos]:
        return {part.name: part.fact() for part in self.qos}
