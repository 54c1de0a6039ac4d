"""``/pending``: submissions that wait for their grade where one is given on submission."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, func, select

from extensions.exchange.service.bodies import Policy
from extensions.exchange.service.handler import ApiHandler
from extensions.exchange.service.tables import ASSIGNMENTS, SUBMISSIONS
from extensions.exchange.service.visit import Visit

_S, _A = SUBMISSIONS.c, ASSIGNMENTS.c


def _graded_on_submit(visit: Visit, course: str | None = None) -> list[tuple[str, str]]:
    """Assignments, with their courses."""
    asked = select(ASSIGNMENTS).order_by(_A.course, _A.name)
    rows = visit.connection.execute(asked.where(_A.course == course) if course else asked)
    return [(row.course, row.name) for row in rows if Policy.model_validate_json(row.policy).grade_on_submit]


def _waiting(visit: Visit, course: str, name: str) -> Sequence[Row]:
    """Each person's last submission, while it has no grade; the one that came first before others."""
    its = (_S.course == course, _S.assignment == name, _S.set_aside.is_(False))
    last = select(func.max(_S.received)).where(*its).group_by(_S.person)
    waits = select(SUBMISSIONS).where(*its, _S.graded.is_(None), _S.received.in_(last)).order_by(_S.received)
    return visit.connection.execute(waits).all()


def of_course(visit: Visit, course: str) -> list[dict[str, Any]]:
    visit.instructor(course)
    rows = [row for _, name in _graded_on_submit(visit, course) for row in _waiting(visit, course, name)]
    return [
        {"id": r.id, "assignment": r.assignment, "user": r.person, "attempt": r.attempt, "received": r.received}
        for r in sorted(rows, key=lambda row: row.received)
    ]


def counts(visit: Visit) -> dict[str, int]:
    """How many wait in each course that the asker teaches; courses with none are left out."""
    found: dict[str, int] = {}
    for course, name in _graded_on_submit(visit):
        if visit.asker.instructs(course) and (waiting := len(_waiting(visit, course, name))):
            found[course] = found.get(course, 0) + waiting
    return found


class Pending(ApiHandler):
    async def get(self, course: str) -> None:
        self.answer(await self.ask(of_course, course))


class Counts(ApiHandler):
    async def get(self) -> None:
        self.answer(await self.ask(counts))
