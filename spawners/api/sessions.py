"""What a person's sessions are doing, in JSON, for the page that they land on. It asks Slurm nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import tornado.web as web
from jupyterhub.apihandlers import APIHandler
from jupyterhub.scopes import needs_scope

from spawners.outlook.waiting import waiting
from spawners.slurm import Job, JobState

if TYPE_CHECKING:
    from spawners.spawner import CampusSpawner


def state_of(spawner: CampusSpawner, job: Job | None) -> str:
    """``none``, ``waiting``, ``starting``, ``running`` or ``stopping``."""
    if spawner.ready:
        return "running"
    if not spawner.active:
        return "none"
    if spawner.pending == "stop":
        return "stopping"
    return "waiting" if job is not None and job.state is JobState.PENDING else "starting"


def shown(spawner: CampusSpawner) -> dict[str, Any]:
    """One session; times are seconds since the epoch."""
    job = spawner.job()
    state = state_of(spawner, job)
    size = spawner.offer.size((spawner.user_options or {}).get("size"))
    found: dict[str, Any] = {
        "name": spawner.name,
        "state": state,
        "size": size.name if state != "none" else None,
        "title": size.title if state != "none" else None,
        "start": job.start if job and state == "running" else None,
        "end": job.end if job and state == "running" else None,
        "waiting": None,
        "ended": None,
    }
    if state == "waiting" and job:
        # Without the person's means, which would be asked of Slurm.
        found["waiting"] = waiting(
            job, spawner.user_options or {}, spawner.offer, None, spawner.watch.picture
        ).as_dict()
    if state == "none" and spawner.ended:
        ended = spawner.ended
        found["ended"] = {"cause": ended.cause, "sentence": ended.sentence, "resumable": spawner.resumable}
    return found


def sessions_of(user: Any) -> list[dict[str, Any]]:
    """A person's sessions (see :func:`shown`), the unnamed one first, which is always there."""
    spawners: Mapping[str, CampusSpawner] = user.spawners
    named = (spawners[name] for name in sorted(spawners) if name and spawners[name].active)
    return [shown(one) for one in (spawners[""], *named)]


class SessionsHandler(APIHandler):
    """``GET`` answers ``{"sessions"}``; see :func:`sessions_of`."""

    @needs_scope("read:servers")
    def get(self, user_name: str) -> None:
        user = self.find_user(user_name)
        if user is None:
            raise web.HTTPError(404)
        self.finish({"sessions": sessions_of(user)})


HANDLERS = [(r"/api/users/([^/]+)/campus/sessions", SessionsHandler)]
