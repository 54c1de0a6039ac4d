"""A course's gradebook has one writer: a lock that also says who it is and what is graded."""

from __future__ import annotations

import fcntl
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from campus_base.errors import CampusError
from extensions.grading.names import STATE

_FLOCK = struct.Struct("hhqqi4x")  # struct flock on Linux with 64 bits (fcntl(2)): type, whence, start, length, pid


@contextmanager
def only_one(course: Path, assignment: str) -> Iterator[None]:
    """While the block runs, nobody else grades. Raises CampusError where another run has the course."""
    folder = course / STATE
    folder.mkdir(mode=0o700, exist_ok=True)
    with (folder / "lock").open("a+") as lock:
        try:
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise CampusError(
                "grading-runs",
                f"Another grading of the course in {course} runs already.",
                "Wait until it has ended.",
            ) from error
        lock.truncate(0)
        lock.write(assignment)
        lock.flush()
        yield


def running(course: Path) -> str | None:
    """The assignment that is graded now, by whatever process; None where none is."""
    try:
        with (course / STATE / "lock").open("rb") as lock:
            asked = _FLOCK.pack(fcntl.F_RDLCK, os.SEEK_SET, 0, 0, 0)
            kind, *_ = _FLOCK.unpack(fcntl.fcntl(lock, fcntl.F_GETLK, asked))
            return None if kind == fcntl.F_UNLCK else lock.read().decode()
    except FileNotFoundError:
        return None
