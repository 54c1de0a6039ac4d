"""Where a class struggles: each question by how many got it, the hardest ones marked. Nobody is named."""

from __future__ import annotations

from extensions.home.pages.teach.base import TeachPage


class Struggles(TeachPage):
    async def get(self, course: str) -> None:
        found = await self.course(course)
        self.show_part("struggles", found, assignments=await self.exchange("GET", f"/courses/{course}/analytics"))
