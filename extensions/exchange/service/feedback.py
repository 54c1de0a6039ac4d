"""``/submissions/ID/feedback``: released when it is put, with the grade."""

from __future__ import annotations

from typing import Any

from sqlalchemy import update

from extensions.exchange.archive import File
from extensions.exchange.refusals import NotFound
from extensions.exchange.service import submissions, trees
from extensions.exchange.service.clock import text
from extensions.exchange.service.tables import SUBMISSIONS
from extensions.exchange.service.upload import UploadHandler, reused
from extensions.exchange.service.visit import Visit
from extensions.exchange.store import Staged


def put(visit: Visit, number: str, key: str, staged: Staged) -> dict[str, Any]:
    row = submissions.graded_by(visit, number)
    if row.feedback_key == key:
        if row.feedback_tree != staged.sha256:
            raise reused("feedback")
        return submissions.one(visit, number)
    tree = trees.put(visit.connection, staged)
    visit.connection.execute(
        update(SUBMISSIONS)
        .where(SUBMISSIONS.c.id == number)
        .values(feedback_tree=tree, feedback_released=text(visit.now()), feedback_key=key, grade_released=True)
    )
    visit.note(row.course, "feedback-released", submission=number, of=row.person, sha256=tree)
    return submissions.one(visit, number)


def files(visit: Visit, number: str) -> list[File]:
    row, _ = submissions.found(visit, number)
    if not row.feedback_tree:
        raise NotFound(f"feedback to {number}", "It comes when your instructor releases it.")
    return trees.files(visit.connection, row.feedback_tree)


class Feedback(UploadHandler):
    async def looked_at(self, number: str) -> None:
        await self.ask(submissions.graded_by, number)

    async def put(self, number: str) -> None:
        staged = await self.staged()
        self.answer(await self.take(staged, put, number, self.key, staged))

    async def get(self, number: str) -> None:
        await self.answer_files(await self.ask(files, number))
