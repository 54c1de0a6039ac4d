"""The page ``campus/kit``: it brings a kit into the home, and leads to a notebook of it in JupyterLab."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from jupyter_server.auth.decorator import authorized
from tornado.web import authenticated

from campus_base.errors import CampusError
from extensions.coursework.page import Page, templates

FIRST_HOUR = "first-hour"
_KITS = "CAMPUS_KITS"
_COMMAND = ("-I", "-m", "extensions.kits.session.bring")


class Kit(Page):
    """GET ``?name=KIT`` says what will be done, POST does it and leads to the first notebook, or to ``notebook=STEM``.

    The page sends its form by itself where a page of this site, or the person, has opened it; a link from elsewhere
    has to be pressed on first. ``Sec-Fetch-Site`` tells (Fetch Metadata); who does not send it is asked nothing.
    """

    pages = templates(Path(__file__).parent / "pages")

    @authenticated
    @authorized
    async def get(self) -> None:
        await self.told(self._ask)

    @authenticated
    @authorized
    async def post(self) -> None:
        self.check_own()
        await self.told(self._bring)

    def _wish(self) -> dict[str, str]:
        return {"name": self.get_argument("name", ""), "notebook": self.get_argument("notebook", "")}

    async def _ask(self) -> None:
        self.show("kit.html", **self._wish(), at_once=self._is_from_here(), xsrf=self.xsrf_token.decode())

    def _is_from_here(self) -> bool:
        site = self.request.headers.get("Sec-Fetch-Site", "none")
        if site != "same-site":  # there, each person's session has a domain, and Home another
            return site in ("none", "same-origin")
        home, referer = (
            urlsplit(url) for url in (os.environ.get("CAMPUS_HOME_URL", ""), self.request.headers.get("Referer", ""))
        )
        return bool(home.netloc) and (home.scheme, home.netloc) == (referer.scheme, referer.netloc)

    async def _bring(self) -> None:
        wish = self._wish()
        said = await _brought(wish["name"], wish["notebook"])
        if "refused" in said:
            raise CampusError(**said["refused"], detail=said["detail"])
        there = self._in_lab(said["notebook"] or said["folder"])
        if not said["set_aside"]:
            self.redirect(there, status=303)
            return
        self.show("kept.html", folder=said["folder"], set_aside=said["set_aside"], there=there)

    def _in_lab(self, path: str) -> str:
        """``path`` from the home; JupyterLab names files from where it opens."""
        root = Path(self.settings["server_root_dir"]).expanduser()
        inside = os.path.relpath(Path.home() / path, root)
        if inside.startswith(".."):
            message = f"The kit is in {path} in your home, which JupyterLab does not show here."
            raise CampusError("not-in-lab", message, "Use a terminal.")
        return self.lab(inside)


class FirstHour(Page):
    """The kit of everybody's first hour, at an address of its own."""

    @authenticated
    @authorized
    async def get(self) -> None:
        self.redirect(f"kit?{urlencode({'name': FIRST_HOUR})}")


async def _brought(name: str, notebook: str) -> dict[str, Any]:
    """What extensions.kits.session.bring says. Raises CampusError."""
    repositories = os.environ.get(_KITS)
    if not repositories:
        raise CampusError("no-kits", "This session knows of no starter kits.", "Start another one from Home.")
    argv = (sys.executable, *_COMMAND, name, repositories, notebook)
    process = await asyncio.create_subprocess_exec(*argv, stdin=DEVNULL, stdout=PIPE)
    answer, _ = await process.communicate()
    if not answer:
        raise CampusError(
            "helper-ended",
            "The program that brings the kit ended before it had done so.",
            "Is the session's memory used up? Shut down notebooks that you do not need, and try again.",
        )
    return dict(json.loads(answer))


HANDLERS = {"kit": Kit, "first-hour": FirstHour}
