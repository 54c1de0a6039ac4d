"""What Home shows of a person that only the hub knows, to them alone; and what sessions tell of their notebooks."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import tornado.web as web
from jupyterhub.apihandlers import APIHandler
from jupyterhub.scopes import needs_scope
from pydantic import ValidationError

from spawners.api.sessions import sessions_of
from spawners.life import recent, usage

if TYPE_CHECKING:
    from spawners.spawner import CampusSpawner


class _OfOneself(APIHandler):
    def myself(self, name: str) -> Any:
        """The person who asks. Raises HTTPError 404 for whoever asks about somebody else, an operator too."""
        asker = self.current_user
        if getattr(asker, "kind", "") != "user" or asker.name != name:
            raise web.HTTPError(404)
        return asker


class HomeHandler(_OfOneself):
    """``GET`` answers ``{"sessions", "recent", "gpu_hours"}``.

    ``sessions`` is as in spawners.api.sessions; ``recent`` are objects of ``path`` (from the home folder), ``at``
    (seconds since the epoch) and ``size``, the newest first; ``gpu_hours`` is ``{"month", "total"}``.
    """

    @needs_scope("read:servers")
    def get(self, user_name: str) -> None:
        user = self.myself(user_name)
        spawners: list[CampusSpawner] = [one for one in user.spawners.values() if one.job_id]
        usage.keep(spawners)
        self.finish(
            {
                "sessions": sessions_of(user),
                "recent": recent.of(self.db, user.id),
                "gpu_hours": usage.hours(self.db, user.id, time.time()),
            }
        )


class ForgetHandler(_OfOneself):
    """``DELETE`` forgets the notebooks that a person saved last."""

    @needs_scope("delete:servers")
    def delete(self, user_name: str) -> None:
        recent.forget(self.db, self.myself(user_name).id)
        self.set_status(204)


class RecentHandler(APIHandler):
    """``POST`` what spawners.life.recent.Report says, with the session's own token; 400 for any other body."""

    @needs_scope("access:servers")
    def post(self, user_name: str, server_name: str) -> None:
        try:
            report = recent.Report.model_validate(self.get_json_body())
        except ValidationError:
            raise web.HTTPError(400, 'Report {"notebooks": [{"path", "ago"}], "gone": [PATH]}.') from None
        user = self.find_user(user_name)
        spawner = user.spawners[server_name] if user and server_name in user.spawners else None
        if spawner is None or not spawner.active:
            raise web.HTTPError(404, "No such session is running.")
        size = (spawner.user_options or {}).get("size")
        recent.take(self.db, user.id, report, size if isinstance(size, str) else spawner.sizes[0].name)
        self.finish({})

    def _log(self) -> None:
        # Every session tells whenever somebody turned to another notebook: no line for what is as it should be.
        if self.get_status() >= 400:
            super()._log()


HANDLERS = [
    (r"/api/users/([^/]+)/campus/home", HomeHandler),
    (r"/api/users/([^/]+)/campus/recent", ForgetHandler),
    (r"/api/users/([^/]+)/servers/([^/]*)/campus/recent", RecentHandler),
]
