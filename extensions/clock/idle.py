"""Tells the hub how long this session has been idle, and keeps what the hub says of its end."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Any

from campus_base.errors import CampusError
from extensions.clock.hub import ask_hub
from extensions.clock.kept import Kept
from extensions.clock.use import Use

_LOOK = 30.0  # seconds between two looks, at most
_ANSWER = frozenset({"again", "gpu_busy_percent", "keeps", "idle"})
_SILENT = 60.0  # seconds until a hub that did not answer is told again


class IdleReports:
    """The session's side of spawners.life.idle: the hub decides, from what is reported here."""

    def __init__(self, use: Use, gpus: Kept[list[dict[str, Any]]], settings: dict[str, Any], log: Any) -> None:
        self._use, self._gpus, self._settings, self._log = use, gpus, settings, log
        self._due = 0.0  # by the monotonic clock, as the next
        self._at = 0.0
        self._said: dict[str, Any] | None = None
        self._keeps = 0
        self._silent = False

    async def run(self) -> None:
        """Look and report for as long as the session lives."""
        while True:
            try:
                await self._look()
                if time.monotonic() >= self._due:
                    await self._report()
            except Exception:  # what goes wrong once must not end the reports
                self._log.exception("Campus: the look at what is in use went wrong; the next one follows")
                self._due = time.monotonic() + _SILENT
            await asyncio.sleep(max(0.1, min(_LOOK, self._due - time.monotonic())))

    async def _look(self) -> None:
        self._use.look([gpu["utilisation"] for gpu in await self._gpus.get()])
        # JupyterHub's own report, every five minutes, takes the newest of these
        # (jupyter_server.serverapp.ServerWebApplication.last_activity).
        self._settings["last_activity_times"]["campus"] = datetime.fromtimestamp(self._use.last, UTC)

    async def _report(self) -> None:
        try:
            said = await ask_hub(
                "use", self._use.figures(), _ANSWER, "The hub does not know whether this session is idle."
            )
            again, self._use.gpu_busy_percent, self._keeps = said["again"], said["gpu_busy_percent"], said["keeps"]
            self._said = said["idle"]
            self._silent = False
        except CampusError as error:
            if not self._silent:  # a silence of hours is one line of the log
                self._log.warning("%s (%s)", error.message, error.detail)
            again, self._said, self._silent = _SILENT, None, True
        self._at = time.monotonic()
        self._due = self._at + again

    def now(self) -> dict[str, Any] | None:
        """For the page: None while the end is not near, otherwise what the hub said (spawners.api.idle.UseHandler).

        With ``keeps_left``: how often the session may still be kept.
        """
        if self._said is None:
            return None
        passed = time.monotonic() - self._at
        return self._said | {
            "idle": self._said["idle"] + passed,
            "ends_in": max(0.0, self._said["ends_in"] - passed),
            "keeps_left": max(0, self._keeps - self._use.keeps),
        }

    async def keep(self) -> dict[str, Any]:
        """Its person keeps the session: ``{"idle": now()}``. Raises CampusError where that was done too often."""
        if self._said and self._use.keeps >= self._keeps:
            raise CampusError(
                "kept-too-often",
                "An idle session cannot be kept any longer.",
                "Run a cell if you need it; otherwise save your work, and resume it later.",
            )
        if self._said:
            self._use.keep()
            await self._report()
        return {"idle": self.now()}

    async def stop(self) -> None:
        """Have the hub stop this session. Raises CampusError where it does not."""
        await ask_hub("stop", {}, frozenset(), "The session could not be stopped now.")
