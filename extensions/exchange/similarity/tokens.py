"""What somebody wrote, as tokens: names that they chose are all alike, so that renaming hides nothing."""

from __future__ import annotations

import json
import keyword
import re
from collections.abc import Iterator
from dataclasses import dataclass

_CODE = re.compile(
    r"""(?P<space>\s+|\#[^\n]*)
    |(?P<string>[rRbBfFuU]{0,2}(?:\"{3}(?:[^\\]|\\.)*?\"{3}|'{3}(?:[^\\]|\\.)*?'{3}|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'))
    |(?P<attribute>(?<=\.)[^\W\d]\w*)
    |(?P<name>[^\W\d]\w*)
    |(?P<number>\d[\w.]*)
    |(?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_WORDS = re.compile(r"\w+")
_FILE_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class Piece:
    """A cell, or a whole file (``cell`` None): its text, its tokens, and the line of each, from 1 on."""

    file: str
    cell: int | None
    text: str
    tokens: tuple[str, ...]
    lines: tuple[int, ...]


def _code(text: str) -> Iterator[tuple[str, int]]:
    """Token and offset. Attributes stay: they are a library's names mostly, and cannot be renamed."""
    for match in _CODE.finditer(text):
        kind, found = match.lastgroup, match.group()
        if kind == "name" and not keyword.iskeyword(found):
            yield "name", match.start()
        elif kind == "string":
            yield "string", match.start()
        elif kind != "space":
            yield found, match.start()


def _prose(text: str) -> Iterator[tuple[str, int]]:
    for match in _WORDS.finditer(text):
        yield match.group().casefold(), match.start()


def _piece(file: str, cell: int | None, text: str, *, is_code: bool) -> Piece:
    found = list(_code(text) if is_code else _prose(text))
    lines, line, before = [], 1, 0
    for _, at in found:
        line += text.count("\n", before, at)
        before = at
        lines.append(line)
    return Piece(file, cell, text, tuple(token for token, _ in found), tuple(lines))


def pieces(file: str, content: bytes) -> list[Piece]:
    """Of a notebook or a file of text; none of others. Raises ValueError, RecursionError for what is no notebook."""
    if len(content) > _FILE_BYTES:
        raise ValueError("too large")
    if file.endswith((".py", ".md", ".txt")):
        return [_piece(file, None, content.decode(errors="replace"), is_code=file.endswith(".py"))]
    if not file.endswith(".ipynb"):
        return []
    book = json.loads(content)
    cells = book.get("cells") if isinstance(book, dict) else None
    if not isinstance(cells, list):
        raise ValueError("no notebook")
    found = []
    for number, cell in enumerate(cells, 1):
        kind = cell.get("cell_type") if isinstance(cell, dict) else None
        if kind in ("code", "markdown"):
            source = cell.get("source", "")
            text = "".join(map(str, source)) if isinstance(source, list) else str(source)
            found.append(_piece(file, number, text, is_code=kind == "code"))
    return found
