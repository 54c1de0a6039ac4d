"""``/courses/X/assignments/A/lateness``: how late submissions are as things are now; what grading goes by."""

from __future__ import annotations

import json

from sqlalchemy import select

from extensions.exchange.service.clock import moment
from extensions.exchange.service.handler import ApiHandler
from extensions.exchange.service.policy import Terms, terms
from extensions.exchange.service.standing import extension_of, fetched, standing
from extensions.exchange.service.tables import SUBMISSIONS
from extensions.exchange.service.visit import Visit

_S = SUBMISSIONS.c


def every(visit: Visit, course: str, name: str) -> dict[str, int]:
    """Seconds by submission. A receipt's word stands where a date was moved forward; an extension helps whenever."""
    visit.instructor(course)
    policy = standing(visit, course, name).policy
    people: dict[str, Terms] = {}
    found = {}
    where = (_S.course == course, _S.assignment == name, _S.set_aside.is_(False))
    for row in visit.connection.execute(select(_S.id, _S.person, _S.received, _S.receipt).where(*where)):
        if row.person not in people:
            first = fetched(visit, course, name, row.person)
            began = moment(first) if first else None
            people[row.person] = terms(policy, extension_of(visit, course, name, row.person), began)
        now = people[row.person].late_seconds(moment(row.received))
        found[row.id] = min(now, json.loads(row.receipt)["late_seconds"])
    return found


class Lateness(ApiHandler):
    async def get(self, course: str, name: str) -> None:
        self.answer(await self.ask(every, course, name))
