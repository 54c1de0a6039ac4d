"""``/submissions/ID/grade``."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import update

from extensions.exchange.service import submissions
from extensions.exchange.service.bodies import Grade as GradeBody
from extensions.exchange.service.bodies import parse
from extensions.exchange.service.clock import text
from extensions.exchange.service.handler import ApiHandler
from extensions.exchange.service.tables import SUBMISSIONS
from extensions.exchange.service.visit import Visit


def grade(visit: Visit, number: str, said: GradeBody) -> dict[str, Any]:
    row = submissions.graded_by(visit, number)
    visit.connection.execute(
        update(SUBMISSIONS)
        .where(SUBMISSIONS.c.id == number)
        .values(
            score=said.score,
            max_score=said.max_score,
            cells=json.dumps(said.cells),
            causes=json.dumps(said.causes),
            graded=text(visit.now()),
            grade_released=said.released,
        )
    )
    told = {"score": said.score, "max_score": said.max_score, "released": said.released}
    visit.note(row.course, "graded", submission=number, of=row.person, **told)
    return submissions.one(visit, number)


class Grade(ApiHandler):
    async def put(self, number: str) -> None:
        self.answer(await self.ask(grade, number, parse(GradeBody, self.request.body)))
