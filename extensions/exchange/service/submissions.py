"""Submissions as they are answered: lists, one, its files; and setting one aside."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, select, update

from extensions.exchange.archive import File
from extensions.exchange.refusals import NotFound
from extensions.exchange.service import trees
from extensions.exchange.service.handler import ApiHandler
from extensions.exchange.service.tables import SUBMISSIONS
from extensions.exchange.service.visit import Role, Visit

_S = SUBMISSIONS.c
_OF_RECEIPT = ("id", "course", "assignment", "user", "received", "attempt", "late_seconds", "sha256", "size", "files")


def shown(visit: Visit, row: Row, role: Role) -> dict[str, Any]:
    """A submission; its grade too where the asker may see it."""
    receipt = json.loads(row.receipt)
    grade = row.graded is not None and (row.grade_released or role == "instructor")
    feedback = None
    if row.feedback_tree:
        files = trees.shown(trees.files(visit.connection, row.feedback_tree))
        feedback = {"released": row.feedback_released, "sha256": row.feedback_tree, "files": files}
    return {
        **{key: receipt[key] for key in _OF_RECEIPT},
        "receipt": receipt,
        "score": row.score if grade else None,
        "max_score": row.max_score if grade else None,
        "graded": row.graded if grade else None,
        "cells": json.loads(row.cells) if grade else None,
        "causes": json.loads(row.causes) if grade else None,
        "grade_released": bool(row.grade_released),
        "feedback": feedback,
    }


def found(visit: Visit, number: str) -> tuple[Row, Role]:
    """A submission, and what the asker is to it. Raises NotFound for whom it is none of theirs."""
    row = visit.connection.execute(select(SUBMISSIONS).where(_S.id == number)).first()
    role = visit.role(row.course) if row else None
    if row is None or (role != "instructor" and (visit.asker.is_service or row.person != visit.asker.name)):
        raise NotFound(f"submission {number}")
    return row, role or "trainee"  # who has left the course keeps what they submitted


def graded_by(visit: Visit, number: str) -> Row:
    """A submission of a course that the asker teaches. Raises NotFound, NotAllowed."""
    row, _ = found(visit, number)
    visit.instructor(row.course)
    return row


def _last_of_each(rows: Sequence[Row]) -> list[Row]:
    return sorted({row.person: row for row in rows}.values(), key=lambda row: row.received)


def last_of_each(visit: Visit, course: str, name: str) -> list[Row]:
    """Each person's last submission, in order of time."""
    asked = (_S.course == course, _S.assignment == name, _S.set_aside.is_(False))
    return _last_of_each(visit.connection.execute(select(SUBMISSIONS).where(*asked).order_by(_S.received)).all())


def every(
    visit: Visit, course: str, name: str, person: str | None, latest: bool, graded: bool | None
) -> list[dict[str, Any]]:
    role = visit.member(course)
    asked = [_S.course == course, _S.assignment == name, _S.set_aside.is_(False)]
    if role != "instructor":
        asked.append(_S.person == visit.asker.name)
    if person is not None:
        asked.append(_S.person == person)
    rows = visit.connection.execute(select(SUBMISSIONS).where(*asked).order_by(_S.received)).all()
    if latest:
        rows = _last_of_each(rows)
    if graded is not None:
        rows = [row for row in rows if (row.graded is not None) == graded]
    return [shown(visit, row, role) for row in rows]


def one(visit: Visit, number: str) -> dict[str, Any]:
    row, role = found(visit, number)
    return shown(visit, row, role)


def files(visit: Visit, number: str) -> list[File]:
    row, _ = found(visit, number)
    if row.person != visit.asker.name:
        visit.note(row.course, "read", submission=number, of=row.person)
    return trees.files(visit.connection, row.tree)


def set_aside(visit: Visit, number: str) -> None:
    row = graded_by(visit, number)
    visit.connection.execute(update(SUBMISSIONS).where(_S.id == number).values(set_aside=True))
    visit.note(row.course, "set-aside", submission=number, of=row.person)


class Submission(ApiHandler):
    async def get(self, number: str) -> None:
        self.answer(await self.ask(one, number))

    async def delete(self, number: str) -> None:
        await self.ask(set_aside, number)
        self.answer({})


class Files(ApiHandler):
    async def get(self, number: str) -> None:
        await self.answer_files(await self.ask(files, number))
