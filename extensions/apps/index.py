"""The page ``kit-apps/``: the apps of the kits in the person's home. Voilà starts when one of them is opened."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jupyter_server.auth.decorator import authorized
from tornado.web import authenticated

from extensions.apps import store
from extensions.apps.ours import KIT_APPS
from extensions.apps.starting import address
from extensions.coursework.page import Page, templates

APP = "app.ipynb"
_LONGEST = 300  # characters of a manifest's title or summary that are shown


def found(folder: Path) -> list[dict[str, str]]:
    """``name``, ``title``, ``summary`` of each kit with an app; a manifest that cannot be read leaves the name."""
    kits = sorted(path.parent for path in folder.glob(f"*/{APP}") if not path.parent.name.startswith("."))
    return [{"name": kit.name, **_told(kit)} for kit in kits]


def _told(kit: Path) -> dict[str, str]:
    try:
        manifest = tomllib.loads((kit / "kit.toml").read_text())
    except (OSError, ValueError):
        manifest = {}
    title, summary = (str(manifest.get(key, ""))[:_LONGEST] for key in ("title", "summary"))
    return {"title": title or kit.name, "summary": summary}


class KitApps(Page):
    """GET lists them, each with the address at which Voilà renders it."""

    pages = templates(Path(__file__).parent / "pages")

    @authenticated
    @authorized
    async def get(self) -> None:
        apps = [
            app | {"address": self.base_url + address(f"{KIT_APPS}/voila/render/{quote(app['name'], safe='')}/{APP}")}
            for app in found(store.kits(Path.home()))
        ]
        self.show("kit-apps.html", apps=apps)


def handlers(address: str) -> list[tuple[Any, ...]]:
    """Before the proxy's, which has all that is below this address."""
    return [(f"{address}/", KitApps)]
