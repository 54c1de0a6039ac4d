"""A page of the session's server for people: its look, and how an error is told."""

from __future__ import annotations

import os
import secrets
from collections.abc import Awaitable, Callable
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jupyter_server.base.handlers import JupyterHandler
from tornado.web import HTTPError

from campus_base.errors import CampusError
from extensions.coursework import words
from extensions.coursework.helper import Helper

_FOLDER = Path(__file__).parent / "pages"
_STATUS = {"bad-link": 400, "bad-key": 400, "not-found": 404, "exchange-silent": 503}


def templates(*folders: Path) -> Environment:
    """Templates of these folders, which may extend those that all pages share (``base.html``, ``error.html``)."""
    loader = FileSystemLoader([*folders, _FOLDER])
    found = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    found.filters["bytes"] = words.size
    return found


class Page(JupyterHandler):
    """Base of all; shows a CampusError as a page that says what is wrong and what to do."""

    auth_resource = "campus"
    pages = templates()

    def initialize(self, helper: Helper | None = None) -> None:
        if helper:
            self.helper = helper

    @cached_property
    def _nonce(self) -> str:
        return secrets.token_urlsafe(16)

    @property
    def content_security_policy(self) -> str:
        own = f"'nonce-{self._nonce}'"
        return (
            f"default-src 'none'; style-src {own}; script-src {own}; connect-src 'none'; form-action 'self'; "
            "base-uri 'none'; frame-ancestors 'none'"
        )

    def check_own(self) -> None:
        """Raises HTTPError for a form that another site's page sends."""
        if not self.check_origin():
            raise HTTPError(403, "this is sent by the session's own pages only")

    def lab(self, path: str = "") -> str:
        """The address of a file or folder in JupyterLab; ``path`` from the root of its files."""
        parts = ("lab", "tree", *path.split("/")) if path else ("lab",)
        return str(self.base_url) + "/".join(quote(part, safe="") for part in parts)

    @staticmethod
    def course_page(course: str) -> str:
        """The address of a course's page in Home; empty where the session is not told of Home."""
        home = os.environ.get("CAMPUS_HOME_URL", "")
        return home and f"{home}courses/{course}"

    def show(self, page: str, **values: Any) -> None:
        self.set_header("Cache-Control", "no-store")
        self.set_header("Referrer-Policy", "same-origin")
        common = {
            "style": (_FOLDER / "page.css").read_text(),
            "script": (_FOLDER / "page.js").read_text(),
            "nonce": self._nonce,
            "lab": self.lab(),
            "course_page": self.course_page,
        }
        self.finish(self.pages.get_template(page).render(**common, **values))

    async def told(self, deed: Callable[[], Awaitable[None]]) -> None:
        """Do it; a CampusError becomes a page."""
        try:
            await deed()
        except CampusError as error:
            if error.detail:
                self.log.warning("%s (%s)", error.message, error.detail)
            self.set_status(_STATUS.get(error.code, 409))
            self.show("error.html", error=error, again=self.request.uri if self.request.method == "GET" else "")
