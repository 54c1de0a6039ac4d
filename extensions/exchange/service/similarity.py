"""``/courses/X/assignments/A/similarity``: submissions that are alike, side by side."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import Any

from sqlalchemy import delete, insert, select
from tornado.log import app_log

from campus_base.errors import CampusError
from campus_base.process import run
from extensions.exchange.archive import File
from extensions.exchange.service import standing, submissions, trees
from extensions.exchange.service.clock import text
from extensions.exchange.service.handler import ApiHandler
from extensions.exchange.service.tables import SIMILARITY, SUBMISSIONS
from extensions.exchange.service.visit import Visit

_C, _S = SIMILARITY.c, SUBMISSIONS.c
_SECONDS = 1800
_FAILED = CampusError(
    "failed", "The comparison failed.", "Try again; if it persists, an operator finds the cause in the exchange's log."
)


def asked(visit: Visit, course: str, name: str) -> tuple[list[File], dict[str, list[File]]]:
    """What was released, and what each person submitted last."""
    visit.instructor(course)
    found = standing.standing(visit, course, name)
    rows = submissions.last_of_each(visit, course, name)
    works = {row.person: trees.files(visit.connection, row.tree) for row in rows}
    return trees.files(visit.connection, found.row.tree), works


def keep(visit: Visit, course: str, name: str, result: dict[str, Any]) -> None:
    own = {"course": course, "assignment": name}
    visit.connection.execute(delete(SIMILARITY).where(_C.course == course, _C.assignment == name))
    visit.connection.execute(insert(SIMILARITY).values(**own, at=text(visit.now()), result=json.dumps(result)))
    visit.note(course, "compared", assignment=name, submissions=result["submissions"])


def kept(visit: Visit, course: str, name: str) -> dict[str, Any]:
    """The last comparison."""
    visit.instructor(course)
    standing.standing(visit, course, name)
    row = visit.connection.execute(select(SIMILARITY).where(_C.course == course, _C.assignment == name)).first()
    none = {"submissions": 0, "pairs": [], "unread": []}
    return {"at": row.at, **json.loads(row.result)} if row else {"at": None, **none}


def _log(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()):
        app_log.error("Comparing submissions failed", exc_info=error)


class Similarity(ApiHandler):
    async def get(self, course: str, name: str) -> None:
        found = await self.ask(kept, course, name)
        task = self.exchange.comparing.get((course, name))
        failed = task.exception() if task and task.done() and not task.cancelled() else None
        running = task is not None and not task.done()
        error = failed if isinstance(failed, CampusError) or failed is None else _FAILED
        self.answer({"running": running, "error": error and error.as_dict(), **found})

    async def post(self, course: str, name: str) -> None:
        given, works = await self.ask(asked, course, name)
        comparing, key = self.exchange.comparing, (course, name)
        if key not in comparing or comparing[key].done():
            comparing[key] = asyncio.create_task(self._compare(course, name, given, works))
            comparing[key].add_done_callback(_log)
        self.answer({}, 202)

    async def _compare(self, course: str, name: str, given: list[File], works: dict[str, list[File]]) -> None:
        def places(files: list[File]) -> list[list[str]]:
            return [[file.path, str(self.exchange.store.path(file.sha256))] for file in files]

        wanted = {"given": places(given), "works": {who: places(files) for who, files in works.items()}}
        async with self.exchange.one_comparison:
            done = await run(
                [sys.executable, "-P", "-s", "-m", "extensions.exchange.similarity"],
                what=f"Comparing the submissions to {name}",
                timeout=_SECONDS,
                env={name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ},
                stdin=json.dumps(wanted),
            )
        result = {"submissions": len(works), **json.loads(done.stdout)}
        await self.ask(keep, course, name, result)
