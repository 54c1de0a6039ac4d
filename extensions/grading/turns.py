"""Turns at a processor: one submission is executed on it while the next one's room is made and the last one's ends."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def turn(lock: str) -> Iterator[None]:
    """Wait for the file's lock, and hold it while the block runs or the process lives; with "" there is no waiting.

    Raises OSError.
    """
    if not lock:
        yield
        return
    with open(lock, "ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
