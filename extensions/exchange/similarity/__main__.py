"""A process of its own, for what people wrote may be anything. JSON in, JSON out.

In: ``{"given": FILES, "works": {NAME: FILES}}``, with FILES as ``[[path, where its bytes are], …]``.
Out: ``{"pairs": […], "unread": [NAME, …]}``.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from pathlib import Path

from extensions.exchange.similarity.pairs import Work, alike, given_runs
from extensions.exchange.similarity.tokens import Piece, pieces

_MEMORY = 4 * 1024**3
_SECONDS = 900
_TOKENS = 20_000  # of one person; a notebook of a course has some thousand


def _read(files: list[list[str]]) -> tuple[list[Piece], bool]:
    """What can be read of them, and whether that is all."""
    found: list[Piece] = []
    room, whole = _TOKENS, True
    for path, where in files:
        try:
            for piece in pieces(path, Path(where).read_bytes()):
                room -= len(piece.tokens)
                if room < 0:
                    return found, False
                found.append(piece)
        except (OSError, ValueError, RecursionError):
            whole = False
    return found, whole


def main() -> None:
    os.nice(10)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (_SECONDS, _SECONDS))
    asked = json.load(sys.stdin)
    given = given_runs(_read(asked["given"])[0])
    read = {name: _read(files) for name, files in asked["works"].items()}
    works = [Work(name, found, given) for name, (found, _) in read.items()]
    json.dump({"pairs": alike(works), "unread": [name for name, (_, whole) in read.items() if not whole]}, sys.stdout)


if __name__ == "__main__":
    main()
