"""What the person's sessions are doing: a part of Home that a script asks for again, and the way to stop one."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from campus_base.errors import CampusError
from extensions.home.handler import Page


async def sessions(page: Page) -> list[dict[str, Any]] | CampusError:
    """The person's sessions (docs/operators.md, "The pages' API"), or why they are not known now."""
    try:
        return (await page.hub("GET", f"/users/{quote(page.me.name)}/campus/sessions"))["sessions"]
    except CampusError as error:
        return error


class Session(Page):
    """The part of the page, as it is now."""

    fragment = True

    async def get(self) -> None:
        self.show("parts/session.html", sessions=await sessions(self))


class Stop(Page):
    async def post(self) -> None:
        name = self.get_body_argument("name", "")
        person = quote(self.me.name)
        path = f"/users/{person}/servers/{quote(name, safe='')}" if name else f"/users/{person}/server"
        try:
            await self.hub("DELETE", path)
            self.tell("success", self._("The session is being stopped. What was saved is in your home folder."))
        except CampusError as error:
            self.tell("danger", self._(error.message), self._(error.remedy))
        self.redirect(self.address())
