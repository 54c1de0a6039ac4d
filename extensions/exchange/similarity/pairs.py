"""Submissions compared two by two: how much of one is in the other, and where."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from extensions.exchange.similarity.tokens import Piece
from extensions.exchange.similarity.winnow import RUN, fingerprints, hashes, own

LEAST = 0.25  # share from which a pair is shown
MOST_PAIRS = 100
MOST_PARTS = 12
_OWN_TOKENS = 2 * RUN  # with less of one's own there is nothing to compare
_EVERYBODYS = 10  # what so many wrote, or a quarter of all where that is more, says nothing
_TEXT = 1500  # characters shown of one part


@dataclass(frozen=True)
class Place:
    """A token: in which piece, and which of its tokens."""

    piece: int
    at: int


class Work:
    """What one person handed in."""

    def __init__(self, name: str, pieces: Sequence[Piece], given: set[int]) -> None:
        self.name = name
        self.pieces = pieces
        self.own = [own(piece.tokens, given) for piece in pieces]
        self.size = sum(map(sum, self.own))
        self.prints: dict[int, list[Place]] = defaultdict(list)
        for number, piece in enumerate(pieces):
            for one, at in fingerprints(piece.tokens, given):
                self.prints[one].append(Place(number, at))


@dataclass(frozen=True)
class Match:
    """So many equal tokens, from these two places on."""

    a: Place
    b: Place
    length: int


def given_runs(pieces: Sequence[Piece]) -> set[int]:
    return {one for piece in pieces for one in hashes(piece.tokens)}


def _candidates(works: Sequence[Work]) -> dict[tuple[int, int], list[int]]:
    """The fingerprints that two works share, leaving out everybody's."""
    having: dict[int, list[int]] = defaultdict(list)
    for number, work in enumerate(works):
        for one in work.prints:
            having[one].append(number)
    most = max(_EVERYBODYS, len(works) // 4)
    found: dict[tuple[int, int], list[int]] = defaultdict(list)
    for one, numbers in having.items():
        if len(numbers) <= most:
            for pair in combinations(numbers, 2):
                found[pair].append(one)
    return found


def _grown(a: Work, b: Work, at: Place, bt: Place) -> Match:
    """As far as both go on alike."""
    left, right = a.pieces[at.piece].tokens, b.pieces[bt.piece].tokens
    back = 0
    while min(at.at, bt.at) > back and left[at.at - back - 1] == right[bt.at - back - 1]:
        back += 1
    i, j, length = at.at - back, bt.at - back, 0
    while i + length < len(left) and j + length < len(right) and left[i + length] == right[j + length]:
        length += 1
    return Match(Place(at.piece, i), Place(bt.piece, j), length)


def _matches(a: Work, b: Work, shared: Sequence[int]) -> list[Match]:
    """The longest first; none inside another."""
    found: dict[tuple[int, int, int], Match] = {}
    for one in shared:
        for at in a.prints[one][:4]:
            for bt in b.prints[one][:4]:
                line = (at.piece, bt.piece, at.at - bt.at)
                known = found.get(line)
                if not known or not known.a.at <= at.at < known.a.at + known.length:
                    match = _grown(a, b, at, bt)
                    if match.length >= RUN and (not known or match.length > known.length):
                        found[line] = match
    return sorted(found.values(), key=lambda match: -match.length)


def _covered(work: Work, ranges: Iterator[tuple[Place, int]]) -> float:
    """Which share of what is somebody's own lies in these."""
    marked = [[False] * len(flags) for flags in work.own]
    for place, length in ranges:
        marked[place.piece][place.at : place.at + length] = [True] * length
    pairs = (
        (flag, mark)
        for flags, marks in zip(work.own, marked, strict=True)
        for flag, mark in zip(flags, marks, strict=True)
    )
    return sum(flag and mark for flag, mark in pairs) / work.size


def _part(work: Work, place: Place, length: int) -> dict[str, Any]:
    piece = work.pieces[place.piece]
    first, last = piece.lines[place.at], piece.lines[place.at + length - 1]
    text = "\n".join(piece.text.split("\n")[first - 1 : last])[:_TEXT]
    return {"file": piece.file, "cell": piece.cell, "first_line": first, "last_line": last, "text": text}


def _parts(a: Work, b: Work, matches: Sequence[Match]) -> list[dict[str, Any]]:
    """To be shown side by side, in the order of the first; what is shown once is not shown again."""
    shown: list[Match] = []
    for match in matches:
        again = any(
            match.a.piece == other.a.piece
            and match.a.at < other.a.at + other.length
            and other.a.at < match.a.at + match.length
            for other in shown
        )
        if not again and len(shown) < MOST_PARTS:
            shown.append(match)
    shown.sort(key=lambda match: (match.a.piece, match.a.at))
    return [{"a": _part(a, m.a, m.length), "b": _part(b, m.b, m.length)} for m in shown]


def alike(works: Sequence[Work]) -> list[dict[str, Any]]:
    """The pairs that share most, at most :data:`MOST_PAIRS`."""
    works = [work for work in works if work.size >= _OWN_TOKENS]
    found = []
    for (i, j), shared in _candidates(works).items():
        a, b = works[i], works[j]
        matches = _matches(a, b, shared)
        in_a = _covered(a, ((match.a, match.length) for match in matches))
        in_b = _covered(b, ((match.b, match.length) for match in matches))
        share = (in_a * a.size + in_b * b.size) / (a.size + b.size)
        if share >= LEAST:
            found.append((share, in_a, in_b, a, b, matches))
    found.sort(key=lambda one: (-one[0], one[3].name, one[4].name))
    return [
        {
            "share": share,
            "a": {"user": a.name, "share": in_a},
            "b": {"user": b.name, "share": in_b},
            "parts": _parts(a, b, matches),
        }
        for share, in_a, in_b, a, b, matches in found[:MOST_PAIRS]
    ]
