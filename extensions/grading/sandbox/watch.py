"""Keeping a room within what Linux limits for no account: the memory of all its processes together, and the clock."""

from __future__ import annotations

import contextlib
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from extensions.grading.sandbox.rooms import Room

_LOOK_SECONDS = 0.1
_OWN = re.compile(r"^(?:RssAnon|RssShmem):\s+(\d+) kB", re.MULTILINE)
_SHARE = re.compile(r"^Pss:\s+(\d+) kB", re.MULTILINE)


def processes(first: int) -> Iterator[int]:
    """A process and all that descend from it (proc(5), task/TID/children)."""
    yield first
    for children in Path(f"/proc/{first}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in children.read_text().split():
                yield from processes(int(child))


def _kib(process: int, file: str, pattern: re.Pattern[str]) -> int:
    try:
        # A process names itself, and in bytes that need be no text (prctl(2), PR_SET_NAME).
        return sum(map(int, pattern.findall(Path(f"/proc/{process}/{file}").read_text(errors="replace"))))
    except OSError:
        return 0  # it has ended, or it is the room's first process, which nobody may look into


def memory_mib(first: int) -> int:
    """Memory of a process and its descendants, files that they map aside.

    What a fork shares is counted in each process; where that sum matters, the fair share is asked for, at some cost.
    """
    return sum(_kib(process, "status", _OWN) for process in processes(first)) // 1024


def share_mib(first: int) -> int:
    """The same, each page divided by how many processes have it (proc(5), smaps_rollup)."""
    return sum(_kib(process, "smaps_rollup", _SHARE) for process in processes(first)) // 1024


class Watch(threading.Thread):
    """Ends a room that uses more than its limits; ``broken`` says which: "memory", "time", or None."""

    def __init__(self, room: Room, mib: int, seconds: float) -> None:
        super().__init__(daemon=True, name="watch")
        self.broken: str | None = None
        self._room = room
        self._mib = mib
        self._deadline = time.monotonic() + seconds
        self._done = threading.Event()

    def run(self) -> None:
        while not self._done.wait(_LOOK_SECONDS):
            if time.monotonic() > self._deadline:
                self.broken = "time"
            elif memory_mib(self._room.process) > self._mib and share_mib(self._room.process) > self._mib:
                self.broken = "memory"
            if self.broken:
                self._room.end()
                return

    def stop(self) -> None:
        """It has ended otherwise."""
        self._done.set()
        self.join()
