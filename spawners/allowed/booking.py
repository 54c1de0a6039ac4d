"""Booking a live class: how many nodes its people need, and whether the site lets them have these then."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from campus_base.errors import CampusError
from spawners.allowed.offer import SessionSize
from spawners.slurm import Booking, Node
from spawners.slurm.rules import Reservation

_MOST_PEOPLE = 1000


class NoClass(CampusError):
    """A class that cannot be booked; ``remedy`` says what can."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__("class-not-possible", message, remedy)


@dataclass(frozen=True)
class Terms:
    """What a site lets its instructors book; ``longest`` and ``ahead`` in seconds."""

    gpus: int
    longest: int
    ahead: int
    each: int


@dataclass(frozen=True)
class Wish:
    """A class as an instructor asks for it; ``start`` in seconds since the epoch."""

    start: int
    minutes: int
    people: int
    size: SessionSize


def seats(node: Node, size: SessionSize) -> int:
    """How many sessions of a size a node's GPUs hold, when it is empty."""
    gpus = node.gpus_of(size.gpu_type)
    if size.shards:
        return gpus * (node.shards_per_gpu // size.shards)
    return gpus // size.gpus if size.gpus else 0


def name_of(course: str, start: int) -> str:
    """A class's reservation: by course and time (UTC), so that the same one is not booked twice."""
    return f"class-{course}-{datetime.datetime.fromtimestamp(start, datetime.UTC):%Y%m%d-%H%M}"


def is_class(reservation: str, course: str = "") -> bool:
    """Whether a reservation is a class's: of this course, or of any."""
    which = re.escape(course) if course else "[a-z][a-z0-9-]*"
    return re.fullmatch(rf"class-{which}-[0-9]{{8}}-[0-9]{{4}}", reservation) is not None


def gpus_in(reservation: Reservation, nodes: Mapping[str, Node]) -> int:
    return sum(nodes[name].gpus_of(None) for name in reservation.nodes if name in nodes)


def plan(
    course: str,
    wish: Wish,
    users: Sequence[str],
    terms: Terms,
    nodes: Mapping[str, Node],
    reservations: Iterable[Reservation],
    now: float,
) -> Booking:
    """The reservation for a class. Raises NoClass."""
    _check_time(wish, terms, now)
    if not 1 <= wish.people <= _MOST_PEOPLE:
        raise NoClass(f"A class has 1 to {_MOST_PEOPLE} people, not {wish.people}.", "Say how many will come.")
    if not users:
        raise NoClass(f"{course} has nobody yet who could take part.", "Enter its people first: its roster.")
    there = [node for node in nodes.values() if wish.size.partition in node.partitions]
    most = [seats(node, wish.size) for node in there]
    if not most or not max(most):
        raise NoClass(f"A session of size {wish.size.name} needs no GPU of its own.", "Choose a size with GPUs.")
    if not min(most):
        raise NoClass(
            f"Not every node of {wish.size.partition} has the GPUs of size {wish.size.name}, and Slurm picks any.",
            "Choose another size, or ask an operator for a reservation.",
        )
    needed = -(-wish.people // min(most))
    if needed > len(there):
        fit = min(most) * len(there)
        raise NoClass(f"The cluster has room for {fit} such sessions, not {wish.people}.", "Choose a smaller size.")
    _check_gpus(course, wish, needed * max(node.gpus_of(None) for node in there), terms, nodes, list(reservations))
    return Booking(
        name=name_of(course, wish.start),
        start=wish.start,
        minutes=wish.minutes,
        partition=wish.size.partition,
        nodes=needed,
        users=tuple(users),
    )


def _check_time(wish: Wish, terms: Terms, now: float) -> None:
    if not 1 <= wish.minutes <= terms.longest // 60:
        raise NoClass(f"A class lasts from 1 to {terms.longest // 60} minutes.", "Book a shorter one.")
    if wish.start < now:
        raise NoClass("This time is over.", "Choose a time to come.")
    if wish.start > now + terms.ahead:
        raise NoClass(f"Classes are booked up to {terms.ahead // 86400} days ahead.", "Choose an earlier day.")


def _check_gpus(
    course: str, wish: Wish, gpus: int, terms: Terms, nodes: Mapping[str, Node], reservations: list[Reservation]
) -> None:
    classes = [one for one in reservations if is_class(one.name)]
    if sum(is_class(one.name, course) for one in classes) >= terms.each:
        raise NoClass(f"{course} has {terms.each} classes booked, which is the most.", "Call one off first.")
    end = wish.start + wish.minutes * 60
    # Of all that overlap, as if they did so at one moment: a little more careful than need be.
    taken = sum(gpus_in(one, nodes) for one in classes if one.start < end and one.end > wish.start)
    if taken + gpus > terms.gpus:
        others = f", and other classes have {taken} of them then" if taken else ""
        raise NoClass(
            f"This class needs {gpus} GPUs (whole nodes), and all classes may have {terms.gpus}{others}.",
            "Choose another time, a smaller size or fewer people.",
        )
