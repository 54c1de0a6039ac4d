"""The notebooks that were saved last, and when the hub is told of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from campus_base.errors import CampusError

MOST = 5  # as spawners.life.recent has it, which keeps no more; as the next
_LONGEST = 500  # characters of a path
_GONE = 4 * MOST
_SOON = 2.0  # seconds: several documents are saved at a time
_AGAIN = 600.0  # seconds after which the time of the same notebook is told anew
_PATIENCE = (30.0, 600.0)  # seconds until a silent hub is told again: at first, and at most


class Saved:
    """Hears of documents (jupyter_server's event contents_service), and tells the hub what is new in the list of them.

    To hear of a save costs a look at five paths. The hub is told in the background, so nobody waits for it.
    """

    def __init__(
        self, tell: Callable[[dict[str, Any]], Awaitable[Any]], log: Any, clock: Callable[[], float] = time.time
    ) -> None:
        self._tell, self._log, self._clock = tell, log, clock
        self._at: dict[str, float] = {}
        self._gone: dict[str, None] = {}
        self._told = ("", 0.0)  # the newest that the hub knows, and from when
        self._telling: asyncio.Task[None] | None = None

    def hear(self, change: dict[str, Any]) -> None:
        """Something was done to a document: ``action``, ``path``, and ``source_path`` where it was renamed."""
        action, path = change["action"], change["path"].strip("/")
        if action == "save" and self._counts(path):
            self._note(path)
        elif action == "rename":
            before = change.get("source_path", "").strip("/")
            if self._drop(before) and self._counts(path):
                self._note(path)
        elif action == "delete":
            self._drop(path)

    @staticmethod
    def _counts(path: str) -> bool:
        return path.endswith(".ipynb") and len(path) <= _LONGEST and path.isprintable()

    def _note(self, path: str) -> None:
        now = self._clock()
        self._at.pop(path, None)
        self._gone.pop(path, None)
        self._at[path] = now
        for oldest in list(self._at)[:-MOST]:
            del self._at[oldest]
        told, when = self._told
        if path != told or now - when > _AGAIN:
            self._soon()

    def _drop(self, path: str) -> bool:
        """A notebook is not there any more, though an earlier session may have told of it; whether it is one."""
        if not self._counts(path):
            return False
        self._at.pop(path, None)
        self._gone[path] = None
        for oldest in list(self._gone)[:-_GONE]:
            del self._gone[oldest]
        self._soon()
        return True

    def _soon(self) -> None:
        if self._telling is None or self._telling.done():
            self._telling = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        wait, patience = _SOON, _PATIENCE[0]
        while True:
            await asyncio.sleep(wait)
            newest, gone = next(reversed(self._at), ""), list(self._gone)
            known = dict(self._at)
            try:
                await self._tell(self._report())
            except CampusError as error:
                if patience == _PATIENCE[0]:  # a silence of hours is one line of the log
                    self._log.warning("%s (%s)", error.message, error.detail)
                wait, patience = patience, min(2 * patience, _PATIENCE[1])
                continue
            self._told = (newest, self._clock())
            for path in gone:
                self._gone.pop(path, None)
            if known.keys() == self._at.keys() and not self._gone and next(reversed(self._at), "") == newest:
                return
            wait, patience = _SOON, _PATIENCE[0]

    def _report(self) -> dict[str, Any]:
        """As spawners.life.recent.Report has it."""
        now = self._clock()
        saved = [{"path": path, "ago": max(0.0, now - at)} for path, at in reversed(self._at.items())]
        return {"notebooks": saved, "gone": list(self._gone)}
