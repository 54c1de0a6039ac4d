"""What our pages and JupyterLab ask the hub, in JSON: what to expect before a start, while waiting, and more time."""

from __future__ import annotations

from typing import Any, Protocol

import tornado.web as web
from jupyterhub.apihandlers import APIHandler, default_handlers
from jupyterhub.scopes import needs_scope

from campus_base.errors import CampusError

SIZES = r"/api/users/([^/]+)/campus/sizes"
WAITING = r"/api/users/([^/]+)/campus/waiting"
EXTEND = r"/api/users/([^/]+)/servers/([^/]*)/campus/extend"
_LONGEST_EXTENSION = 24 * 60  # minutes


class Forecaster(Protocol):
    """The spawner, as these handlers see it."""

    async def outlook(self) -> list[dict[str, Any]]: ...
    def waiting(self) -> dict[str, Any]: ...
    async def extend(self, minutes: int) -> int | None: ...


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


class ExtendHandler(_ForOne):
    """``POST {"minutes": 30}`` answers ``{"end": epoch seconds}``; the session's own token is enough.

    400 for any other body; 409 with ``{"code", "message", "remedy"}`` where the session may not run longer.
    """

    @needs_scope("access:servers")
    async def post(self, user_name: str, server_name: str) -> None:
        body = self.get_json_body()
        minutes = body.get("minutes") if isinstance(body, dict) and len(body) == 1 else None
        if isinstance(minutes, bool) or not isinstance(minutes, int) or not 1 <= minutes <= _LONGEST_EXTENSION:
            raise web.HTTPError(400, f'Ask with {{"minutes": NUMBER}}, from 1 to {_LONGEST_EXTENSION}.')
        try:
            end = await self.spawner(user_name, server_name).extend(minutes)
        except CampusError as error:
            self.set_status(409)
            self.finish(error.as_dict())
            return
        self.finish({"end": end})


def serve_pages_api() -> None:
    """Add these handlers to the hub's."""
    for handler in ((SIZES, SizesHandler), (WAITING, WaitingHandler), (EXTEND, ExtendHandler)):
        if handler not in default_handlers:
            default_handlers.append(handler)
