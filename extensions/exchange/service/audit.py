"""``/courses/X/audit``: the course's log."""

from __future__ import annotations

from typing import Any

from extensions.exchange.service import log
from extensions.exchange.service.handler import ApiHandler
from extensions.exchange.service.visit import Visit


def entries(visit: Visit, course: str, after: int, limit: int) -> dict[str, Any]:
    visit.instructor(course)
    return log.read(visit.connection, course, after, limit)


class Audit(ApiHandler):
    async def get(self, course: str) -> None:
        self.answer(await self.ask(entries, course, self.number("after", 0), self.number("limit", 1000)))
