"""What Slurm lets one person use: partitions, accounts, qualities of service and reservations, in combination.

Pure functions of what Slurm says (spawners.slurm.rules), so that pages, the API and the check of a request agree.
Sources: slurm.conf(5) on partitions; sacctmgr(1); "Resource Limits" and "Advanced Reservation" of Slurm's manual.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from spawners.allowed.reserved import beside, has_nodes_of, is_for, within
from spawners.slurm.rules import Association, Partition, Qos, Rules


@dataclass(frozen=True)
class Person:
    """Who asks: the Unix account, and the names of its groups."""

    name: str
    uid: int
    groups: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Choice:
    """One way to ask for a session that Slurm allows this person."""

    partition: str
    account: str | None
    """None where Slurm knows no accounts."""
    qos: str | None
    reservation: str | None
    seconds: int | None
    """The longest session, None for any length."""
    clipped_by: str = ""
    """What makes ``seconds`` shorter than usual: ``reservation``, which ends, or ``maintenance``, which begins."""
    starts: int | None = None
    """Not before this time (epoch seconds): its reservation has not begun, or a maintenance is not over."""
    default: bool = False
    """What Slurm takes in this partition when nothing is named."""


def choices(person: Person, rules: Rules, now: float) -> tuple[Choice, ...]:
    """Every combination that Slurm allows this person now; in each partition, what it takes by itself comes first."""
    return tuple(way for partition in rules.partitions.values() for way in _ways(person, partition, rules, now))


@dataclass(frozen=True)
class _Grant:
    """An account with one of its qualities of service."""

    account: str | None
    qos: str | None
    default: bool
    association: Association | None = None


def _ways(person: Person, partition: Partition, rules: Rules, now: float) -> Iterator[Choice]:
    """Every choice in one partition."""
    if partition.state != "UP" or partition.root_only:
        return
    if partition.allowed_groups is not None and not partition.allowed_groups & person.groups:
        return
    for grant in _grants(person, partition, rules):
        if not _admits(partition, grant):
            continue
        longest = _longest(partition, grant, rules)
        qos = (rules.qos or {}).get(grant.qos or "")
        if not partition.needs_reservation and not (qos and "RequiresReservation" in qos.flags):
            times = beside(rules, partition, longest, now)
            yield Choice(partition.name, grant.account, grant.qos, None, *times, grant.default)
        for reservation in rules.reservations.values():
            if (
                reservation.end > now
                and has_nodes_of(reservation, partition)
                and is_for(reservation, person.name, person.groups, rules.lineage(grant.account))
            ):
                times = within(reservation, longest, now)
                yield Choice(partition.name, grant.account, grant.qos, reservation.name, *times)


def _grants(person: Person, partition: Partition, rules: Rules) -> Iterator[_Grant]:
    """The person's accounts in a partition, the usual ones first. An association for it goes before one for all."""
    own: dict[str, Association] = {}
    for association in rules.associations_of.get(person.name, ()):
        fits = association.partition in ("", partition.name)
        if fits and (association.partition or association.account not in own):
            own[association.account] = association
    if not own:
        # Nobody knows, or Slurm does not ask for one: it takes what it takes.
        if rules.associations is None or "associations" not in rules.enforced:
            yield _Grant(None, None, True)
        return
    for association in sorted(own.values(), key=lambda a: not a.default):
        usual = _default_qos(association, rules)
        for qos in sorted(association.qos, key=lambda name: name != usual) or (None,):
            yield _Grant(association.account, qos, association.default and qos in (usual, None), association)


def _default_qos(association: Association, rules: Rules) -> str | None:
    """The quality of service of a job that names none (slurmctld: the association's, its only one, the root's)."""
    if association.default_qos or len(association.qos) == 1:
        return association.default_qos or association.qos[0]
    root = rules.accounts.get("root")
    return (root and root.default_qos) or ("normal" if "normal" in association.qos else None)


def _admits(partition: Partition, grant: _Grant) -> bool:
    """Whether a partition takes the account and the quality of service; what is not known Slurm decides."""

    def takes(name: str | None, allowed: frozenset[str] | None, denied: frozenset[str]) -> bool:
        if name is None:
            return True
        return name not in denied if allowed is None else name in allowed

    return takes(grant.account, partition.allowed_accounts, partition.denied_accounts) and takes(
        grant.qos, partition.allowed_qos, partition.denied_qos
    )


def qos_in_order(partition: Partition | None, qos: str | None, rules: Rules) -> list[Qos]:
    """The partition's and the job's quality of service: of the same limit in both, the first one counts."""
    if not rules.qos:
        return []
    own = rules.qos.get(qos or "")
    parts = rules.qos.get(partition.qos) if partition else None
    found = [own, parts] if own and "OverPartQOS" in own.flags else [parts, own]
    return list({one.name: one for one in found if one}.values())


def _longest(partition: Partition, grant: _Grant, rules: Rules) -> int | None:
    """Seconds that a job may run, None for any length."""
    walls: list[int | None] = []
    if "limits" in rules.enforced:
        walls = [qos.wall for qos in qos_in_order(partition, grant.qos, rules)]
        walls.append(grant.association.wall if grant.association else None)
    wall = next((wall for wall in walls if wall is not None), None)
    own = (rules.qos or {}).get(grant.qos or "")
    most = None if own and "PartitionTimeLimit" in own.flags else partition.max_seconds
    return min((limit for limit in (wall, most) if limit is not None), default=None)
