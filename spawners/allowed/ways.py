"""Which of the ways that Slurm leaves to a person fits what they asked for, and how long a session may run that way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from spawners.allowed.entitlements import Choice, Person
from spawners.allowed.limits import Use
from spawners.allowed.offer import CASCADE, LABELS, RequestRefused, SessionSize, shown
from spawners.slurm.rules import Rules

_MOST_NAMED = 8


@dataclass(frozen=True)
class Means:
    """What one person may use now (``now`` is epoch seconds): Slurm's ways, and which partitions hold which size."""

    now: float
    ways: Sequence[Choice]
    holds: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Partitions by the name of a size that their nodes can hold; a size that is not there fits everywhere."""
    slices: Mapping[str, Fraction] = field(default_factory=dict)
    """How much of a GPU a size is that has slices of one, by its name."""
    person: Person = field(default_factory=lambda: Person("", -1))
    rules: Rules = field(default_factory=Rules)
    use: Use = field(default_factory=Use)
    began: float | None = None
    """When the session began that is asked about, where it runs already (epoch seconds)."""

    def nodes(self, reservation: str | None) -> frozenset[str]:
        """The nodes of a reservation; for None, those that active reservations keep from everybody else."""
        known = self.rules.reservations
        if reservation:
            return known[reservation].nodes if reservation in known else frozenset()
        return frozenset[str]().union(*(one.nodes for one in known.values() if one.active))


@dataclass(frozen=True)
class Longest:
    """How long a session may run, and what ends it then: ``size``, ``limits``, ``reservation`` or ``maintenance``."""

    seconds: int
    because: str = "size"
    until: int | None = None
    """When the reservation ends or the maintenance begins (epoch seconds)."""


@dataclass(frozen=True)
class _Step:
    """One of CASCADE: what it is, what it may be after those before it, and the ways that are left then."""

    key: str
    value: str | None
    there: list[str | None]
    usual: str | None
    left: list[Choice]


def _steps(wanted: Mapping[str, str], size: SessionSize, means: Means) -> Iterator[_Step]:
    """Down the cascade for as long as there are ways left."""
    held = means.holds.get(size.name)
    left = [way for way in means.ways if held is None or way.partition in held]
    for key in CASCADE:
        there = list(dict.fromkeys(getattr(way, key) for way in left))
        usual = _usual(key, there, left, size, reserved="reservation" in wanted)
        value = wanted.get(key, usual)
        left = [way for way in left if getattr(way, key) == value]
        yield _Step(key, value, there, usual, left)
        if not left:
            return


def way_for(wanted: Mapping[str, str], size: SessionSize, means: Means) -> Choice:
    """The way that goes by what is wanted of CASCADE. Raises RequestRefused naming the first that may not be."""
    for step in _steps(wanted, size, means):
        if not step.left:
            raise _not_allowed(step, wanted, size, means)
    return next((way for way in step.left if way.default), step.left[0])


def offered(wanted: Mapping[str, str], size: SessionSize, means: Means) -> dict[str, list[str | None]]:
    """What may be chosen for each of CASCADE given those before it; first what serves where nothing is chosen.

    None stands for no reservation, and for an account or a quality of service that only Slurm knows.
    """
    return {step.key: list(dict.fromkeys((step.usual, *step.there))) for step in _steps(wanted, size, means)}


def _usual(
    key: str, there: Sequence[str | None], left: Sequence[Choice], size: SessionSize, reserved: bool
) -> str | None:
    """What serves where a person chooses nothing."""
    if key == "reservation" or not there or there == [None]:
        return None
    by_size = {"partition": size.partition, "account": size.account}.get(key)
    # A reservation may be for another account or partition than the size's.
    if by_size in there or (by_size and not reserved):
        return by_size
    return next((getattr(way, key) for way in left if way.default), there[0])


def _not_allowed(step: _Step, wanted: Mapping[str, str], size: SessionSize, means: Means) -> RequestRefused:
    key, value = step.key, step.value
    names = [name for name in step.there if name is not None]
    remedy = "Choose something else, or ask an operator."
    if names:
        remedy = f"Choose one of {', '.join(names[:_MOST_NAMED])}."
    if key not in wanted:
        return RequestRefused(f"{_sizes_fault(step, size)}.", remedy, "size")
    said = f"The {LABELS[key]} {shown(value)}"
    ways = [way for way in means.ways if getattr(way, key) == value]
    if not ways:
        return RequestRefused(f"{said} is not yours to use.", remedy, key)
    held = means.holds.get(size.name)
    if held is not None and not any(way.partition in held for way in ways):
        return RequestRefused(f"{said} has no nodes for size {size.name}.", remedy, key)
    if "reservation" not in wanted and all(way.reservation for way in ways):
        names = [way.reservation for way in ways if way.reservation]
        remedy = f"Choose one of the reservations {', '.join(list(dict.fromkeys(names))[:_MOST_NAMED])}."
        return RequestRefused(f"{said} may be used in a reservation only.", remedy, key)
    rest = [f"the {LABELS[k]} {shown(wanted[k])}" for k in CASCADE[: CASCADE.index(key)] if k in wanted]
    return RequestRefused(f"{said} does not go with {' and '.join(rest) or 'your usual account'}.", remedy, key)


def _sizes_fault(step: _Step, size: SessionSize) -> str:
    if step.value:
        return f"You may not use the {LABELS[step.key]} {step.value}, which size {size.name} takes"
    if step.there:
        return f"You may start size {size.name} in a reservation only"
    return f"No partition that you may use has nodes for size {size.name}"


def longest_of(way: Choice, size: SessionSize, means: Means) -> Longest:
    """The longest session of a size that goes this way."""
    if way.seconds is None:
        return Longest(size.max_seconds)
    if not way.clipped_by:
        return Longest(way.seconds, "limits") if way.seconds < size.max_seconds else Longest(size.max_seconds)
    begins = way.starts or means.now
    seconds = way.seconds + max(0, int(begins - means.began)) if means.began is not None else way.seconds
    if seconds >= size.max_seconds:
        return Longest(size.max_seconds)
    return Longest(seconds, way.clipped_by, int(begins) + way.seconds)
