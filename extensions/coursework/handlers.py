"""The pages: ``campus/open``, ``campus/submit``, ``campus/receipt``. Links of other pages lead to them."""

from __future__ import annotations

import asyncio
import datetime
import json
import re
import uuid
from typing import Any
from urllib.parse import urlencode

from jupyter_server.auth.decorator import authorized
from tornado.web import authenticated

from campus_base.errors import CampusError
from extensions.coursework import words
from extensions.coursework.links import course_and_assignment, key_of
from extensions.coursework.page import Page
from extensions.exchange.client import Client

_SUBMISSION = r"[0-9a-f]{32}"


class Open(Page):
    """GET ``?course=X&assignment=A`` fetches what is missing and leads to the first notebook in JupyterLab.

    With ``what=feedback`` it fetches the feedback and leads to the latest. Where opening starts the time that somebody
    has, GET asks first, and POST does it.
    """

    @authenticated
    @authorized
    async def get(self) -> None:
        await self.told(self._feedback if self.get_argument("what", "") == "feedback" else self._open)

    @authenticated
    @authorized
    async def post(self) -> None:
        self.check_own()
        await self.told(self._begin)

    async def _feedback(self) -> None:
        course, assignment = course_and_assignment(self)
        self.redirect(self.lab((await self.helper.ask("fetch_feedback", course=course, assignment=assignment))["page"]))

    async def _open(self) -> None:
        course, assignment = course_and_assignment(self)
        try:
            await self._fetch(begin=False)
        except CampusError as error:
            if error.code != "timed":
                raise
            xsrf = self.xsrf_token.decode()
            self.show("timed.html", course=course, assignment=assignment, message=error.message, xsrf=xsrf)

    async def _begin(self) -> None:
        await self._fetch(begin=True)

    async def _fetch(self, *, begin: bool) -> None:
        course, assignment = course_and_assignment(self)
        fetched = await self.helper.ask("fetch", course=course, assignment=assignment, begin=begin)
        self.redirect(self.lab(fetched["notebook"] or fetched["folder"]), status=303)


class Submit(Page):
    """GET ``?course=X&assignment=A`` shows what would be submitted; POST, with its ``key``, submits it."""

    @authenticated
    @authorized
    async def get(self) -> None:
        await self.told(self._ask)

    @authenticated
    @authorized
    async def post(self) -> None:
        self.check_own()
        await self.told(self._submit)

    async def _ask(self) -> None:
        course, assignment = course_and_assignment(self)
        found = await self.helper.ask("preview", course=course, assignment=assignment)
        self.show(
            "submit.html",
            course=course,
            **found,
            facts=words.facts(found["assignment"], datetime.datetime.now(datetime.UTC)),
            folder=f"{course}/{assignment}",
            back=self.lab(f"{course}/{assignment}"),
            key=uuid.uuid4().hex,  # one for each time that a submission is meant
            xsrf=self.xsrf_token.decode(),
        )

    async def _submit(self) -> None:
        course, assignment = course_and_assignment(self)
        receipt = await self.helper.ask("submit", course=course, assignment=assignment, key=key_of(self))
        # Where to reload and go back to submits nothing.
        self.redirect(f"receipt?{urlencode({'submission': receipt['id']})}", status=303)


class Receipt(Page):
    """GET ``?submission=ID`` shows the receipt of a submission of one's own; with ``format=json`` it is a file."""

    @authenticated
    @authorized
    async def get(self) -> None:
        await self.told(self._show)

    async def _show(self) -> None:
        receipt = await self._receipt()
        if self.get_argument("format", "") == "json":
            name = f"receipt-{receipt['course']}-{receipt['assignment']}-{receipt['attempt']}.json"
            self.set_header("Content-Type", "application/json")
            self.set_header("Content-Disposition", f'attachment; filename="{name}"')
            self.finish(json.dumps(receipt, indent=1))
            return
        folder = f"{receipt['course']}/{receipt['assignment']}"
        late = words.span(receipt["late_seconds"]) if receipt["late_seconds"] else ""
        self.show("receipt.html", receipt=receipt, late=late, folder=folder, back=self.lab(folder))

    async def _receipt(self) -> dict[str, Any]:
        number = self.get_argument("submission", "")
        if not re.fullmatch(_SUBMISSION, number):
            raise CampusError("bad-link", "This link names no submission.", "Open it from the course's page.")
        return (await asyncio.to_thread(_submission, number))["receipt"]


def _submission(number: str) -> dict[str, Any]:
    return Client.of_session().get(f"/submissions/{number}", dict, "receipt")


HANDLERS = {"open": Open, "submit": Submit, "receipt": Receipt}
