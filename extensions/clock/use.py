"""When this session was last used. What counts is decided in docs/decisions/0011.

A cell that runs or ran, a program in a terminal or what is typed there, and a busy GPU are work; a document that is
saved, made, renamed or deleted is use as well. An open page is neither, and so is what it asks by itself.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

_UNSEEN = 180.0  # seconds between two looks from which on nobody knows what was done meanwhile
_CHANGES = frozenset({"save", "create", "upload", "rename", "copy", "delete"})


def _cells(kernels: Any, now: float) -> float:
    """When a kernel last worked. One that is busy does so now, though it prints nothing for hours.

    Jupyter Server notes a kernel's last message, and leaves out those that a page asks for by itself
    (jupyter_server.services.kernels.kernelmanager, untracked_message_types).
    """
    if any(kernel["execution_state"] == "busy" for kernel in kernels.list_kernels()):
        return now
    return float(kernels.last_kernel_activity.timestamp())


def _terminals(settings: Mapping[str, Any], now: float) -> float:
    """When a terminal was last used: what runs in front of its shell runs now, as tcgetpgrp(3) tells."""
    manager = settings.get("terminal_manager")
    for terminal in list(manager.terminals.values()) if manager else ():
        with contextlib.suppress(OSError):  # it was closed just now
            if os.tcgetpgrp(terminal.ptyproc.fd) != terminal.ptyproc.pid:
                return now
    typed = settings.get("terminal_last_activity")
    return float(typed.timestamp()) if typed else 0.0


class Use:
    """Looks at kernels, terminals and GPUs, hears of documents, and remembers when each was last in use."""

    def __init__(self, settings: Mapping[str, Any], clock: Callable[[], float] = time.time) -> None:
        self._settings, self._clock = settings, clock
        now = clock()
        self._looked = now
        self._worked = self._changed = self._kept = now
        self._gpu_unknown: float | None = None
        self._gpu_counts = False
        self.gpu_busy_percent = 5
        self.keeps = 0
        """How often in a row this session was kept by its person while idle."""

    def note_change(self, action: str) -> None:
        """The contents manager did something (jupyter_server's event contents_service)."""
        if action in _CHANGES:
            self._changed = self._clock()

    def note_work(self) -> None:
        """Something else works in this session, as grading does."""
        self._worked = self._clock()

    def keep(self) -> None:
        """Its person says that it is in use."""
        self._kept = self._clock()
        self.keeps += 1

    def look(self, utilisation: Sequence[int | None]) -> None:
        """Look at what is in use now; ``utilisation`` is in per cent, for each GPU, None where nothing says it."""
        now = self._clock()
        worked = max(_cells(self._settings["kernel_manager"], now), _terminals(self._settings, now))
        known = [each for each in utilisation if each is not None]
        self._gpu_counts = bool(utilisation) and len(known) == len(utilisation)
        if not self._gpu_counts:
            self._gpu_unknown = now
        if any(each >= self.gpu_busy_percent for each in known):
            worked = now
        # Suspended, or the node was: what it would have done meanwhile nobody knows.
        if now - self._looked > _UNSEEN:
            worked = now
        self._looked = now
        if worked > self._kept:
            self.keeps = 0
        self._worked = max(self._worked, worked)

    @property
    def last(self) -> float:
        """When anything was last used, in seconds since the epoch."""
        return max(self._worked, self._changed, self._kept)

    def figures(self) -> dict[str, float | None]:
        """For the hub: ``idle`` and ``gpu_idle``, see spawners.life.idle.Figures."""
        now = self._clock()
        gpu = now - max(self._worked, self._kept, self._gpu_unknown or 0.0) if self._gpu_counts else None
        return {"idle": max(0.0, now - self.last), "gpu_idle": None if gpu is None else max(0.0, gpu)}
