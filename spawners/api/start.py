"""What our pages and JupyterLab ask the hub, in JSON: what to expect before a start, while waiting, and more time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import tornado.web as web
from jupyterhub.apihandlers import APIHandler
from jupyterhub.scopes import needs_scope

from campus_base.errors import CampusError
from spawners.allowed.request import OPTIONS, SessionRequest
from spawners.form import choose
from spawners.life.more_time import extend
from spawners.outlook.sizes import Outlook
from spawners.outlook.waiting import instead, waiting
from spawners.slurm import JobState

if TYPE_CHECKING:
    from spawners.spawner import CampusSpawner

_LONGEST_EXTENSION = 24 * 60  # minutes
_OUTLOOK = Outlook()


class _ForOne(APIHandler):
    def spawner(self, name: str, server: str) -> CampusSpawner:
        user = self.find_user(name)
        if user is None or (server and server not in user.spawners):
            raise web.HTTPError(404)
        return user.spawners[server]


class SizesHandler(_ForOne):
    """``GET`` answers what may be chosen, and what each size would be with it; options as for a start (spawners.form).

    ``{"sizes": [{"name", "fits_now", "starts_in", "refused", "sentence", "longest"}], "options", "notes", "fields"}``.
    """

    @needs_scope("read:servers")
    async def get(self, user_name: str) -> None:
        spawner = self.spawner(user_name, "")
        account = await spawner.account()

        async def test(request: SessionRequest) -> int | None:
            return await spawner.test(request, account)

        asked = {key: self.get_query_argument(key) for key in OPTIONS if key in self.request.query_arguments}
        means = await spawner.means()
        choice = choose(asked, spawner.offer, means)
        found = await _OUTLOOK.sizes(user_name, choice.cards, spawner.watch.picture, means, test)
        self.finish({"sizes": [size.as_dict() for size in found], **choice.as_dict()})


class WaitingHandler(_ForOne):
    """``GET`` answers ``{"sentence", "place", "starts_in", "expected", "instead", "options"}``, or nothing.

    ``options`` are what to ask with for the smaller size ``instead``.
    """

    @needs_scope("read:servers")
    async def get(self, user_name: str) -> None:
        spawner = self.spawner(user_name, self.get_argument("server", ""))
        means = await spawner.means()
        job = spawner.job()
        if job is None or job.state is not JobState.PENDING:
            self.finish({})
            return
        asked = (spawner.user_options or {}, spawner.offer, means, spawner.watch.picture)
        size, options = instead(*asked)
        self.finish(waiting(job, *asked).as_dict() | {"instead": size, "options": options})


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
            end = await extend(self.spawner(user_name, server_name), minutes)
        except CampusError as error:
            self.set_status(409)
            self.finish(error.as_dict())
            return
        self.finish({"end": end})


HANDLERS = [
    (r"/api/users/([^/]+)/campus/sizes", SizesHandler),
    (r"/api/users/([^/]+)/campus/waiting", WaitingHandler),
    (r"/api/users/([^/]+)/servers/([^/]*)/campus/extend", ExtendHandler),
]
