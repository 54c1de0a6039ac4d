"""How Slurm writes amounts, lengths and lists of names."""

from __future__ import annotations

import re
from itertools import product

from spawners.slurm.errors import Unreadable

_LENGTH = re.compile(r"(?:(?P<days>\d+)-)?(?:(?P<hours>\d+):)?(?P<minutes>\d+):(?P<seconds>\d+)")
_AMOUNT = re.compile(r"(?P<number>\d+(?:\.\d+)?)(?P<unit>[KMGTP]?)")
_UNITS = {"": 1, "K": 1 / 1024, "M": 1, "G": 1024, "T": 1024**2, "P": 1024**3}  # mebibytes, as memory is counted
_NOTHING = frozenset({"", "(null)", "N/A", "NONE", "UNLIMITED", "INFINITE", "ALL"})
_RANGE = re.compile(r"\[([^\]]*)\]")


def is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def number(text: str) -> int | None:
    """A number, None for an empty field. Raises Unreadable."""
    if not text:
        return None
    if not is_number(text):
        raise Unreadable(text)
    return int(text)


def seconds(text: str) -> int | None:
    """Seconds in ``1-02:00:00`` or ``30:00``; None where there is no limit. Raises Unreadable."""
    if text in _NOTHING:
        return None
    match = _LENGTH.fullmatch(text)
    if not match:
        raise Unreadable(text)
    days, hours, minutes, rest = (int(part or 0) for part in match.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + rest


def names(text: str) -> frozenset[str]:
    """The names in ``a,b``; none in what stands for nothing."""
    return frozenset() if text in _NOTHING else frozenset(text.split(","))


def tres(text: str) -> dict[str, int]:
    """Amounts in ``cpu=4,mem=1.50G,gres/gpu=2``, memory in MiB. Raises Unreadable."""
    found: dict[str, int] = {}
    for part in text.split(",") if text not in _NOTHING else ():
        name, _, value = part.partition("=")
        match = _AMOUNT.fullmatch(value)
        if not (name and match):
            raise Unreadable(text)
        amount = float(match["number"]) * (_UNITS[match["unit"]] if name == "mem" else 1)
        found[name] = int(amount)
    return found


def hosts(text: str) -> frozenset[str]:
    """The nodes in ``gpu[01-03,7],login1`` (a hostlist, scontrol(1)). Raises Unreadable."""
    if text in _NOTHING:
        return frozenset()
    found: set[str] = set()
    for part in re.findall(r"(?:\[[^\]]*\]|[^,])+", text):
        choices = [_numbers(group) if inside else [group] for inside, group in _split(part)]
        found.update("".join(pieces) for pieces in product(*choices))
    if any("[" in name for name in found):
        raise Unreadable(text)
    return frozenset(found)


def _split(part: str) -> list[tuple[bool, str]]:
    """A name in pieces; the odd ones stood in brackets."""
    return [(position % 2 == 1, piece) for position, piece in enumerate(_RANGE.split(part))]


def _numbers(group: str) -> list[str]:
    found: list[str] = []
    for item in group.split(","):
        first, _, last = item.partition("-")
        last = last or first
        if not (is_number(first) and is_number(last)):
            raise Unreadable(group)
        found += [str(n).zfill(len(first)) for n in range(int(first), int(last) + 1)]
    return found
