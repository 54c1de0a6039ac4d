"""Which parts of a request its score comes from: how much lower it is without each of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np

_PIECE = re.compile(r"[A-Za-z0-9_%.]+|[^A-Za-z0-9_%.]")


def pieces(request: str, most: int = 60) -> list[str]:
    """The request in words and marks; longer ones in so many pieces of like length."""
    found = _PIECE.findall(request)
    if len(found) <= most:
        return found
    step = -(-len(found) // most)
    return ["".join(found[at : at + step]) for at in range(0, len(found), step)]


def parts(request: str, score: Callable[[Sequence[str]], np.ndarray]) -> list[tuple[str, float]]:
    """Each piece with what it adds to the score: the score as it is, less that with the piece left out.

    The line's structure (method, target, the names of fields) stays, else the request would be another one.
    """
    found = pieces(request)
    after = [*found[1:], ""]
    free = [at for at, piece in enumerate(found) if at > 1 and piece not in "?|&=/ " and after[at] != "="]
    asked = [request] + ["".join(found[:at] + found[at + 1 :]) for at in free]
    values = score(asked)
    added = dict(zip(free, values[0] - values[1:], strict=True))
    return [(piece, float(added.get(at, 0.0))) for at, piece in enumerate(found)]
