"""What JupyterLab's buttons ask the session's server: ``campus/coursework`` and what is beneath it."""

from __future__ import annotations

import asyncio
import datetime
import json
import uuid
from collections.abc import Awaitable
from typing import Any

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from tornado.web import authenticated

from campus_base.errors import CampusError
from extensions.coursework import words
from extensions.coursework.helper import Helper
from extensions.coursework.links import course_and_assignment, key_of, notebook_of
from extensions.coursework.validate import validate
from extensions.exchange.client import Client, Problem

_SOON = (0.5, 1.0)  # seconds between tries
_SHOWN = ("title", "state", "score", "max_score", "my_due", "late", "grade_on_submit", "attempts_used")


class Answer(APIHandler):
    """Base of all: JSON, and 409 with ``{"code", "message", "remedy"}`` for what is refused."""

    auth_resource = "campus"

    def initialize(self, helper: Helper) -> None:
        self.helper = helper

    async def answer(self, wish: Awaitable[Any]) -> None:
        try:
            said = await wish
        except CampusError as error:
            if error.detail:
                self.log.warning("%s (%s)", error.message, error.detail)
            self.set_status(409)
            said = error.as_dict()
        self.finish(json.dumps(said))


class Standing(Answer):
    """GET ``?course=X&assignment=A``: ``{"assignment"}``, null where there is no such thing, or it is not known now."""

    _track_activity = False  # an open notebook that looks whether its grade has come is nobody at work

    @authenticated
    @authorized
    async def get(self) -> None:
        await self.answer(self._standing())

    async def _standing(self) -> dict[str, Any]:
        course, name = course_and_assignment(self)
        try:
            found = await asyncio.to_thread(_assignment, course, name)
        except Problem as problem:
            return {"assignment": None, "known": problem.code == "not-found"}
        return {"assignment": {key: found[key] for key in _SHOWN}, "known": True}


def _assignment(course: str, name: str) -> dict[str, Any]:
    return Client.of_session(_SOON).get(f"/courses/{course}/assignments/{name}", dict, *_SHOWN)


class Preview(Answer):
    """GET ``?course=X&assignment=A``: what would be submitted, and a ``key`` for submitting it."""

    @authenticated
    @authorized
    async def get(self) -> None:
        await self.answer(self._preview())

    async def _preview(self) -> dict[str, Any]:
        course, name = course_and_assignment(self)
        found = await self.helper.ask("preview", course=course, assignment=name)
        assignment = found.pop("assignment")
        facts = words.facts(assignment, datetime.datetime.now(datetime.UTC))
        sizes = [{"path": file["path"], "size": words.size(file["size"])} for file in found.pop("files")]
        shown = {key: assignment[key] for key in ("title", "refusal")}
        return {**found, **shown, "facts": facts, "files": sizes, "key": uuid.uuid4().hex}


class Submission(Answer):
    """POST ``?course=X&assignment=A&key=K`` submits: the receipt."""

    @authenticated
    @authorized
    async def post(self) -> None:
        await self.answer(self._submit())

    async def _submit(self) -> dict[str, Any]:
        course, name = course_and_assignment(self)
        receipt: dict[str, Any] = await self.helper.ask("submit", course=course, assignment=name, key=key_of(self))
        return receipt


class Feedback(Answer):
    """POST ``?course=X&assignment=A`` fetches the feedback: ``{"page"}``, the path of the latest."""

    @authenticated
    @authorized
    async def post(self) -> None:
        await self.answer(self._fetch())

    async def _fetch(self) -> dict[str, Any]:
        course, name = course_and_assignment(self)
        page: dict[str, Any] = await self.helper.ask("fetch_feedback", course=course, assignment=name)
        return page


class Check(Answer):
    """POST ``?path=NOTEBOOK`` runs its visible tests: what extensions.coursework.check tells."""

    _running: asyncio.Task[Any] | None = None

    @authenticated
    @authorized
    async def post(self) -> None:
        await self.answer(self._check())

    async def _check(self) -> Any:
        self._running = asyncio.ensure_future(validate(notebook_of(self)))
        try:
            return await self._running
        except asyncio.CancelledError:
            raise CampusError("called-off", "The check was called off.", "Start it again when you like.") from None

    def on_connection_close(self) -> None:
        super().on_connection_close()
        if self._running:
            self._running.cancel()


HANDLERS = {"standing": Standing, "preview": Preview, "submit": Submission, "feedback": Feedback, "check": Check}
