"""A course's log: who did what, newest first."""

from __future__ import annotations

from typing import Any

from extensions.home.pages.teach.base import TeachPage

_AT_A_TIME = 1000  # what the exchange answers at most
_SHOWN = 200


class Log(TeachPage):
    async def get(self, course: str) -> None:
        found = await self.course(course)
        entries: list[dict[str, Any]] = []
        intact, after = True, 0
        while True:  # the chain is proven from its beginning
            answer = await self.exchange("GET", f"/courses/{course}/audit", after=str(after), limit=str(_AT_A_TIME))
            intact &= answer["intact"]
            entries = (entries + answer["entries"])[-_SHOWN:]
            if len(answer["entries"]) < _AT_A_TIME:
                break
            after = answer["entries"][-1]["number"]
        self.show_part(
            "log", found, entries=entries[::-1], intact=intact, total=entries[-1]["number"] if entries else 0
        )
