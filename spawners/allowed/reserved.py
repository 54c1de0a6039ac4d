"""Reservations, as one person meets them: whom they are for, and how long a session can be within or beside them."""

from __future__ import annotations

from spawners.slurm.rules import Partition, Reservation, Rules

_SHORTEST = 60  # seconds: Slurm counts in minutes


def has_nodes_of(reservation: Reservation, partition: Partition) -> bool:
    """Whether a job of this partition can run in the reservation."""
    if reservation.partition:
        return reservation.partition == partition.name
    return not reservation.nodes or bool(reservation.nodes & partition.nodes)


def is_for(reservation: Reservation, user: str, groups: frozenset[str], accounts: list[str]) -> bool:
    """Whether a reservation takes this person. ``accounts`` are the job's and those above it.

    Source: slurmctld: who is named must fit, and so must the account where one is named; one for an account takes
    those below it too.
    """
    people = reservation.users | reservation.groups
    if not (people or reservation.denied_users or reservation.accounts or reservation.denied_accounts):
        return False
    if people and user not in reservation.users and not reservation.groups & groups:
        return False
    if reservation.accounts and not reservation.accounts.intersection(accounts):
        return False
    return user not in reservation.denied_users and not reservation.denied_accounts.intersection(accounts)


def within(reservation: Reservation, longest: int | None, now: float) -> tuple[int | None, str, int | None]:
    """Longest session, what clips it, and not before when: it has to fit in, unless the reservation is flexible."""
    if "FLEX" in reservation.flags:
        return longest, "", None
    starts = reservation.start if reservation.start > now else None
    left = int(reservation.end - max(now, reservation.start))
    if longest is None or left < longest:
        return left, "reservation", starts
    return longest, "", starts


def beside(rules: Rules, partition: Partition, longest: int | None, now: float) -> tuple[int | None, str, int | None]:
    """The same outside any reservation: what is not over before a maintenance of the whole partition waits for its end.

    Source: slurm.conf(5) and scontrol(1), flag MAINT.
    """
    starts: int | None = None
    for reservation in sorted(rules.reservations.values(), key=lambda r: r.start):
        closes = "MAINT" in reservation.flags and partition.nodes and partition.nodes <= reservation.nodes
        if not closes or reservation.end <= now:
            continue
        left = int(reservation.start - max(now, starts or now))
        if left < _SHORTEST:
            starts = reservation.end
        elif longest is None or left < longest:
            return left, "maintenance", starts
    return longest, "", starts
