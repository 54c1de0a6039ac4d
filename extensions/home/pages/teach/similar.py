"""Submissions that are alike, side by side: for people to look at, never judged here."""

from __future__ import annotations

from extensions.home.language import N_
from extensions.home.pages.teach.base import TeachPage


class Similar(TeachPage):
    async def get(self, course: str, name: str) -> None:
        found, path = await self.course(course), f"/courses/{course}/assignments/{name}"
        one = await self.exchange("GET", path)
        compared = await self.exchange("GET", f"{path}/similarity")
        self.show_part("similar", found, one=one, compared=compared)

    async def post(self, course: str, name: str) -> None:
        back = self.at(course, f"assignments/{name}/similar")
        done = N_("The comparison has begun. Load this page again in a moment.")
        await self.change(back, done, "POST", f"/courses/{course}/assignments/{name}/similarity")
