"""Looking for words in courses, kits and data."""

from __future__ import annotations

import asyncio
from typing import Any

from campus_base.errors import CampusError
from extensions.home.handler import Page
from extensions.home.kits.catalogue import Entry
from extensions.home.kits.kit import Data
from extensions.home.pages.kits import shelves
from extensions.home.search import LONGEST_QUERY, MOST_FOUND, Document, Found, search, words
from extensions.home.words import LEVELS, SECTORS


def _texts(value: Any) -> str:
    """The texts of a list, in one."""
    return " · ".join(one for one in value if isinstance(one, str)) if isinstance(value, list) else ""


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


class Search(Page):
    async def get(self) -> None:
        query = " ".join(self.get_query_argument("q", "").split())[:LONGEST_QUERY]
        sought = words(query)
        courses: list[Found[dict[str, Any]]] | CampusError = []
        kits: list[Found[Entry]] = []
        data: list[Found[tuple[Entry, Data]]] = []
        entries = self.home.kits.kits()
        if sought:
            courses = await self._courses(sought)
            # Texts may have to be read first, which takes longer than a page may stand still.
            kits = await asyncio.to_thread(lambda: search([self._kit(one) for one in entries], sought))
            data = search([self._data(entry, one) for entry in entries for one in entry.kit.data], sought)
        self.show(
            "search.html",
            query=query,
            sought=sought,
            courses=courses,
            kits=kits,
            data=data,
            most=MOST_FOUND,
            shelves=shelves(self.home, entries),
        )

    async def _courses(self, sought: list[str]) -> list[Found[dict[str, Any]]] | CampusError:
        try:
            found = await self.exchange("GET", "/overview")
        except CampusError as error:
            return error
        return search([self._course(one) for one in found], sought)

    def _course(self, course: dict[str, Any]) -> Document[dict[str, Any]]:
        card = course["card"]
        titles = [one["title"] for one in course["assignments"]]
        known = [self._word(SECTORS, card.get("sector")), self._word(LEVELS, card.get("level"))]
        text = " · ".join([*known, _texts(card.get("learn")), *titles])
        return Document(course, course["title"], _text(card.get("summary")), text)

    def _kit(self, entry: Entry) -> Document[Entry]:
        kit = entry.kit
        return Document(entry, kit.title, kit.summary, f"{self._word(SECTORS, kit.sector)} · {entry.text}")

    def _data(self, entry: Entry, data: Data) -> Document[tuple[Entry, Data]]:
        text = f"{data.licence} · {self._word(SECTORS, entry.kit.sector)} · {data.note}"
        return Document((entry, data), data.name, data.source, text)

    def _word(self, names: dict[str, str], value: Any) -> str:
        """What a word of a manifest is called, in the reader's language."""
        text = _text(value)
        return self._(names[text]) if text in names else text
