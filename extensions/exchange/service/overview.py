"""``/overview``: one's courses and where one stands in them, in a few questions to the database for all."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from sqlalchemy import BindParameter, Row, Select, bindparam, func, select

from extensions.exchange.service.bodies import Policy, as_utc
from extensions.exchange.service.clock import moment
from extensions.exchange.service.courses import mine
from extensions.exchange.service.handler import ApiHandler
from extensions.exchange.service.policy import terms
from extensions.exchange.service.standing import as_extension, state_of
from extensions.exchange.service.tables import ASSIGNMENTS, EXTENSIONS, FETCHES, SUBMISSIONS
from extensions.exchange.service.visit import Visit

_A, _S, _F, _E = ASSIGNMENTS.c, SUBMISSIONS.c, FETCHES.c, EXTENSIONS.c
Key = tuple[str, str]
"""A course and an assignment in it."""

# Made once, since every look at Home asks them: to make one takes longer than to ask it.
_COURSES: BindParameter[list[str]] = bindparam("courses", expanding=True)
_PERSON: BindParameter[str] = bindparam("person")
_ASSIGNMENTS = select(ASSIGNMENTS).where(_A.course.in_(_COURSES)).order_by(_A.name)
_FETCHED = select(FETCHES).where(_F.person == _PERSON, _F.course.in_(_COURSES))
_EXTENDED = select(EXTENSIONS).where(_E.person == _PERSON, _E.course.in_(_COURSES))
_SUBMITTED = (
    select(_S.course, _S.assignment, _S.feedback_tree, _S.graded, _S.grade_released)
    .where(_S.person == _PERSON, _S.course.in_(_COURSES), _S.set_aside.is_(False))
    .order_by(_S.received)
)
_COUNTED = (
    select(_S.course, _S.assignment, func.count().label("submissions"), func.count(_S.graded).label("graded"))
    .where(_S.course.in_(_COURSES), _S.set_aside.is_(False))
    .group_by(_S.course, _S.assignment)
)


def _rows(visit: Visit, wanted: Select, courses: list[str]) -> dict[Key, Row]:
    """The asker's rows, the last of each assignment; nothing is asked where there is no course."""
    if not courses:
        return {}
    asked = {"courses": courses, "person": visit.asker.name}
    return {(row.course, row.assignment): row for row in visit.connection.execute(wanted, asked)}


def overview(visit: Visit) -> list[dict[str, Any]]:
    found, now = mine(visit), visit.now()
    roles = {course["id"]: course["role"] for course in found}
    last, fetches, extensions = (_rows(visit, one, list(roles)) for one in (_SUBMITTED, _FETCHED, _EXTENDED))
    counts = _rows(visit, _COUNTED, [course for course, role in roles.items() if role == "instructor"])
    shown: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in visit.connection.execute(_ASSIGNMENTS, {"courses": list(roles)}):
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
