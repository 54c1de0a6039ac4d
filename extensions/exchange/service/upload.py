"""A request that brings files: streamed to the disk, unpacked there, and gone again unless they are kept."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import BinaryIO, Concatenate

from tornado.web import stream_request_body

from extensions.exchange.names import KEY
from extensions.exchange.refusals import NotNow, Refused, TooLarge, TooMany
from extensions.exchange.service import trees
from extensions.exchange.service.bodies import malformed
from extensions.exchange.service.handler import ApiHandler, P, T
from extensions.exchange.service.visit import Visit
from extensions.exchange.store import Staged

_AT_ONCE = 4  # uploads of one person
_DRAINED = 10  # times the limit: so much of what is too large is read, so that its sender hears why


@stream_request_body
class UploadHandler(ApiHandler):
    """``looked_at`` may refuse before the body comes; ``staged`` gives its files.

    A refusal waits until the body has been read: whoever is still sending, the proxy too, hears nothing before that.
    """

    _problem: Exception | None = None
    _body: BinaryIO | None = None
    _folder: Path
    _got = 0
    _taken = False

    async def prepare(self) -> None:
        self._held = ExitStack()
        limit = self.exchange.limits.upload
        # A tar has headers beside the files, and names of any length up to the limit.
        self._limit = limit + limit // 10 + 4096 * self.exchange.limits.files
        self.request.connection.set_max_body_size(_DRAINED * self._limit)
        try:
            await super().prepare()
            if self.request.method not in ("PUT", "POST"):
                return
            self.key = self.get_query_argument("key", "")
            if not re.fullmatch(KEY, self.key):
                raise malformed("key must be 8 to 64 letters, digits, - and _")
            if self.request.headers.get("Content-Type", "application/x-tar") != "application/x-tar":
                raise malformed("the files come as application/x-tar")
            await self.looked_at(*self.path_args)
            self._take_place()
            self._folder = self.exchange.store.new_upload()
            self._held.callback(self._drop)
            self._body = (self._folder / "body.tar").open("xb+")
            self._held.callback(self._close)
        except Exception as error:
            self._problem = error

    looked_at: Callable[..., Awaitable[None]]
    """Takes the address's names; refuses what can be refused before the body comes."""

    def _take_place(self) -> None:
        uploading, name = self.exchange.uploading, self.asker.name
        if uploading.get(name, 0) >= _AT_ONCE:
            raise TooMany("too-many", "You are sending too many things at once.", "Try again in a moment.")
        uploading[name] = uploading.get(name, 0) + 1
        self._held.callback(self._leave_place)

    def _close(self) -> None:
        if self._body:
            with suppress(OSError):  # what was not written yet finds no room: then it is refused already
                self._body.close()

    def _drop(self) -> None:
        """Beside everything else, since there may be a thousand files. Without workers, the next start does it."""
        with suppress(RuntimeError):
            self.exchange.workers.submit(self.exchange.store.drop, self._folder)

    def _leave_place(self) -> None:
        uploading, name = self.exchange.uploading, self.asker.name
        uploading[name] -= 1
        if not uploading[name]:
            del uploading[name]

    def data_received(self, chunk: bytes) -> None:
        self._got += len(chunk)
        if self._problem is None and self._got > self._limit:
            self._problem = TooLarge(f"The upload is larger than {self.exchange.limits.upload} bytes.")
        if self._problem is None and self._body:
            try:
                self._body.write(chunk)
            except OSError as error:
                self._problem = error

    async def staged(self) -> Staged:
        """The files, on the disk. Raises what was wrong with them, or before."""
        self._taken = True
        if self._problem:
            raise self._problem
        return await self._in_thread(self.exchange.store.stage, self._body, self._folder, self.exchange.limits)

    async def ask(self, do, *arguments, **named):
        if self._problem and not hasattr(self, "asker"):
            raise self._problem
        return await super().ask(do, *arguments, **named)

    async def take(self, staged: Staged, do: Callable[Concatenate[Visit, P], T], *args: P.args, **named: P.kwargs) -> T:
        """Keep the files, and run ``do`` in the transaction that says whose they are. If it fails, none is left."""
        store, taken = self.exchange.store, True
        try:
            await self._in_thread(store.keep, staged)
            return await self.ask(do, *args, **named)
        except Refused:
            taken = False
            raise
        except Exception:
            # The database may have broken off after it took them: only it can say, and unless it does, they stay.
            if staged.loose:
                taken = await self.exchange.database.run(partial(trees.is_known, sha256=staged.sha256))
            raise
        finally:
            await self._in_thread(partial(store.settle, staged, taken=taken))

    async def _in_thread(self, do, *arguments):
        return await asyncio.get_running_loop().run_in_executor(self.exchange.workers, do, *arguments)

    def on_finish(self) -> None:
        self._held.close()

    def on_connection_close(self) -> None:
        super().on_connection_close()
        if not self._taken:  # else it is on its way, and is finished without a listener
            self._held.close()


def reused(what: str) -> NotNow:
    return NotNow("key-used", f"This key was used for another {what}.", "Make a new key for each upload.")
