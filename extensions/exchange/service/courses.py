"""``/courses`` and ``/courses/X``."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import insert, update

from extensions.exchange.service import bodies
from extensions.exchange.service.handler import ApiHandler
from extensions.exchange.service.tables import COURSES
from extensions.exchange.service.visit import Visit


def shown(visit: Visit, course: str) -> dict[str, Any]:
    found = visit.course(course)
    return {"id": course, **found.model_dump(), "role": visit.role(course)}


def mine(visit: Visit) -> list[dict[str, Any]]:
    return [{"id": course, **found.model_dump(), "role": role} for course, (found, role) in visit.courses().items()]


def one(visit: Visit, course: str) -> dict[str, Any]:
    visit.member(course)
    return shown(visit, course)


def change(visit: Visit, course: str, said: bodies.Course) -> dict[str, Any]:
    visit.instructor(course)
    values = {"title": said.title, "enrolment": said.enrolment, "card": json.dumps(said.card)}
    if not visit.connection.execute(update(COURSES).where(COURSES.c.id == course).values(values)).rowcount:
        visit.connection.execute(insert(COURSES).values(id=course, **values))
    visit.note(course, "course-changed", title=said.title, enrolment=said.enrolment)
    return shown(visit, course)


class Courses(ApiHandler):
    async def get(self) -> None:
        self.answer(await self.ask(mine))


class Course(ApiHandler):
    async def get(self, course: str) -> None:
        self.answer(await self.ask(one, course))

    async def put(self, course: str) -> None:
        self.answer(await self.ask(change, course, bodies.parse(bodies.Course, self.request.body)))
