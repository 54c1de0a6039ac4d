"""``/courses/X/assignments`` and one of them: what there is, and an assignment's policy."""

from __future__ import annotations

from typing import Any

from sqlalchemy import insert, select, update

from extensions.exchange.service import bodies, standing
from extensions.exchange.service.handler import ApiHandler
from extensions.exchange.service.tables import ASSIGNMENTS
from extensions.exchange.service.visit import Visit


def every(visit: Visit, course: str) -> list[dict[str, Any]]:
    instructor = visit.member(course) == "instructor"
    names = select(ASSIGNMENTS.c.name).where(ASSIGNMENTS.c.course == course).order_by(ASSIGNMENTS.c.name)
    return [standing.shown(visit, course, name, instructor) for name in visit.connection.scalars(names).all()]


def one(visit: Visit, course: str, name: str) -> dict[str, Any]:
    return standing.shown(visit, course, name, visit.member(course) == "instructor")


def put_policy(visit: Visit, course: str, name: str, policy: bodies.Policy) -> None:
    """Set the policy; makes the assignment where it is new."""
    where = (ASSIGNMENTS.c.course == course, ASSIGNMENTS.c.name == name)
    text = policy.model_dump_json()
    if not visit.connection.execute(update(ASSIGNMENTS).where(*where).values(policy=text)).rowcount:
        visit.connection.execute(insert(ASSIGNMENTS).values(course=course, name=name, policy=text))


def change(visit: Visit, course: str, name: str, policy: bodies.Policy) -> dict[str, Any]:
    visit.instructor(course)
    put_policy(visit, course, name, policy)
    visit.note(course, "policy-changed", assignment=name, policy=policy.shown())
    return standing.shown(visit, course, name, True)


class Assignments(ApiHandler):
    async def get(self, course: str) -> None:
        self.answer(await self.ask(every, course))


class Assignment(ApiHandler):
    async def get(self, course: str, name: str) -> None:
        self.answer(await self.ask(one, course, name))

    async def put(self, course: str, name: str) -> None:
        self.answer(await self.ask(change, course, name, bodies.parse(bodies.Policy, self.request.body)))
