"""What the pages of teaching share."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

from campus_base.errors import CampusError
from extensions.courses.names import grader_of
from extensions.home.asking import Refusal
from extensions.home.handler import Page
from extensions.home.language import N_
from extensions.home.told import sentence


class TeachPage(Page):
    """A page below ``teach/COURSE``. A form changes something and leads back, with a sentence on what became of it."""

    async def course(self, course: str) -> dict[str, Any]:
        """The course. Raises Refusal for whoever does not teach it."""
        found = await self.exchange("GET", f"/courses/{course}")
        if found["role"] != "instructor":
            raise Refusal(
                403, "not-instructor", N_("This page is for those who teach the course."), N_("Go back to Home.")
            )
        return found

    def at(self, course: str, path: str = "") -> str:
        """Address of a page of this course's teaching."""
        return self.address(f"teach/{course}{f'/{path}' if path else ''}")

    def show_part(self, part: str, course: dict[str, Any], **what: Any) -> None:
        """Answer with ``teach/PART.html``."""
        base = self.at(course["id"])
        self.show(f"teach/{part}.html", course=course, base=base, part=part, grading=self.grading(course["id"]), **what)

    def grading(self, course: str) -> str:
        """Address of the grading page, in the session that a course's instructors share; one is started first."""
        known, grader = self.home.settings, grader_of(course)
        following = urlencode({"next": f"{known.base}user/{grader}/campus/grading"})
        return f"{known.hub}spawn/{grader}?{known.grader_options}&{following}"

    async def change(self, back: str, done: str, method: str, path: str, body: Any = None) -> None:
        """Ask the exchange for a change, and lead back, saying ``done`` or why not."""
        try:
            await self.exchange(method, path, body)
            self.tell("success", self._(done))
        except CampusError as error:
            self.refuse(error)
        self.redirect(back)

    def refuse(self, error: CampusError) -> None:
        """Say on the next page why something was not done."""
        self.tell("danger", sentence(error, self._), self._(error.remedy))

    def field(self, name: str) -> str:
        """A field of the form, empty where it is missing."""
        return self.get_body_argument(name, "")

    async def or_trouble(self, path: str, **query: str) -> Any:
        """What the exchange answers there, or why it does not: the rest of the page stands."""
        try:
            return await self.exchange("GET", path, **query)
        except CampusError as error:
            return error


def part(name: str) -> str:
    """A name as a part of an address."""
    return quote(name, safe="")
