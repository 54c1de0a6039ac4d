"""``/courses/X/progress``: how far one person is in a course, and whether they have passed it."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Row, select

from extensions.exchange.service.bodies import Policy
from extensions.exchange.service.handler import ApiHandler
from extensions.exchange.service.standing import state_of
from extensions.exchange.service.tables import ASSIGNMENTS, FETCHES, SUBMISSIONS
from extensions.exchange.service.visit import Visit

_S, _A, _F = SUBMISSIONS.c, ASSIGNMENTS.c, FETCHES.c


@dataclass(frozen=True)
class Part:
    """One assignment; the score is that of the last submission whose grade is released."""

    name: str
    title: str
    weight: float
    state: str
    score: float | None
    max_score: float | None


@dataclass(frozen=True)
class Progress:
    share: float | None
    """Of all the points of the course, from 0 to 1; None while nothing is graded."""
    pass_mark: float | None
    passed: bool
    assignments: tuple[Part, ...]


def number_of(card: dict[str, Any], key: str) -> float | None:
    """A number of the course's card, which may hold anything."""
    value = card.get(key)
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if is_number else None  # type: ignore[arg-type]


def in_order(card: dict[str, Any], rows: list[Row]) -> list[Row]:
    """Assignments in the course's order, where its card tells one; by name what it leaves out."""
    order = card.get("order")
    places = (
        {name: place for place, name in enumerate(order) if isinstance(name, str)} if isinstance(order, list) else {}
    )
    return sorted(rows, key=lambda row: (places.get(row.name, len(places)), row.name))


def _parts(visit: Visit, course: str, person: str) -> tuple[Part, ...]:
    rows = list(visit.connection.execute(select(ASSIGNMENTS).where(_A.course == course)).all())
    fetched = set(visit.connection.scalars(select(_F.assignment).where(_F.course == course, _F.person == person)))
    mine = visit.connection.execute(
        select(SUBMISSIONS)
        .where(_S.course == course, _S.person == person, _S.set_aside.is_(False))
        .order_by(_S.received)
    ).all()
    last = {row.assignment: row for row in mine}
    graded = {row.assignment: row for row in mine if row.graded and row.grade_released}
    found = []
    for row in in_order(visit.course(course).card, rows):
        policy = Policy.model_validate_json(row.policy)
        is_open = row.tree is not None and (policy.opens is None or policy.opens <= visit.now())
        grade = graded.get(row.name)
        found.append(
            Part(
                row.name,
                policy.title,
                policy.weight if policy.points != 0 else 0.0,  # nothing can be earned there
                state_of(last.get(row.name), row.name in fetched, is_open),
                grade.score if grade else None,
                grade.max_score if grade else None,
            )
        )
    return tuple(found)


def _share(parts: tuple[Part, ...]) -> float | None:
    """Each assignment counts by its weight; what is not graded yet counts as nothing earned."""
    counting = [part for part in parts if part.weight and part.max_score != 0]
    if not any(part.max_score for part in counting):
        return None
    earned = sum(part.weight * (part.score or 0) / part.max_score for part in counting if part.max_score)
    return earned / sum(part.weight for part in counting)


def progress(visit: Visit, course: str, person: str) -> Progress:
    """Anybody's, without asking who asks."""
    parts = _parts(visit, course, person)
    share, mark = _share(parts), number_of(visit.course(course).card, "pass_mark")
    passed = share is not None and mark is not None and share >= mark - 1e-9
    return Progress(share, mark, passed, parts)


def mine(visit: Visit, course: str) -> dict[str, Any]:
    visit.member(course)
    return asdict(progress(visit, course, visit.asker.name))


class OwnProgress(ApiHandler):
    async def get(self, course: str) -> None:
        self.answer(await self.ask(mine, course))
