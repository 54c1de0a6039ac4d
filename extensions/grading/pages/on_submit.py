"""Grades what was submitted to assignments that are graded at once, while the grader's session runs."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from campus_base.errors import CampusError
from extensions.grading.pages.courses import CourseAtExchange
from extensions.grading.pages.orders import Order
from extensions.grading.pages.runner import Runner

_LOOK_SECONDS = 5.0
_AGAIN_SECONDS = 600.0  # until one that could not be graded is tried again


class OnSubmit:
    def __init__(self, runner: Runner, course: CourseAtExchange, log: Any) -> None:
        self._runner, self._course, self._log = runner, course, log
        self._tried: dict[str, float] = {}

    async def run(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            try:
                await self.look()
            except (CampusError, OSError) as error:
                self._log.warning("What waits to be graded could not be seen to: %s", error)
            except Exception:  # nobody would start this again, and nothing would be graded any more
                self._log.exception("What waits to be graded could not be seen to")

    async def look(self) -> None:
        """Start grading where something new waits, and nothing is graded now."""
        if self._runner.busy:
            return
        now = time.monotonic()
        self._tried = {number: at for number, at in self._tried.items() if now - at < _AGAIN_SECONDS}
        for assignment, numbers in (await asyncio.to_thread(self._course.waiting_on_submit)).items():
            if numbers - self._tried.keys():
                self._tried |= dict.fromkeys(numbers, now)
                await self._runner.start(Order(assignment, "grade"))
                return
