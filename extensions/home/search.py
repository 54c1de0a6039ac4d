"""Finding words in titles, summaries and texts: whatever the accents and the case, the best first."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

LONGEST_QUERY = 200  # characters
MOST_WORDS = 8
MOST_FOUND = 20
"""Of one group that are shown."""
_AROUND = 90  # characters of a text on both sides of a word
_WEIGHTS = (8, 3, 1)  # for a word in the title, in the summary, in the text

What = TypeVar("What")
Piece = tuple[str, bool]
"""A part of a text, and whether it was looked for."""


class _Folds(dict[int, str]):
    """What each character becomes: exactly one."""

    def __missing__(self, code: int) -> str:
        plain = unicodedata.normalize("NFKD", chr(code))
        self[code] = next((one for one in plain if not unicodedata.combining(one)), " ").lower()[:1]
        return self[code]


_FOLDS = _Folds()


def folded(text: str) -> str:
    """The text without accents and case; each of its characters is one of the folded text's."""
    return text.lower() if text.isascii() else text.translate(_FOLDS)


def words(query: str) -> list[str]:
    """What is looked for: words, folded, each once."""
    found = re.findall(r"\w+", folded(query[:LONGEST_QUERY]))
    return list(dict.fromkeys(found))[:MOST_WORDS]


def _pattern(sought: Sequence[str]) -> re.Pattern[str]:
    # From a word's beginning: what is inside of others is seldom meant.
    longest_first = sorted(sought, key=len, reverse=True)
    return re.compile(r"\b(?:" + "|".join(map(re.escape, longest_first)) + ")")


@dataclass(frozen=True)
class Document(Generic[What]):
    """Something that can be found: ``what`` is given back."""

    what: What
    title: str
    summary: str
    text: str


@dataclass(frozen=True)
class Found(Generic[What]):
    what: What
    title: list[Piece]
    summary: list[Piece]
    excerpt: list[Piece]
    """From the text, where a word is in neither title nor summary; else empty."""
    whole: bool
    """Whether every word was found."""


def search(documents: Iterable[Document[What]], sought: Sequence[str]) -> list[Found[What]]:
    """Those with every word, else those with any; the best first, of equals the earlier."""
    if not sought:
        return []
    scored = []
    for document in documents:
        fields = tuple(map(folded, (document.title, document.summary, document.text)))
        scores = [_score(fields, word) for word in sought]
        if any(scores):
            scored.append((all(scores), sum(map(bool, scores)), sum(scores), document, fields))
    if any(one[0] for one in scored):
        scored = [one for one in scored if one[0]]
    scored.sort(key=lambda one: (-one[1], -one[2]))
    return [_found(document, fields, sought, whole) for whole, _, _, document, fields in scored]


def _score(fields: Sequence[str], word: str) -> int:
    pattern = _pattern([word])
    return next((weight for weight, field in zip(_WEIGHTS, fields, strict=True) if pattern.search(field)), 0)


def _found(document: Document[What], fields: Sequence[str], sought: Sequence[str], whole: bool) -> Found[What]:
    elsewhere = [word for word in sought if not any(_pattern([word]).search(field) for field in fields[:2])]
    inside = _pattern(elsewhere).search(fields[2]) if elsewhere else None
    return Found(
        document.what,
        marked(document.title, sought),
        marked(document.summary, sought),
        marked(_around(document.text, inside.start()), sought) if inside else [],
        whole,
    )


def _around(text: str, at: int) -> str:
    """What stands around a place, in whole words."""
    begin, end = max(0, at - _AROUND), min(len(text), at + _AROUND)
    if begin:
        begin = text.find(" ", begin, at) + 1 or begin
    if end < len(text):
        end = max(text.rfind(" ", at, end), at + 1) if " " in text[at:end] else end
    return ("… " if begin else "") + " ".join(text[begin:end].split()) + (" …" if end < len(text) else "")


def marked(text: str, sought: Sequence[str]) -> list[Piece]:
    """The text in pieces."""
    pieces: list[Piece] = []
    last = 0
    for match in _pattern(sought).finditer(folded(text)) if sought else ():
        pieces += [(text[last : match.start()], False), (text[match.start() : match.end()], True)]
        last = match.end()
    return [piece for piece in [*pieces, (text[last:], False)] if piece[0]]
