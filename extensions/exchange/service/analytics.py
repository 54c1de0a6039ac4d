"""``/courses/X/analytics``: where a class struggles, by assignment and by question. No names are in it."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select

from extensions.exchange.service.bodies import Policy
from extensions.exchange.service.clock import moment
from extensions.exchange.service.handler import ApiHandler
from extensions.exchange.service.progress import in_order, number_of
from extensions.exchange.service.tables import ASSIGNMENTS, FETCHES, SUBMISSIONS
from extensions.exchange.service.visit import Visit

_S = SUBMISSIONS.c


@dataclass(frozen=True)
class Facts:
    """What the database has of a course, in order of time."""

    assignments: Sequence[Row]
    submissions: Sequence[Row]
    fetches: Sequence[Row]


def facts(visit: Visit, course: str) -> Facts:
    visit.instructor(course)
    ask = visit.connection.execute
    assignments = list(ask(select(ASSIGNMENTS).where(ASSIGNMENTS.c.course == course)).all())
    counted = select(_S.assignment, _S.person, _S.received, _S.score, _S.max_score, _S.graded, _S.cells)
    return Facts(
        in_order(visit.course(course).card, assignments),
        ask(counted.where(_S.course == course, _S.set_aside.is_(False)).order_by(_S.received)).all(),
        ask(select(FETCHES).where(FETCHES.c.course == course)).all(),
    )


def analytics(found: Facts) -> list[dict[str, Any]]:
    """By assignment, in the course's order."""
    return [
        _assignment(
            row,
            [s for s in found.submissions if s.assignment == row.name],
            {f.person: f.at for f in found.fetches if f.assignment == row.name},
        )
        for row in found.assignments
    ]


def _assignment(row: Row, submissions: Sequence[Row], fetched: dict[str, str]) -> dict[str, Any]:
    first = {s.person: s for s in reversed(submissions)}
    graded = [s for s in submissions if s.graded]
    last = {s.person: s for s in graded}
    took = [
        (moment(s.received) - moment(fetched[person])).total_seconds()
        for person, s in first.items()
        if person in fetched and fetched[person] <= s.received
    ]
    return {
        "name": row.name,
        "title": Policy.model_validate_json(row.policy).title,
        "fetched": len(fetched),
        "submitters": len(first),
        "submissions": len(submissions),
        "graded": len(last),
        "share": _mean(s.score / s.max_score for s in last.values() if s.max_score),
        "median_seconds": statistics.median(took) if took else None,
        "questions": _questions(graded),
    }


def _questions(graded: Sequence[Row]) -> list[dict[str, Any]]:
    """In the order in which the last graded submission has them."""
    cells = [(s.person, _cells(s)) for s in graded]
    names = list(dict.fromkeys(name for _, found in reversed(cells) for name in found))
    return [_question(name, [(person, found[name]) for person, found in cells if name in found]) for name in names]


def _cells(submission: Row) -> dict[str, dict[str, Any]]:
    """Those with points. What a grade holds beside is the grader's own."""
    found = json.loads(submission.cells)
    return {name: cell for name, cell in found.items() if isinstance(cell, dict) and number_of(cell, "max_score")}


def _question(name: str, tries: list[tuple[str, dict[str, Any]]]) -> dict[str, Any]:
    notebook, _, question = name.rpartition("/")
    last = dict(tries)
    shares = [
        score / cell["max_score"]
        for cell in last.values()
        if not cell.get("manual") and (score := number_of(cell, "score")) is not None
    ]
    return {
        "name": name,
        "notebook": notebook,
        "question": question,
        "max_score": tries[-1][1]["max_score"],
        "people": len(last),
        "attempts": len(tries),
        "full": _mean(share >= 1 - 1e-9 for share in shares),
        "share": _mean(shares),
        "to_grade": sum(bool(cell.get("manual")) for cell in last.values()),
    }


def _mean(values: Iterable[float]) -> float | None:
    found = list(values)
    return sum(found) / len(found) if found else None


class Analytics(ApiHandler):
    async def get(self, course: str) -> None:
        found = await self.ask(facts, course)
        self.answer(await self.in_thread(analytics, found))
