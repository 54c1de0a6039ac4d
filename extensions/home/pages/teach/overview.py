"""A course at a glance, for those who teach it: what is out, and how far the class is."""

from __future__ import annotations

import asyncio
from typing import Any

from campus_base.errors import CampusError
from extensions.home.pages.course import in_order
from extensions.home.pages.teach.base import TeachPage

_FETCHED = ("fetched", "submitted", "graded", "feedback")


def fetched(book: dict[str, Any] | CampusError) -> dict[str, int]:
    """How many people have fetched each assignment, or handed it in."""
    if isinstance(book, CampusError):
        return {}
    names = [one["name"] for one in book["assignments"]]
    people = [person["assignments"] for person in book["people"]]
    return {name: sum(own[name]["state"] in _FETCHED for own in people) for name in names}


class Overview(TeachPage):
    async def get(self, course: str) -> None:
        found = await self.course(course)
        assignments, book = await asyncio.gather(
            self.exchange("GET", f"/courses/{course}/assignments"), self.or_trouble(f"/courses/{course}/gradebook")
        )
        self.show_part(
            "overview",
            found,
            assignments=in_order(assignments, found["card"]),
            fetched=fetched(book),
            people=None if isinstance(book, CampusError) else len(book["people"]),
        )


class GradebookTable(TeachPage):
    """The gradebook as CSV, as the exchange makes it."""

    async def get(self, course: str) -> None:
        await self.course(course)
        table = await self.home.exchange.raw(self.me.token, "GET", f"/courses/{course}/gradebook.csv")
        self.set_header("Content-Type", "text/csv; charset=utf-8")
        self.set_header("Content-Disposition", f'attachment; filename="{course}-gradebook.csv"')
        self.finish(table)
