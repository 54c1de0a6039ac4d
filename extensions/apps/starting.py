"""The page ``campus/starting/APP/…``: says that an app starts, while the browser waits for the app's own page.

Apps start when they are first asked for, which takes some seconds; until they answer the tab would stay blank.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jupyter_server.auth.decorator import authorized
from jupyter_server.utils import url_path_join
from tornado.web import HTTPError, authenticated

from extensions.coursework.page import Page, templates

PATH = "campus/starting"


def address(path: str) -> str:
    """Of the page for an address of an app; both from the session's own."""
    return f"{PATH}/{path}"


class Starting(Page):
    """GET leads on to the app, whose address is in its own; 404 for what is no app of this session."""

    pages = templates(Path(__file__).parent / "pages")

    def initialize(self, titles: Mapping[str, str]) -> None:  # type: ignore[override]
        self._titles = titles

    @authenticated
    @authorized
    async def get(self, name: str) -> None:
        if name not in self._titles:
            raise HTTPError(404)
        # The path as it came: what is quoted in it stays quoted.
        _, _, following = self.request.path.partition(f"{PATH}/")
        self.show("starting.html", title=self._titles[name], app=url_path_join(self.base_url, following))


def handlers(base_url: str, titles: Mapping[str, str]) -> list[tuple[Any, ...]]:
    """``titles`` of this session's apps, by their names."""
    return [(url_path_join(base_url, PATH, "([^/]+)/.*"), Starting, {"titles": titles})]
