"""An attack on one's own detector: the same payload, written so that it still works, until no alarm comes.

Each change keeps what the payload does where a web application decodes its input as such applications commonly do
(twice decoded, entities read, comments in SQL skipped). It is for measuring and hardening a detector of one's own.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from urllib.parse import quote

import numpy as np

from gatewatch.traffic import dice

Score = Callable[[Sequence[str]], np.ndarray]
Change = Callable[[str, random.Random], str]

_SQL = re.compile(r"\b(select|union|from|where|and|or|order|group|insert|update|sleep|concat|all)\b", re.I)
_POLITE = ["usb cable ", "best led strip for my kit ", "please help: ", "works well, thanks. ", "price and name "]


def capitals(payload: str, rng: random.Random) -> str:
    """Capitals at random, where it is SQL or HTML: their words do not mind."""
    if not _SQL.search(payload) and "<" not in payload:
        return payload
    return "".join(letter.upper() if rng.random() < 0.5 else letter.lower() for letter in payload)


def comments(payload: str, rng: random.Random) -> str:
    """SQL's comments for spaces."""
    return payload.replace(" ", "/**/") if _SQL.search(payload) else payload


def twice(payload: str, rng: random.Random) -> str:
    """Percent-encoded once more: what decodes twice sees the payload."""
    return quote(payload)


def letters(payload: str, rng: random.Random) -> str:
    """A third of the letters percent-encoded once more: for what decodes twice, too."""
    return "".join(f"%{ord(c):02x}" if c.isascii() and c.isalpha() and rng.random() < 0.34 else c for c in payload)


def entities(payload: str, rng: random.Random) -> str:
    """Letters as HTML's numeric entities, where a page will read them."""
    if "<" not in payload and "script" not in payload.lower():
        return payload
    return "".join(f"&#{ord(c)};" if c.isalpha() and rng.random() < 0.4 else c for c in payload)


def wide(payload: str, rng: random.Random) -> str:
    """Full-width letters, which many databases and frameworks fold into plain ones."""
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" and rng.random() < 0.4 else c for c in payload)


def spaces(payload: str, rng: random.Random) -> str:
    """Other white space for spaces."""
    return re.sub(" ", lambda _: rng.choice(["\t", "\n", "  ", "\x0b"]), payload)


def polite(payload: str, rng: random.Random) -> str:
    """Harmless words in front, as a customer would write them."""
    return rng.choice(_POLITE) + payload


CHANGES: dict[str, Change] = {
    change.__name__: change for change in (capitals, comments, twice, letters, entities, wide, spaces, polite)
}
DECODING = frozenset({"twice", "letters", "entities", "wide"})


def evade(
    payloads: Sequence[str],
    hide: Callable[[str, random.Random], str],
    score: Score,
    steps: int = 3,
    seed: int = 1,
    allowed: Sequence[str] = tuple(CHANGES),
) -> tuple[list[str], np.ndarray, list[list[str]]]:
    """Greedy search: in each step, for each payload, the one change that lowers the score most.

    ``hide`` puts a payload into a request and is given the same random numbers each time. Returns the requests found,
    their scores, shape (n,), and the changes made to each.
    """
    current = list(payloads)
    requests = [hide(text, dice(seed + at)) for at, text in enumerate(current)]
    lowest = score(requests)
    made: list[list[str]] = [[] for _ in current]
    for step in range(steps):
        rows, names, texts = [], [], []
        for at, text in enumerate(current):
            for name in allowed:
                # A payload that is encoded as a whole stays one string of letters: nothing further is encoded.
                if name in made[at] or (name in DECODING and DECODING & set(made[at])):
                    continue
                if "polite" in made[at] and name != "polite" and name in DECODING:
                    continue
                changed = CHANGES[name](text, dice(seed + 97 * step + at))
                if changed != text:
                    rows.append(at)
                    names.append(name)
                    texts.append(changed)
        if not rows:
            break
        asked = [hide(text, dice(seed + at)) for at, text in zip(rows, texts, strict=True)]
        found = score(asked)
        for at, name, text, request, value in zip(rows, names, texts, asked, found, strict=True):
            if value < lowest[at]:
                lowest[at], current[at], requests[at] = value, text, request
                made[at] = [*made[at][:step], name]
    return requests, lowest, made
