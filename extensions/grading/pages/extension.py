"""A Jupyter server extension: the grading page and its API, under ``campus/grading``."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader
from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler, FileFindHandler, JupyterHandler
from jupyter_server.utils import url_path_join
from tornado.web import authenticated

from campus_base.errors import CampusError
from extensions.exchange.client import Client
from extensions.grading.pages import orders
from extensions.grading.pages.courses import CourseAtExchange
from extensions.grading.pages.on_submit import OnSubmit
from extensions.grading.pages.runner import Runner
from extensions.grading.pages.state import current

COURSE = "CAMPUS_GRADER_OF"
"""The variable that names the course whose grader this session is; without it there is no page."""
_PAUSES = (0.5, 1)  # seconds between tries: somebody looks at the page
_STATIC = Path(__file__).parent / "static"
_TEMPLATES = Environment(loader=PackageLoader(__package__), autoescape=True)


class Desk:
    """What the handlers share."""

    def __init__(self, course: str, folder: Path, settings: dict[str, Any], log: Any) -> None:
        self.course = course
        self.exchange = CourseAtExchange(course, folder, Client.of_session(_PAUSES))
        clock = settings.get("campus_clock")
        self.runner = Runner(folder, log, clock.use.note_work if clock else lambda: None)
        self.on_submit = OnSubmit(self.runner, self.exchange, log)
        self.has_cluster = shutil.which("sbatch") is not None


class PageHandler(JupyterHandler):
    """GET ``campus/grading``."""

    auth_resource = "campus"
    _track_activity = False

    def initialize(self, desk: Desk) -> None:
        self._desk = desk

    @authenticated
    @authorized
    async def get(self) -> None:
        host = os.environ.get("JUPYTERHUB_HOST", "")
        hub = f"{host}{os.environ.get('JUPYTERHUB_BASE_URL', '/')}hub/"
        own = f"'self' {host}".strip()
        self.set_header(
            "Content-Security-Policy",
            f"default-src 'none'; script-src {own}; style-src {own}; img-src {own} data:; font-src {own}; "
            "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
        )
        page = _TEMPLATES.get_template("grading.html").render(
            course=self._desk.course,
            hub=hub,
            base=self.base_url,
            person=self.current_user.username,
            has_cluster=self._desk.has_cluster,
            xsrf=self.xsrf_token.decode(),
        )
        self.finish(page)


class DeskHandler(APIHandler):
    """Answers JSON; 409 with ``{"code", "message", "remedy"}`` where something was refused."""

    auth_resource = "campus"
    _track_activity = False  # a page that was left open is nobody at work

    def initialize(self, desk: Desk) -> None:
        self._desk = desk

    def refuse(self, error: CampusError) -> None:
        self.set_status(409)
        self.finish(json.dumps(error.as_dict()))

    async def ask(self, question: Any, *arguments: Any) -> None:
        """What waits for the exchange waits in a thread."""
        try:
            self.finish(json.dumps(await asyncio.to_thread(question, *arguments)))
        except CampusError as error:
            self.refuse(error)


class RunHandler(DeskHandler):
    """``api/run``: GET the run that goes on or was last (state.run_state), POST an order, DELETE to stop it."""

    @authenticated
    @authorized
    async def get(self) -> None:
        runner = self._desk.runner
        state = {"busy": runner.busy, "run": current(runner.course), "trouble": runner.trouble}
        self.finish(json.dumps(state))

    @authenticated
    @authorized
    async def post(self) -> None:
        try:
            await self._desk.runner.start(orders.read(self.get_json_body(), self.current_user.username))
        except CampusError as error:
            self.refuse(error)
        else:
            self.set_status(202)
            self.finish("{}")

    @authenticated
    @authorized
    async def delete(self) -> None:
        self._desk.runner.stop()
        self.finish("{}")


class AssignmentsHandler(DeskHandler):
    """GET ``api/assignments`` (courses.CourseAtExchange.assignments)."""

    @authenticated
    @authorized
    async def get(self) -> None:
        await self.ask(self._desk.exchange.assignments)


class SubmissionsHandler(DeskHandler):
    """GET ``api/assignments/A`` (courses.CourseAtExchange.submissions)."""

    @authenticated
    @authorized
    async def get(self, assignment: str) -> None:
        await self.ask(self._desk.exchange.submissions, assignment)


def load(server_app: Any) -> None:
    """Called by Jupyter Server."""
    if COURSE not in os.environ:
        return
    settings = server_app.web_app.settings
    desk = settings["campus_grading"] = Desk(os.environ[COURSE], Path.home() / "course", settings, server_app.log)
    path = url_path_join(settings["base_url"], "campus/grading")
    handlers: list[tuple[str, type, dict[str, Any]]] = [
        ("/?", PageHandler, {"desk": desk}),
        ("/api/run", RunHandler, {"desk": desk}),
        ("/api/assignments", AssignmentsHandler, {"desk": desk}),
        ("/api/assignments/([a-z][a-z0-9-]*)", SubmissionsHandler, {"desk": desk}),
        ("/static/(.*)", FileFindHandler, {"path": [str(_STATIC)]}),
    ]
    server_app.web_app.add_handlers(".*", [(f"{path}{rest}", handler, given) for rest, handler, given in handlers])


async def start(server_app: Any) -> None:
    """Called by Jupyter Server once its event loop runs: goes on with what an earlier session did not finish."""
    desk = server_app.web_app.settings.get("campus_grading")
    if desk is None:
        return
    await desk.runner.resume()
    desk.looking = asyncio.create_task(desk.on_submit.run())


_load_jupyter_server_extension = load
_start_jupyter_server_extension = start
