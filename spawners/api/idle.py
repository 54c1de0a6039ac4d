"""What a session reports of its use, what it is told in answer, and what the idle culler asks before it ends one."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import tornado.web as web
from jupyterhub import orm
from jupyterhub.apihandlers import APIHandler
from jupyterhub.scopes import needs_scope
from jupyterhub.utils import utcnow
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from spawners.life.idle import Figures
from spawners.outlook.waiting import instead
from spawners.slurm import JobState

if TYPE_CHECKING:
    from spawners.spawner import CampusSpawner

_LONGEST = 366 * 24 * 3600  # seconds


class _Report(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    idle: float = Field(ge=0, le=_LONGEST, allow_inf_nan=False)
    gpu_idle: float | None = Field(ge=0, le=_LONGEST, allow_inf_nan=False)


class _OfSession(APIHandler):
    def session(self, name: str, server: str, ready: bool = True) -> CampusSpawner:
        """A session that is up, or may become so. Raises HTTPError 404 for any other."""
        user = self.find_user(name)
        spawner = user.spawners[server] if user and server in user.spawners else None
        if spawner is None or not (spawner.ready if ready else spawner.active):
            raise web.HTTPError(404, "No such session is running.")
        return spawner

    def _log(self) -> None:
        # Every session comes every minute: what is as it should be would bury the rest of the hub's log.
        if self.get_status() >= 400:
            super()._log()


class UseHandler(_OfSession):
    """``POST {"idle": seconds, "gpu_idle": seconds or null}``, a session's own (spawners.life.idle.Figures).

    Answers ``{"again", "gpu_busy_percent", "keeps", "idle"}``: after how many seconds to report again; from which
    utilisation on a GPU is busy; how often in a row its person may keep it; and ``idle``, null until its end is near,
    then ``{"because": "gpu" or "session", "idle": seconds, "ends_in": seconds, "smaller": {"title", "options"}}``, with
    what to ask for to have fewer GPUs, or null. 400 for any other body.
    """

    @needs_scope("access:servers")
    async def post(self, user_name: str, server_name: str) -> None:
        try:
            report = _Report.model_validate(self.get_json_body())
        except ValidationError:
            raise web.HTTPError(400, 'Report {"idle": SECONDS, "gpu_idle": SECONDS or null}.') from None
        # It reports from its start on, when the hub still waits for it.
        spawner = self.session(user_name, server_name, ready=False)
        now = time.monotonic()
        # A slice of a GPU is busy with the work of others as well.
        whole = spawner.offer.size(spawner.user_options.get("size")).gpus
        again = spawner.idle.told(Figures(now, report.idle, report.gpu_idle if whole else None))
        limits = spawner.idle.limits
        said: dict[str, Any] = {"again": again, "gpu_busy_percent": limits.gpu_busy_percent, "keeps": limits.keeps}
        verdict = spawner.idle.announced(now)
        about = verdict and asdict(verdict) | {"smaller": await _smaller(spawner)}
        self.finish(said | {"idle": about})


async def _smaller(spawner: CampusSpawner) -> dict[str, Any] | None:
    """The size to go on with instead of an idle GPU."""
    means = await spawner.means()
    name, options = instead(spawner.user_options, spawner.offer, means, spawner.watch.picture, fewest_gpus=True)
    return {"title": spawner.offer.size(name).title, "options": options} if name else None


class IdleSessionsHandler(APIHandler):
    """``GET`` answers ``{"idle": ["user/server"]}``: the sessions that :class:`IdleHandler` is worth asking about."""

    @needs_scope("delete:servers")
    def get(self) -> None:
        now = time.monotonic()
        spawners: Iterable[CampusSpawner] = (one for user in self.users.values() for one in user.spawners.values())
        idle = [one.mark for one in spawners if one.ready and one.idle.over(_inactive(one.orm_spawner), now)]
        self.finish({"idle": idle})


class IdleHandler(_OfSession):
    """``POST`` answers ``{"idle": true}`` where the session may be ended now for being idle.

    It is then told so, should it be stopped next.
    """

    @needs_scope("delete:servers")
    async def post(self, user_name: str, server_name: str) -> None:
        spawner = self.session(user_name, server_name)
        job = spawner.job()
        # Of one that is suspended, or of which Slurm does not speak, nobody knows what it would do.
        running = job is not None and job.state is JobState.RUNNING
        self.finish({"idle": running and spawner.idle.asked(_inactive(spawner.orm_spawner), time.monotonic())})


def _inactive(server: orm.Spawner) -> float:
    """Seconds since JupyterHub saw any activity of this server."""
    return (utcnow(with_tz=False) - server.last_activity).total_seconds() if server.last_activity else 0.0


class StopHandler(_OfSession):
    """``POST`` stops the session, for which its own token is enough; answers 202 before it is gone."""

    @needs_scope("access:servers")
    async def post(self, user_name: str, server_name: str) -> None:
        spawner = self.session(user_name, server_name)
        self.set_status(202)
        self.finish()
        await self.stop_single_user(spawner.user, spawner.name)


HANDLERS = [
    (r"/api/campus/idle", IdleSessionsHandler),
    (r"/api/users/([^/]+)/servers/([^/]*)/campus/use", UseHandler),
    (r"/api/users/([^/]+)/servers/([^/]*)/campus/idle", IdleHandler),
    (r"/api/users/([^/]+)/servers/([^/]*)/campus/stop", StopHandler),
]
