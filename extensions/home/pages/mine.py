"""What Home shows of its person's own: sessions, the notebooks saved last, GPU-hours."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from campus_base.errors import CampusError
from extensions.home.handler import Page, into_session

FIRST_HOUR = "first-hour"
"""Published like a starter kit, and shown apart from them."""


@dataclass(frozen=True)
class Mine:
    """All of it, or in place of the sessions why nothing is known."""

    sessions: list[dict[str, Any]] | CampusError
    recent: list[dict[str, Any]] = field(default_factory=list)
    """Notebooks with ``name``, ``folder`` (empty for the home folder), ``at`` and ``open``, their address."""
    gpu_hours: dict[str, float] | None = None
    """Of this ``month`` and in ``total``."""


async def mine(page: Page) -> Mine:
    """What the hub says (spawners.api.home)."""
    try:
        found = await page.hub("GET", f"/users/{quote(page.me.name)}/campus/home")
    except CampusError as error:
        return Mine(error)
    return Mine(found["sessions"], [_row(page, one) for one in found["recent"]], found["gpu_hours"])


def _row(page: Page, one: dict[str, Any]) -> dict[str, Any]:
    folder, _, name = one["path"].rpartition("/")
    link = into_session(page.home.settings, page.me.name, f"lab/tree/{quote(one['path'])}", one["size"])
    return {"name": name, "folder": folder, "at": one["at"], "open": link}


def first_hour(page: Page) -> str:
    """Where the notebook for beginners opens; empty where it is not published."""
    settings = page.home.settings
    # Beside the catalogue, where sessions fetch it from; it stands in no sector.
    if not (settings.kits.parent / "repositories" / f"{FIRST_HOUR}.git").is_dir():
        return ""
    return into_session(settings, page.me.name, "campus/first-hour")


class Forget(Page):
    """Forgets the notebooks that were saved last; the notebooks themselves stay."""

    async def post(self) -> None:
        try:
            await self.hub("DELETE", f"/users/{quote(self.me.name)}/campus/recent")
            self.tell("success", self._("The list is forgotten. Your notebooks are still in your home folder."))
        except CampusError as error:
            self.tell("danger", self._(error.message), self._(error.remedy))
        self.redirect(self.address())
