"""Starter kits: a kit's page, its notebooks to read, its pictures, and the way into a session."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote, urlencode

from tornado.web import HTTPError

from campus_base.errors import CampusError
from extensions.home.handler import Home, Page, into_session
from extensions.home.kits.catalogue import Broken, Entry
from extensions.home.kits.files import NoFile
from extensions.home.kits.kit import Kit
from extensions.home.kits.opening import COMING, way
from extensions.home.pages.session import sessions
from extensions.home.settings import Size
from extensions.home.words import SECTORS

_PICTURES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
}
_A_WHILE = 300  # seconds that a browser may keep a picture
OPERATOR = "operator"


@dataclass(frozen=True)
class KitCard:
    """A kit, and the session that it opens in."""

    kit: Kit
    size: Size

    @property
    def gpu(self) -> bool:
        return bool(self.size.gpus or self.size.shards)


@dataclass(frozen=True)
class Shelf:
    """The kits of one sector."""

    sector: str
    cards: list[KitCard]

    @property
    def several(self) -> bool:
        return len(self.cards) > 1


def card_of(home: Home, entry: Entry) -> KitCard:
    return KitCard(entry.kit, home.settings.size(entry.kit.size))


def shelves(home: Home, entries: Iterable[Entry]) -> list[Shelf]:
    """Kits by sector: the sectors that have a name here first, in their order."""
    by_sector: dict[str, list[KitCard]] = {}
    for entry in entries:
        by_sector.setdefault(entry.kit.sector, []).append(card_of(home, entry))
    known = [sector for sector in SECTORS if sector in by_sector]
    return [Shelf(sector, by_sector[sector]) for sector in [*known, *sorted(set(by_sector) - set(known))]]


def broken(page: Page) -> list[Broken]:
    """Kits that can't be shown, for whoever can mend them."""
    return page.home.kits.broken() if OPERATOR in page.me.groups else []


class _OfKit(Page):
    """Base of a kit's pages."""

    def entry(self, name: str) -> Entry:
        found = self.home.kits.kit(name)
        if found is None:
            raise HTTPError(404)
        return found

    def into(self, kit: Kit, server: str, notebook: str) -> str:
        """The kit in a session, which is started first where it doesn't run."""
        query = {"name": kit.name, **({"notebook": notebook} if notebook else {})}
        return into_session(self.home.settings, self.me.name, "campus/kit", kit.size, server=server, **query)

    def notebook(self, kit: Kit) -> str:
        """The notebook that was asked for, empty for the first; never one that there isn't."""
        asked = self.get_argument("notebook", "")
        return asked if any(asked == one.stem for one in kit.notebooks) else ""


class KitPage(_OfKit):
    async def get(self, name: str) -> None:
        entry = self.entry(name)
        readme, model, data, app = await asyncio.to_thread(lambda: (entry.readme, entry.card, entry.sheet, entry.app))
        self.show(
            "kit.html",
            card=card_of(self.home, entry),
            kit=entry.kit,
            readme=readme,
            model=model,
            sheet=data,
            app=app,
        )


class Notebook(_OfKit):
    """A notebook as it was published: with its outputs, where it was run for that."""

    async def get(self, name: str, stem: str) -> None:
        entry = self.entry(name)
        notebooks = entry.kit.notebooks
        place = next((place for place, one in enumerate(notebooks) if one.stem == stem), None)
        if place is None:
            raise HTTPError(404)
        text = (await asyncio.to_thread(lambda: entry.notebooks))[stem]
        self.show(
            "kit_notebook.html",
            card=card_of(self.home, entry),
            kit=entry.kit,
            notebook=notebooks[place],
            place=place + 1,
            before=notebooks[place - 1] if place else None,
            after=notebooks[place + 1] if place + 1 < len(notebooks) else None,
            text=text,
        )


class Picture(_OfKit):
    async def get(self, name: str, file: str) -> None:
        entry = self.entry(name)
        form = _PICTURES.get(PurePosixPath(file).suffix.lower())
        try:
            if form is None:
                raise NoFile(file)
            picture = await asyncio.to_thread(entry.file, "pictures", file)
        except NoFile:
            raise HTTPError(404) from None
        self.set_header("Content-Type", form)
        self.set_header("Cache-Control", f"private, max-age={_A_WHILE}")
        self.finish(picture)


class Open(_OfKit):
    """One link into the kit: whoever follows it again goes on where they were, whatever was restarted meanwhile."""

    async def get(self, name: str) -> None:
        kit = self.entry(name).kit
        found = await sessions(self)
        if isinstance(found, CampusError):
            raise found
        wanted = self.home.settings.size(kit.size)
        what = way(found, wanted, self.home.settings)
        notebook, server = self.notebook(kit), what.session["name"]
        into = self.into(kit, server, notebook)
        # After a stop the page comes first in any case: where a form was sent, it may lead to our own pages only.
        if what.does == "go" and not self.get_argument("stopped", ""):
            self.redirect(into)
            return
        again = self.address(f"kits/{kit.name}/open{f'?notebook={quote(notebook)}' if notebook else ''}")
        self.show(
            "kit_open.html",
            kit=kit,
            wanted=wanted,
            session=what.session,
            asks=what.does == "ask",
            coming=what.session["state"] in COMING,
            into=into,
            again=again,
            notebook=notebook,
        )


class Restart(_OfKit):
    """Stops the usual session, so that the kit's own size can start."""

    async def post(self, name: str) -> None:
        kit = self.entry(name).kit
        query: dict[str, Any] = {"stopped": "1"}
        if notebook := self.notebook(kit):
            query["notebook"] = notebook
        try:
            await self.hub("DELETE", f"/users/{quote(self.me.name)}/server")
        except CampusError as error:
            self.tell("danger", self._(error.message), self._(error.remedy))
            self.redirect(self.address(f"kits/{kit.name}"))
            return
        self.redirect(self.address(f"kits/{kit.name}/open?{urlencode(query)}"))
