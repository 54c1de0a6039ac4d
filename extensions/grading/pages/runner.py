"""Runs grading as a process of its own, one at a time, beside the session's server."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from campus_base.errors import CampusError
from extensions.grading import lock
from extensions.grading.names import STATE
from extensions.grading.pages import orders
from extensions.grading.pages.orders import Order
from extensions.grading.pages.state import current

_WORK_SECONDS = 20.0
_TERMINATED = 143  # what extensions.grading ends with when it was asked to
_TAIL = 2000  # bytes


class Runner:
    """``worked`` is called while something runs: the session is in use."""

    def __init__(self, course: Path, log: Any, worked: Callable[[], None]) -> None:
        self.course = course
        self.trouble = ""
        """What the last run ended with, where it could not say so itself."""
        self._log, self._worked = log, worked
        self._process: asyncio.subprocess.Process | None = None
        self._following: asyncio.Task[None] | None = None
        self._stopped = False

    @property
    def busy(self) -> bool:
        """Whether the course is graded now, by us or in a terminal."""
        return self._process is not None or lock.running(self.course) is not None

    async def start(self, order: Order, *more: str) -> None:
        """Start what was asked for. Raises CampusError where something runs already."""
        if self.busy:
            raise CampusError("grading-runs", "Something of this course is graded already.", "Wait until it has ended.")
        self.trouble, self._stopped = "", False
        orders.keep(self.course, order)
        with (self.course / STATE / "run.log").open("wb") as said:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "extensions.grading", *order.options, *more),
                cwd=self.course,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=said,
            )
        self._following = asyncio.create_task(self._follow(self._process))

    async def resume(self) -> None:
        """Go on with what an earlier session was asked for and did not finish."""
        order = orders.kept(self.course)
        if order is None or self.busy:
            return
        last = current(self.course)
        # What is to be graded again is noted by then, each submission apart (layout.again).
        if order.what == "again" and last and last["assignment"] == order.assignment and last["started"]:
            order = orders.Order(order.assignment, "grade", order.student, order.where, order.by)
        self._log.info("Going on with the grading of %s", order.assignment)
        await self.start(order)

    def stop(self) -> None:
        """End the run; what has a grade keeps it."""
        if self._process:
            self._stopped = True
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()

    async def _follow(self, process: asyncio.subprocess.Process) -> None:
        while True:
            self._worked()
            with contextlib.suppress(TimeoutError):
                status = await asyncio.wait_for(process.wait(), _WORK_SECONDS)
                break
        if self._stopped or (status >= 0 and status != _TERMINATED):
            orders.done(self.course)
        if status and not self._stopped:
            self.trouble = (self.course / STATE / "run.log").read_bytes()[-_TAIL:].decode(errors="replace")
            self._log.warning("Grading ended with %d: %s", status, self.trouble)
        self._process = None
