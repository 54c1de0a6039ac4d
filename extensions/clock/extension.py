"""A Jupyter server extension: tells the session's own page how much time, memory and GPU it has left."""

from __future__ import annotations

import asyncio
import json
import os
import time
from functools import partial
from typing import Any

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from jupyter_server.utils import url_path_join
from tornado.ioloop import PeriodicCallback
from tornado.web import authenticated

from campus_base.errors import CampusError
from extensions.clock.activity import SECONDS, note_busy_kernels
from extensions.clock.end import ask_slurm, end_at_start
from extensions.clock.gpus import granted, look
from extensions.clock.kept import Kept
from extensions.clock.longer import ask_hub
from extensions.clock.memory import job_memory

MORE = 30  # minutes
_END_SECONDS = 60.0
_GPU_SECONDS = 10.0


class JobClock:
    """The job that this server runs in; outside a job (``job`` None) it knows nothing and asks nobody."""

    def __init__(self, log: Any) -> None:
        said = os.environ.get("SLURM_JOB_ID", "")
        self.job = int(said) if said.isascii() and said.isdigit() else None
        self._gpus = granted(os.environ) if self.job else []
        self._end = Kept(partial(ask_slurm, self.job or 0), end_at_start(), _END_SECONDS, log)
        self._looks: Kept[list[dict[str, Any]]] = Kept(partial(look, self._gpus), [], _GPU_SECONDS, log)

    async def end(self) -> int | None:
        return await self._end.get() if self.job else None

    def moved(self) -> None:
        """The end was moved just now: the next who wants it has it asked for."""
        self._end.forget()

    async def now(self) -> dict[str, Any]:
        """See :class:`SessionHandler`."""
        end, memory, gpus = None, None, []
        if self.job:
            end, memory, gpus = await asyncio.gather(
                self.end(), asyncio.to_thread(job_memory, self.job), self._looks.get()
            )
        return {
            "job": self.job,
            "partition": os.environ.get("SLURM_JOB_PARTITION") if self.job else None,
            "end": end,
            "seconds_left": None if end is None else max(0, round(end - time.time())),
            "memory": memory,
            "gpus": gpus,
        }


class SessionHandler(APIHandler):
    """GET ``campus/session``, for the person whose session it is: an object of

    - ``job``: Slurm's job id, a number; null outside Slurm, where all else is null too and ``gpus`` is empty;
    - ``partition``: its name;
    - ``end``: seconds since the epoch; null without a time limit, or where Slurm has not said yet;
    - ``seconds_left``: until then, by the node's clock, never below 0; null as above;
    - ``memory``: of the whole job, null where its control group is not to be seen: an object of ``used`` and ``limit``,
      in bytes; ``limit`` is null where there is none;
    - ``gpus``: those granted to the job, each an object of ``id`` (a number in a string, or a name as in
      CUDA_VISIBLE_DEVICES), ``memory_used`` and ``memory_total`` in bytes, and ``utilisation`` in per cent; these
      three are null where nvidia-smi does not say.
    """

    auth_resource = "campus"
    _track_activity = False  # a page that was left open is nobody at work

    def initialize(self, clock: JobClock) -> None:
        self._clock = clock

    @authenticated
    @authorized
    async def get(self) -> None:
        self.finish(json.dumps(await self._clock.now()))


class LongerHandler(SessionHandler):
    """POST ``campus/session/longer`` gives the session MORE minutes more: ``{"end": epoch seconds}``.

    409 with ``{"code", "message", "remedy"}`` where it may not run longer, or the hub does not answer.
    """

    @authenticated
    @authorized
    async def post(self) -> None:
        try:
            said = await ask_hub(MORE)
        except CampusError as error:
            if error.detail:
                self.log.warning("%s (%s)", error.message, error.detail)
            self.set_status(409)
            said = error.as_dict()
        else:
            self._clock.moved()
        self.finish(json.dumps(said))


def load(server_app: Any) -> None:
    """Called by Jupyter Server."""
    settings = server_app.web_app.settings
    clock = settings["campus_clock"] = JobClock(server_app.log)
    path = url_path_join(settings["base_url"], "campus/session")
    server_app.web_app.add_handlers(
        ".*",
        [(path, SessionHandler, {"clock": clock}), (url_path_join(path, "longer"), LongerHandler, {"clock": clock})],
    )


async def start(server_app: Any) -> None:
    """Called by Jupyter Server once its event loop runs."""
    PeriodicCallback(partial(note_busy_kernels, server_app), SECONDS * 1000).start()
    await server_app.web_app.settings["campus_clock"].end()
