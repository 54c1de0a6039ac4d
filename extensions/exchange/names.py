"""Names that come from outside: of courses, people and files. What is odd is refused, never repaired in silence."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from extensions.exchange.refusals import BadFile, TooLarge

ID = r"[a-z][a-z0-9-]{0,29}"
"""An assignment. A course's is shorter: extensions.courses.names."""
PERSON = r"[A-Za-z0-9_][A-Za-z0-9._@-]{0,63}"
KEY = r"[A-Za-z0-9_-]{8,64}"
"""What a client calls an upload, so that the same one twice is seen as such."""

MOST_LISTED = 5000
"""People of one roster."""

# Control, format (some turn the direction of text) and lone surrogate characters, and line ends (Unicode, 4.5).
_ODD = {"Cc", "Cf", "Cs", "Zl", "Zp"}


@dataclass(frozen=True)
class Limits:
    """What one upload may hold; sizes in bytes."""

    upload: int = 100_000_000
    file: int = 100_000_000
    files: int = 1000
    depth: int = 16
    path: int = 512
    name: int = 255


def shown(name: str) -> str:
    """A file's name as a message may print it."""
    return ascii(name if len(name) <= 80 else f"{name[:77]}...")


def checked_path(name: str, limits: Limits) -> str:
    """A file's path as it is kept: relative, normalised (NFC), with / between names. Raises BadFile, TooLarge."""
    path = unicodedata.normalize("NFC", name.removeprefix("./"))
    if any(unicodedata.category(character) in _ODD for character in path):
        raise BadFile(f"The name {shown(name)} holds a character that no file name may have.")
    parts = path.split("/")
    if any(part in ("", ".", "..") for part in parts):
        raise BadFile(f"The path {shown(name)} is absolute, or has . or .. or an empty name in it.")
    if len(parts) - 1 > limits.depth:
        raise TooLarge(f"The path {shown(name)} is more than {limits.depth} folders deep.")
    if len(path.encode()) > limits.path or any(len(part.encode()) > limits.name for part in parts):
        raise TooLarge(
            f"The path {shown(name)} is too long: {limits.path} bytes at most, and {limits.name} for one name."
        )
    return path


class Paths:
    """The paths of one upload, which must not stand in each other's way."""

    def __init__(self) -> None:
        self._files: set[str] = set()
        self._folders: set[str] = set()

    def add(self, path: str) -> None:
        """Take a checked path. Raises BadFile where another has the same name, or is a folder on its way."""
        parts = path.split("/")
        above = {"/".join(parts[:depth]) for depth in range(1, len(parts))}
        if path in self._files or path in self._folders or not above.isdisjoint(self._files):
            raise BadFile(f"{shown(path)} is there twice, or once as a file and once as a folder.")
        self._files.add(path)
        self._folders |= above
