"""A course, as those who follow it see it."""

from __future__ import annotations

import asyncio
from typing import Any

from campus_base.errors import CampusError
from extensions.home.asking import Refusal
from extensions.home.handler import Page, into_session
from extensions.home.pages.session import sessions

_TYPES = {"pdf": "application/pdf", "json": "application/json"}
_FETCHABLE = ("released", "fetched", "submitted", "graded", "feedback")


async def _or_none(page: Page, path: str) -> Any:
    """What the exchange says there, None where it has nothing to say."""
    try:
        return await page.exchange("GET", path)
    except Refusal:
        return None


def in_order(assignments: list[dict[str, Any]], card: dict[str, Any]) -> list[dict[str, Any]]:
    """Assignments as the course has them; those that it does not name come last."""
    wanted = card.get("order")
    places = {name: place for place, name in enumerate(wanted)} if isinstance(wanted, list) else {}
    return sorted(assignments, key=lambda one: (places.get(one["name"], len(places)), one["name"]))


class Course(Page):
    async def get(self, course: str) -> None:
        found, assignments, progress, certificate, running = await asyncio.gather(
            self.exchange("GET", f"/courses/{course}"),
            self.exchange("GET", f"/courses/{course}/assignments"),
            _or_none(self, f"/courses/{course}/progress"),
            _or_none(self, f"/courses/{course}/certificate"),
            sessions(self),
        )
        self.show(
            "course.html",
            course=found,
            card=found["card"],
            assignments=[self._row(found, one) for one in in_order(assignments, found["card"])],
            progress=progress,
            certificate=certificate,
            running=_running(running),
        )

    def _row(self, course: dict[str, Any], one: dict[str, Any]) -> dict[str, Any]:
        """An assignment with its links into the person's session; empty where there is nothing to open."""

        def link(path: str, **query: str) -> str:
            named = {"course": course["id"], "assignment": one["name"], **query}
            environment = course["card"].get("environment")
            return into_session(self.home.settings, self.me.name, path, one["session_size"], environment, **named)

        fetchable, handed_in = one["state"] in _FETCHABLE, one["refusal"] is None
        return {
            **one,
            "open": link("campus/open") if fetchable else "",
            "submit": link("campus/submit") if fetchable and handed_in else "",
            "feedback": link("campus/open", what="feedback") if one["state"] == "feedback" else "",
        }


def _running(found: list[dict[str, Any]] | CampusError) -> dict[str, Any] | None:
    """The session that links open, where one runs."""
    return None if isinstance(found, CampusError) or found[0]["state"] != "running" else found[0]


class Certificate(Page):
    """The certificate's files; the exchange makes them."""

    async def get(self, course: str, form: str) -> None:
        said = await self.home.exchange.raw(self.me.token, "GET", f"/courses/{course}/certificate.{form}")
        self.set_header("Content-Type", _TYPES[form])
        self.set_header("Content-Disposition", f'attachment; filename="{course}-certificate.{form}"')
        self.finish(said)
