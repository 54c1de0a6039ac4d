"""Requests in one way of writing: what an attacker can vary for free is taken away before a detector looks."""

from __future__ import annotations

import html
import json
import re
import unicodedata
from urllib.parse import quote_plus, unquote_plus

_COMMENT = re.compile(r"/\*.*?\*/", re.S)
_SPACE = re.compile(r"[\s\x00-\x1f]+")
_DIGITS = re.compile(r"\d+")


def decoded(text: str) -> str:
    """Percent-encoding taken away once, as a web server does it."""
    return unquote_plus(text)


def canonical(text: str) -> str:
    """Encodings taken away as long as there are any, then comments, full-width letters, capitals, runs of spaces."""
    for _ in range(4):
        before = text
        text = html.unescape(unquote_plus(text))
        if text == before:
            break
    text = unicodedata.normalize("NFKC", _COMMENT.sub(" ", text)).lower()
    return _SPACE.sub(" ", text)


def route(text: str) -> str:
    """Method and the first two steps of the path, those with a digit in them as 0: ``GET /p/0``."""
    steps = re.split(r"[?|]", text, maxsplit=1)[0].split("/")[:3]
    return "/".join("0" if _DIGITS.search(step) else step for step in steps)


def fields(text: str) -> list[tuple[str, str]]:
    """A request as names and values, in order: ``path``, then those of the query and of the body.

    Values are decoded once, as a web server does it; a body that is neither a form nor a JSON object is one value.
    """
    head, _, body = text.partition("|")
    method, _, target = head.partition(" ")
    path, _, query = target.partition("?")
    found = [("path", f"{method} {unquote_plus(path)}")]
    sent: list[tuple[str, str]] = []
    if body[:1] == "{":
        try:
            for name, value in json.loads(body).items():
                sent.append((str(name), value if isinstance(value, str) else json.dumps(value)))
        except ValueError:
            sent = [("body", body)]
        body = ""
    for part in (query, body):
        for pair in part.split("&") if part else ():
            name, _, value = pair.partition("=")
            found.append((unquote_plus(name), unquote_plus(value)))
    return found + sent


def crossed(text: str) -> list[str]:
    """For the baseline: runs of two to four characters of each value, shorter ones with the value's name as well."""
    out = []
    for name, value in fields(text):
        value = f"^{value}$"
        for length in (2, 3, 4):
            for at in range(max(1, len(value) - length + 1)):
                run = value[at : at + length]
                out.append(run)
                if length < 4:
                    out.append(f"{name}\x1f{run}")
    return out


def quoted(value: str) -> str:
    """A value percent-encoded as a browser does it."""
    return quote_plus(value)


def normalised(text: str) -> str:
    """A request whose values are in one way of writing (:func:`canonical`), encoded anew so that it stays a request."""
    head, _, body = text.partition("|")
    target, _, query = head.partition("?")

    def clean(part: str) -> str:
        pairs = (pair.partition("=") for pair in part.split("&"))
        return "&".join(f"{name}{sign}{quote_plus(canonical(value))}" for name, sign, value in pairs)

    if body[:1] == "{":
        body = canonical(body)
    elif body:
        body = clean(body)
    return f"{target}{'?' + clean(query) if query else ''}{'|' + body if body else ''}"
