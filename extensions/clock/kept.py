"""An answer that costs something: asked for once in a while, kept, and shared by all who want it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar

from campus_base.errors import CampusError

T = TypeVar("T")
_PATIENCE = 2.0  # seconds that somebody waits for a new answer before the last one has to do


class Kept(Generic[T]):
    """What ``ask`` said last. It is asked at most once in ``seconds``; a CampusError keeps the last answer."""

    def __init__(self, ask: Callable[[], Awaitable[T]], first: T, seconds: float, log: Any) -> None:
        self._ask, self._answer, self._seconds, self._log = ask, first, seconds, log
        self._asked = float("-inf")
        self._asking: asyncio.Task[None] | None = None
        self._silent = False

    def forget(self) -> None:
        """Ask anew for whoever wants it next."""
        self._asked = float("-inf")

    async def get(self) -> T:
        """The newest answer; never waits long for it, and never raises."""
        now = time.monotonic()
        if now - self._asked >= self._seconds and (self._asking is None or self._asking.done()):
            self._asked = now
            self._asking = asyncio.create_task(self._renew())
        if self._asking:
            await asyncio.wait({self._asking}, timeout=_PATIENCE)
        return self._answer

    async def _renew(self) -> None:
        try:
            self._answer = await self._ask()
            self._silent = False
        except CampusError as error:
            if not self._silent:  # a silence of hours is one line of the log
                self._log.warning("%s (%s) The last answer is kept.", error.message, error.detail)
            self._silent = True
