"""What the spawn page and the waiting page ask the hub, in JSON; for the person themself, and who may read servers."""

from __future__ import annotations

from typing import Any, Protocol

import tornado.web as web
from jupyterhub.apihandlers import APIHandler, default_handlers
from jupyterhub.scopes import needs_scope

SIZES = r"/api/users/([^/]+)/campus/sizes"
WAITING = r"/api/users/([^/]+)/campus/waiting"


class Forecaster(Protocol):
    """The spawner, as these handlers see it."""

    async def outlook(self) -> list[dict[str, Any]]: ...
    def waiting(self) -> dict[str, Any]: ...


class _ForOne(APIHandler):
    def spawner(self, name: str, server: str) -> Forecaster:
        user = self.find_user(name)
        if user is None or (server and server not in user.spawners):
            raise web.HTTPError(404)
        return user.spawners[server]


class SizesHandler(_ForOne):
    """``GET`` answers ``[{"name", "fits_now", "starts_in", "refused", "sentence"}]``; see spawners.outlook."""

    @needs_scope("read:servers")
    async def get(self, user_name: str) -> None:
        self.finish({"sizes": await self.spawner(user_name, "").outlook()})


class WaitingHandler(_ForOne):
    """``GET`` answers ``{"sentence", "place", "starts_in", "expected", "instead"}``, empty when nothing waits."""

    @needs_scope("read:servers")
    async def get(self, user_name: str) -> None:
        self.finish(self.spawner(user_name, self.get_argument("server", "")).waiting())


def serve_pages_api() -> None:
    """Add these handlers to the hub's."""
    for handler in ((SIZES, SizesHandler), (WAITING, WaitingHandler)):
        if handler not in default_handlers:
            default_handlers.append(handler)
