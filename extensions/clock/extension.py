"""A Jupyter server extension: tells the session's own page what is left of it, and the hub whether it is in use."""

from __future__ import annotations

import json
from collections.abc import Awaitable
from typing import Any

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from jupyter_server.services.contents.manager import ContentsManager
from jupyter_server.utils import url_path_join
from tornado.web import authenticated

from campus_base.errors import CampusError
from extensions.clock.hub import ask_hub
from extensions.clock.job import JobClock

MORE = 30  # minutes


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
      three are null where nvidia-smi does not say;
    - ``idle``: null until the session is about to end for being idle, then what
      :meth:`extensions.clock.idle.IdleReports.now` tells.
    """

    auth_resource = "campus"
    _track_activity = False  # a page that was left open is nobody at work

    def initialize(self, clock: JobClock) -> None:
        self._clock = clock

    @authenticated
    @authorized
    async def get(self) -> None:
        self.finish(json.dumps(await self._clock.now()))

    async def answer(self, wish: Awaitable[dict[str, Any] | None]) -> None:
        """What came of it; 409 with ``{"code", "message", "remedy"}`` where it was refused, or the hub is silent."""
        try:
            said: Any = await wish or {}
        except CampusError as error:
            if error.detail:
                self.log.warning("%s (%s)", error.message, error.detail)
            self.set_status(409)
            said = error.as_dict()
        self.finish(json.dumps(said))


class LongerHandler(SessionHandler):
    """POST ``campus/session/longer`` gives the session MORE minutes more: ``{"end": epoch seconds}``."""

    @authenticated
    @authorized
    async def post(self) -> None:
        trouble = "The session could not be given more time now."
        await self.answer(ask_hub("extend", {"minutes": MORE}, frozenset({"end"}), trouble))
        self._clock.moved()


class KeepHandler(SessionHandler):
    """POST ``campus/session/keep`` counts as use of a session that is about to end for being idle."""

    @authenticated
    @authorized
    async def post(self) -> None:
        await self.answer(self._clock.idle.keep())


class StopHandler(SessionHandler):
    """POST ``campus/session/stop`` ends the session."""

    @authenticated
    @authorized
    async def post(self) -> None:
        await self.answer(self._clock.idle.stop())


def load(server_app: Any) -> None:
    """Called by Jupyter Server."""
    settings = server_app.web_app.settings
    clock = settings["campus_clock"] = JobClock(settings, server_app.log)
    path = url_path_join(settings["base_url"], "campus/session")
    handlers = {"": SessionHandler, "longer": LongerHandler, "keep": KeepHandler, "stop": StopHandler}
    server_app.web_app.add_handlers(
        ".*", [(url_path_join(path, name), handler, {"clock": clock}) for name, handler in handlers.items()]
    )

    async def changed(logger: Any, schema_id: str, data: dict[str, Any]) -> None:
        clock.use.note_change(data["action"])

    server_app.event_logger.add_listener(schema_id=ContentsManager.event_schema_id, listener=changed)


async def start(server_app: Any) -> None:
    """Called by Jupyter Server once its event loop runs."""
    clock = server_app.web_app.settings["campus_clock"]
    clock.start()
    await clock.end()


_load_jupyter_server_extension = load
_start_jupyter_server_extension = start
