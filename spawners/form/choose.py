"""What the spawn page offers one person, and what is chosen on it: the page and its API agree, since both ask here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any

from spawners.allowed.offer import CASCADE, Offer, SessionSize
from spawners.allowed.request import SessionRequest, check_request, least_memory, memory_mib
from spawners.allowed.settle import settle
from spawners.allowed.ways import Means, offered

_HINTS = {
    "reservation": "Nodes that are kept for a course or a team.",
    "account": "The project that the session is charged to.",
    "partition": "The group of nodes that it runs on.",
    "qos": "Slurm's class of priorities and limits.",
}
_PARTS = {
    Fraction(1): "a GPU in slices",
    Fraction(3, 4): "three quarters of a GPU",
    Fraction(1, 2): "half a GPU",
    Fraction(1, 3): "a third of a GPU",
    Fraction(1, 4): "a quarter of a GPU",
    Fraction(1, 8): "an eighth of a GPU",
}


@dataclass(frozen=True)
class Option:
    """``value`` is empty for what serves where nothing is chosen."""

    value: str
    title: str


@dataclass(frozen=True)
class Field:
    """A choice; without options it is none for this person. ``chosen`` is the value of one of them."""

    name: str
    options: tuple[Option, ...] = ()
    chosen: str = ""
    hint: str = ""


@dataclass(frozen=True)
class Amount:
    """Memory in GB, from ``least`` to ``most``; ``chosen`` is None for the usual one."""

    least: float
    most: float
    usual: float
    chosen: float | None


@dataclass(frozen=True)
class Chosen:
    """The choice that is left of what was asked for (``options``), and why the rest is out (``notes``)."""

    options: dict[str, Any]
    notes: tuple[str, ...]
    fields: tuple[Field, ...]
    memory: Amount | None
    slices: dict[str, str]
    """What a size is that has slices of a GPU: ``a quarter of a GPU``."""
    cards: dict[str, SessionRequest | str]
    """What choosing a size would ask for, or why it may not be had with the rest of the choice."""

    def as_dict(self) -> dict[str, Any]:
        return {
            "options": self.options,
            "notes": self.notes,
            "fields": [asdict(field) for field in self.fields],
            "memory": self.memory and asdict(self.memory),
        }


def choose(options: Mapping[str, Any], offer: Offer, means: Means | None) -> Chosen:
    """As much of these options as this person may have, and all that goes with it. Raises nothing."""
    left, out = settle(options, offer, means)
    size = offer.size(left.get("size"))
    return Chosen(
        options=left,
        notes=tuple(out.values()),
        fields=(*_slurms(left, offer, means), _environments(left, offer)),
        memory=_memory(left.get("memory"), size),
        slices={name: part_of_a_gpu(part) for name, part in means.slices.items()} if means else {},
        cards={one.name: _card({**left, "size": one.name}, offer, means) for one in offer.sizes},
    )


def _card(options: Mapping[str, Any], offer: Offer, means: Means | None) -> SessionRequest | str:
    """Memory and time that do not fit a size are not held against it: choosing it would drop them."""
    left, out = settle(options, offer, means)
    lost = [why for key, why in out.items() if key in ("size", *CASCADE)]
    return lost[0] if lost else check_request(left, offer, means)


def _slurms(options: Mapping[str, Any], offer: Offer, means: Means | None) -> tuple[Field, ...]:
    values = offered(options, offer.size(options.get("size")), means) if means else {}
    found = []
    for name in CASCADE:
        usual, *others = values.get(name, [None])
        if not others or name not in offer.choices:
            found.append(Field(name))
            continue
        first = "None" if name == "reservation" else f"{_title(name, usual, offer, means)} (usual)"
        rows = (Option("", first), *(Option(v, _title(name, v, offer, means)) for v in others if v))
        chosen = options.get(name, "")
        found.append(Field(name, rows, "" if chosen == usual else chosen, _HINTS[name]))
    return tuple(found)


def _title(name: str, value: str | None, offer: Offer, means: Means | None) -> str:
    if value is None:
        return "Slurm's own"
    if name == "partition":
        return offer.titles.get(value, value)
    if name == "reservation" and means and value in means.rules.reservations:
        reservation = means.rules.reservations[value]
        if reservation.start > means.now:
            return f"{value}, begins in {span(reservation.start - means.now)}"
        return f"{value}, {span(reservation.end - means.now)} left"
    return value


def _memory(asked: int | str | None, size: SessionSize) -> Amount | None:
    if size.max_memory_mib is None:
        return None
    least, chosen = least_memory(size), asked and memory_mib(asked, size) / 1024
    return Amount(least / 1024, size.max_memory_mib / 1024, size.memory_mib / 1024, chosen or None)


def _environments(options: Mapping[str, Any], offer: Offer) -> Field:
    first, *others = offer.environments
    if not others:
        return Field("environment")
    chosen = next((one for one in others if one.name == options.get("environment")), first)
    rows = (Option("", f"{first.title} (usual)"), *(Option(one.name, one.title) for one in others))
    return Field("environment", rows, "" if chosen is first else chosen.name, chosen.description)


def part_of_a_gpu(part: Fraction) -> str:
    """A part in words: ``a quarter of a GPU``."""
    return _PARTS.get(part, f"{part} of a GPU")


def span(seconds: float) -> str:
    """A stretch of time, to the minute: ``2 h 10 min``."""
    minutes = max(1, int(seconds // 60))
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    parts = [f"{days} d"] if days else []
    parts += [f"{hours} h"] if hours else []
    parts += [f"{minutes} min"] if minutes and not days else []
    return " ".join(parts)
