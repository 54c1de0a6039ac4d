"""What nbgrader's own pages in JupyterLab ask (nbgrader 0.9.6, server_extensions), answered off the event loop.

nbgrader's extensions import all of it at every start, and block the whole session while they work.
"""

from __future__ import annotations

import asyncio
import json
import os
import uuid
from collections.abc import Awaitable
from importlib.metadata import version
from typing import Any
from urllib.parse import quote

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from tornado.web import HTTPError, authenticated

from campus_base.errors import CampusError
from extensions.courses.names import grader_of
from extensions.coursework.helper import Helper
from extensions.coursework.links import checked, notebook_of
from extensions.coursework.validate import validate
from extensions.exchange.client import Client

_SOON = (0.5, 1.0)  # seconds between tries


class ForNbgrader(APIHandler):
    """Base of all: ``{"success", "value"}``, where the value of what failed is a sentence."""

    auth_resource = "campus"

    def initialize(self, helper: Helper) -> None:
        self.helper = helper

    def named(self, name: str) -> str:
        """From the address, or from a JSON body: nbgrader's pages use both."""
        return str(self.get_argument(name, "") or (self.get_json_body() or {}).get(name, ""))

    async def answer(self, wish: Awaitable[Any]) -> None:
        try:
            said = {"success": True, "value": await wish}
        except CampusError as error:
            said = {"success": False, "value": self.told(error)}
        self.finish(json.dumps(said))

    def told(self, error: CampusError) -> Any:
        """As the page shows it."""
        return str(error)


class Version(ForNbgrader):
    """GET ``nbgrader_version?version=V``: whether the page is of the nbgrader that is installed."""

    @authenticated
    @authorized
    async def get(self) -> None:
        here, page = version("nbgrader"), self.get_argument("version", "")
        message = f"This page is of nbgrader {page}, and {here} is installed. Reload it."
        self.finish(json.dumps({"success": True} if page == here else {"success": False, "message": message}))


class Courses(ForNbgrader):
    """GET ``courses``: the ids of one's courses."""

    @authenticated
    @authorized
    async def get(self) -> None:
        await self.answer(self._ids())

    async def _ids(self) -> list[str]:
        return sorted(course["id"] for course in await asyncio.to_thread(_courses))


class Assignments(ForNbgrader):
    """GET ``assignments?course_id=X``: what extensions.coursework.work.listing tells."""

    @authenticated
    @authorized
    async def get(self) -> None:
        await self.answer(self.listing())

    async def listing(self) -> Any:
        return await self.helper.ask("listing", course=checked("course", self.named("course_id")))


class Deeds(Assignments):
    """POST ``assignments/DEED`` with ``course_id`` and ``assignment_id``: does it, and tells the listing."""

    @authenticated
    @authorized
    async def post(self, deed: str) -> None:
        await self.answer(self._do(deed))

    def get(self, deed: str) -> None:
        raise HTTPError(405)

    async def _do(self, deed: str) -> Any:
        course = checked("course", self.named("course_id"))
        assignment = checked("assignment", self.named("assignment_id"))
        key = {"key": uuid.uuid4().hex} if deed == "submit" else {}
        await self.helper.ask(deed, course=course, assignment=assignment, **key)
        return await self.listing()


class Validation(ForNbgrader):
    """POST ``assignments/validate`` with ``path``: what nbgrader's validator tells."""

    @authenticated
    @authorized
    async def post(self) -> None:
        await self.answer(validate(notebook_of(self, self.named("path")), "nbgrader"))


class Formgraders(ForNbgrader):
    """GET ``formgraders``: where the courses are graded that one instructs."""

    @authenticated
    @authorized
    async def get(self) -> None:
        await self.answer(self._graders())

    def told(self, error: CampusError) -> Any:
        return {"message": str(error)}

    async def _graders(self) -> list[dict[str, str]]:
        own = os.environ.get("CAMPUS_GRADER_OF")
        courses = [course["id"] for course in await asyncio.to_thread(_courses) if course["role"] == "instructor"]
        return [
            {"course_id": course, "url": f"{self.base_url}formgrader", "kind": "local"}
            if course == own
            else {"course_id": course, "url": _grader(course), "kind": "jupyterhub"}
            for course in sorted(courses)
        ]


def _grader(course: str) -> str:
    """The address that starts the course's grader where it does not run, and leads to nbgrader's page."""
    base, account = os.environ.get("JUPYTERHUB_BASE_URL", "/"), grader_of(course)
    page = f"{base}user/{account}/lab?formgrader=true"
    return f"{os.environ.get('JUPYTERHUB_HOST', '')}{base}hub/spawn/{account}?next={quote(page, safe='')}"


def _courses() -> list[dict[str, Any]]:
    courses: list[dict[str, Any]] = Client.of_session(_SOON).get("/courses", list, "id", "role")
    return courses


HANDLERS = {
    "nbgrader_version": Version,
    "courses": Courses,
    "assignments": Assignments,
    "assignments/(fetch|submit|fetch_feedback)": Deeds,
    "assignments/validate": Validation,
    "formgraders": Formgraders,
}
