"""``/courses/X/gradebook``: everybody's latest submission to each assignment."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from sqlalchemy import select

from extensions.exchange.service.bodies import Policy
from extensions.exchange.service.handler import ApiHandler
from extensions.exchange.service.roster import as_table, people
from extensions.exchange.service.standing import state_of
from extensions.exchange.service.tables import ASSIGNMENTS, FETCHES, SUBMISSIONS
from extensions.exchange.service.visit import Visit

_S = SUBMISSIONS.c


def gradebook(visit: Visit, course: str) -> dict[str, Any]:
    visit.instructor(course)
    assignments = visit.connection.execute(
        select(ASSIGNMENTS).where(ASSIGNMENTS.c.course == course).order_by(ASSIGNMENTS.c.name)
    ).all()
    counted = select(SUBMISSIONS).where(_S.course == course, _S.set_aside.is_(False)).order_by(_S.received)
    rows = visit.connection.execute(counted).all()
    last = {(row.person, row.assignment): row for row in rows}
    used = Counter((row.person, row.assignment) for row in rows)
    fetches = visit.connection.execute(select(FETCHES).where(FETCHES.c.course == course)).all()
    fetched = {(row.person, row.assignment) for row in fetches}
    found = people(visit, course)
    # Who submitted and has left the roster since stays in the book.
    left = sorted({row.person for row in rows} - {person["id"] for person in found})
    found += [{"id": person, "first_name": "", "last_name": "", "email": "", "source": "left"} for person in left]

    def cell(person: str, assignment: Any) -> dict[str, Any]:
        key = (person, assignment.name)
        row = last.get(key)
        return {
            "state": state_of(row, key in fetched, assignment.tree is not None),
            "score": row.score if row else None,
            "max_score": row.max_score if row else None,
            "attempts_used": used[key],
            "late_seconds": json.loads(row.receipt)["late_seconds"] if row else None,
            "submission": row.id if row else None,
        }

    return {
        "assignments": [{"name": a.name, "points": Policy.model_validate_json(a.policy).points} for a in assignments],
        "people": [{**person, "assignments": {a.name: cell(person["id"], a) for a in assignments}} for person in found],
    }


class Gradebook(ApiHandler):
    async def get(self, course: str) -> None:
        self.answer(await self.ask(gradebook, course))


class GradebookTable(ApiHandler):
    async def get(self, course: str) -> None:
        book = await self.ask(gradebook, course)
        names = [assignment["name"] for assignment in book["assignments"]]
        rows = [
            [p["id"], p["first_name"], p["last_name"], *(p["assignments"][name]["score"] for name in names)]
            for p in book["people"]
        ]
        table = as_table(["id", "first_name", "last_name", *names], rows)
        self.answer_table(table, f"{course}-gradebook.csv")
