"""Fingerprints of a sequence of tokens.

Source: Schleimer, Wilkerson, Aiken, "Winnowing: Local Algorithms for Document Fingerprinting", SIGMOD 2003. A match of
``RUN + WINDOW - 1`` tokens is always found, and none shorter than ``RUN``.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

RUN = 12
WINDOW = 5


def hashes(tokens: Sequence[str]) -> list[int]:
    """Of each run of ``RUN`` tokens, by where it begins."""
    return [hash(tuple(tokens[at : at + RUN])) for at in range(len(tokens) - RUN + 1)]


def own(tokens: Sequence[str], given: Collection[int]) -> list[bool]:
    """For each token, whether it is in no run that was given."""
    found = [True] * len(tokens)
    for at, one in enumerate(hashes(tokens)):
        if one in given:
            found[at : at + RUN] = [False] * RUN
    return found


def fingerprints(tokens: Sequence[str], given: Collection[int]) -> list[tuple[int, int]]:
    """Hash and place of those that are chosen: the least of each window, the last where there are several."""
    kept = [(one, at) for at, one in enumerate(hashes(tokens)) if one not in given]
    found: dict[int, int] = {}
    for first in range(max(1, len(kept) - WINDOW + 1)):
        window = kept[first : first + WINDOW]
        if window:
            least, at = min(window, key=lambda one: (one[0], -one[1]))
            found[at] = least
    return [(one, at) for at, one in found.items()]
