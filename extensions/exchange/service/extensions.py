"""``/courses/X/assignments/A/extensions``: another date, more time, or more attempts, for one person."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, insert, select

from extensions.exchange.refusals import NotFound
from extensions.exchange.service.bodies import Extension, as_utc, parse
from extensions.exchange.service.handler import ApiHandler
from extensions.exchange.service.standing import standing
from extensions.exchange.service.tables import EXTENSIONS
from extensions.exchange.service.visit import Visit

_E = EXTENSIONS.c


def every(visit: Visit, course: str, name: str) -> list[dict[str, Any]]:
    visit.instructor(course)
    rows = visit.connection.execute(
        select(EXTENSIONS).where(_E.course == course, _E.assignment == name).order_by(_E.person)
    )
    return [
        {"user": r.person, "due": r.due, "minutes": r.minutes, "attempts": r.attempts, "note": r.note} for r in rows
    ]


def _drop(visit: Visit, course: str, name: str, person: str) -> bool:
    where = (_E.course == course, _E.assignment == name, _E.person == person)
    return visit.connection.execute(delete(EXTENSIONS).where(*where)).rowcount > 0


def grant(visit: Visit, course: str, name: str, person: str, said: Extension) -> dict[str, Any]:
    visit.instructor(course)
    standing(visit, course, name)
    _drop(visit, course, name, person)
    given = said.model_dump() | {"due": as_utc(said.due)}
    visit.connection.execute(insert(EXTENSIONS).values(course=course, assignment=name, person=person, **given))
    visit.note(course, "extension-granted", assignment=name, to=person, **given)
    return {"user": person, **given}


def take_back(visit: Visit, course: str, name: str, person: str) -> None:
    visit.instructor(course)
    if not _drop(visit, course, name, person):
        raise NotFound(f"extension of {name} for {person}")
    visit.note(course, "extension-taken-back", assignment=name, to=person)


class Extensions(ApiHandler):
    async def get(self, course: str, name: str) -> None:
        self.answer(await self.ask(every, course, name))


class OneExtension(ApiHandler):
    async def put(self, course: str, name: str, person: str) -> None:
        self.answer(await self.ask(grant, course, name, person, parse(Extension, self.request.body)))

    async def delete(self, course: str, name: str, person: str) -> None:
        await self.ask(take_back, course, name, person)
        self.answer({})
