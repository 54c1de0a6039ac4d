"""``/overview``: one's courses and where one stands in them, in a few questions to the database for all."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from sqlalchemy import ColumnElement, Row, Table, func, select

from extensions.exchange.service.bodies import Policy, as_utc
from extensions.exchange.service.clock import moment
from extensions.exchange.service.courses import mine
from extensions.exchange.service.handler import ApiHandler
from extensions.exchange.service.policy import terms
from extensions.exchange.service.standing import as_extension, state_of
from extensions.exchange.service.tables import ASSIGNMENTS, EXTENSIONS, FETCHES, SUBMISSIONS
from extensions.exchange.service.visit import Visit

_A, _S = ASSIGNMENTS.c, SUBMISSIONS.c
Key = tuple[str, str]
"""A course and an assignment in it."""


def _own(visit: Visit, table: Table, courses: list[str], *where: ColumnElement[bool]) -> dict[Key, Row]:
    """The asker's rows of a table, the last of each assignment."""
    c = table.c
    wanted = select(table).where(c.person == visit.asker.name, c.course.in_(courses), *where)
    if "received" in c:
        wanted = wanted.order_by(c.received)
    return {(row.course, row.assignment): row for row in visit.connection.execute(wanted)}


def _counts(visit: Visit, courses: list[str]) -> dict[Key, Row]:
    """How many submissions there are of each assignment, and how many have a grade."""
    wanted = (
        select(_S.course, _S.assignment, func.count().label("submissions"), func.count(_S.graded).label("graded"))
        .where(_S.course.in_(courses), _S.set_aside.is_(False))
        .group_by(_S.course, _S.assignment)
    )
    return {(row.course, row.assignment): row for row in visit.connection.execute(wanted)}


def overview(visit: Visit) -> list[dict[str, Any]]:
    found, now = mine(visit), visit.now()
    roles = {course["id"]: course["role"] for course in found}
    last = _own(visit, SUBMISSIONS, list(roles), _S.set_aside.is_(False))
    fetches, extensions = _own(visit, FETCHES, list(roles)), _own(visit, EXTENSIONS, list(roles))
    counts = _counts(visit, [course for course, role in roles.items() if role == "instructor"])
    shown: dict[str, list[dict[str, Any]]] = defaultdict(list)
    rows = select(ASSIGNMENTS).where(_A.course.in_(list(roles))).order_by(_A.name)
    for row in visit.connection.execute(rows):
        key, teaches = (row.course, row.name), roles[row.course] == "instructor"
        policy = Policy.model_validate_json(row.policy)
        extension, fetch = extensions.get(key), fetches.get(key)
        own = terms(policy, as_extension(extension) if extension else None, moment(fetch.at) if fetch else None)
        is_open = row.tree is not None and (teaches or own.is_open(now))
        one = {
            "name": row.name,
            "title": policy.title,
            "my_due": as_utc(own.due),
            "state": state_of(last.get(key), fetch is not None, is_open),
        }
        if teaches:
            counted = counts.get(key)
            one |= {"submissions": counted.submissions if counted else 0, "graded": counted.graded if counted else 0}
        shown[row.course].append(one)
    return [{**course, "assignments": shown[course["id"]]} for course in found]


class Overview(ApiHandler):
    async def get(self) -> None:
        self.answer(await self.ask(overview))
