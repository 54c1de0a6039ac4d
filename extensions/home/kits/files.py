"""Reading a published file: only a plain one, at its own place, never through a link."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Sequence
from pathlib import Path

from extensions.home.kits.kit import FILE

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Not to wait at a pipe that somebody put there (open(2)).
_PLAIN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class NoFile(Exception):
    """There is no such plain file, or it is too large; the text says which, for the log."""


def read(root: Path, path: Sequence[str], most: int) -> bytes:
    """A file below ``root``: the names on the way to it are ``path``; at most so many bytes. Raises NoFile.

    ``root`` itself may be reached through links; what is below it may not be one.
    """
    shown = "/".join(path)
    if not path or not all(re.fullmatch(FILE, name) for name in path):
        raise NoFile(f"{shown[:200]!r} is no name of a file here")
    try:
        folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        for name in path[:-1]:
            before = folder
            try:
                folder = os.open(name, _FOLDER, dir_fd=before)
            finally:
                os.close(before)
        try:
            file = os.open(path[-1], _PLAIN, dir_fd=folder)
        finally:
            os.close(folder)
        with os.fdopen(file, "rb") as opened:
            status = os.fstat(opened.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise NoFile(f"{shown} is no plain file")
            if status.st_size > most:
                raise NoFile(f"{shown} is larger than {most} bytes")
            return opened.read(most)
    except OSError as error:
        raise NoFile(f"{shown}: {error.strerror}") from None
