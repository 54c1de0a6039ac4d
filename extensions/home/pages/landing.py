"""Home: what people land on. Each part stands by itself, so one that can't be had leaves the others."""

from __future__ import annotations

import asyncio
import datetime
from dataclasses import dataclass
from typing import Any

from campus_base.errors import CampusError
from extensions.home.display import moment
from extensions.home.handler import Page
from extensions.home.pages import kits
from extensions.home.pages.mine import first_hour, mine

_HANDED_IN = ("submitted", "graded", "feedback")


@dataclass
class CourseCard:
    """A course, and what its person would want to know of it before they open it."""

    course: dict[str, Any]
    teaches: bool = False
    total: int = 0
    done: int = 0
    """Assignments, and how many of them are handed in."""
    feedback: int = 0
    """How many have feedback."""
    to_grade: int = 0
    """For instructors: submissions without a grade."""
    upcoming: dict[str, Any] | None = None
    """The assignment that is due next, of those that can be handed in and are not."""


def card_of(course: dict[str, Any], assignments: list[dict[str, Any]], now: datetime.datetime) -> CourseCard:
    """What a course's card says at a time."""
    card = CourseCard(course, teaches=course["role"] == "instructor", total=len(assignments))
    due = []
    for one in assignments:
        card.done += one["state"] in _HANDED_IN
        card.feedback += one["state"] == "feedback"
        card.to_grade += one.get("submissions", 0) - one.get("graded", 0)
        if one["state"] not in _HANDED_IN and one["my_due"] and moment(one["my_due"]) >= now:
            due.append(one)
    card.upcoming = min(due, key=lambda one: one["my_due"], default=None)
    return card


async def courses(page: Page) -> list[CourseCard] | CampusError:
    """The person's courses, or why they are not known now."""
    try:
        found = await page.exchange("GET", "/overview")
    except CampusError as error:
        return error
    return [card_of(course, course["assignments"], page.home.now()) for course in found]


class Landing(Page):
    async def get(self) -> None:
        its_own, its_courses = await asyncio.gather(mine(self), courses(self))
        entries = self.home.kits.kits()
        self.show(
            "home.html",
            announcements=self.home.announcements.now(self.home.now()),
            sessions=its_own.sessions,
            recent=its_own.recent,
            gpu_hours=its_own.gpu_hours,
            first_hour=first_hour(self),
            courses=its_courses,
            broken=kits.broken(self),
            kits=self.part("parts/kits.html", entries, lambda: {"shelves": kits.shelves(self.home, entries)}),
            tour=self.part("parts/tour.html", None, dict),
        )
