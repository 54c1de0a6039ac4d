"""What every handler has: who asks, a transaction to ask in, answers and errors in JSON."""

from __future__ import annotations

import asyncio
import errno
import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Concatenate, ParamSpec, TypeVar

from jupyterhub.services.auth import HubOAuthenticated
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError
from tornado.log import app_log
from tornado.web import HTTPError, RequestHandler

from campus_base.errors import CampusError
from extensions.exchange.archive import File, tar_size, write_tar
from extensions.exchange.names import PERSON, Limits
from extensions.exchange.receipts import Signer
from extensions.exchange.refusals import NotAllowed, NotFound, NotSignedIn, Refused, Unavailable
from extensions.exchange.service.badge import Issuer
from extensions.exchange.service.bodies import malformed
from extensions.exchange.service.clock import Clock
from extensions.exchange.service.database import Database
from extensions.exchange.service.visit import Asker, Visit
from extensions.exchange.store import Store

P = ParamSpec("P")
T = TypeVar("T")
_WORKERS = 4


@dataclass(frozen=True)
class Exchange:
    """What the handlers share."""

    database: Database
    store: Store
    clock: Clock
    signer: Signer
    limits: Limits
    issuer: Issuer
    person_bytes: int
    """What one person may have submitted to one course, in bytes."""
    workers: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(_WORKERS, "files"))
    slow: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "slow"))
    """For what takes long, so that no submission waits for it."""
    uploading: dict[str, int] = field(default_factory=dict)
    """How many uploads of each person are on their way."""
    verifying: set[str] = field(default_factory=set)
    """Whose receipts are looked at now."""
    comparing: dict[tuple[str, str], asyncio.Task[None]] = field(default_factory=dict)
    """Comparisons of submissions, by course and assignment: those that run, and how the last one ended."""
    one_comparison: asyncio.Lock = field(default_factory=asyncio.Lock)
    noted: dict[tuple[str, ...], float] = field(default_factory=dict)
    """Refusals that the log has, and when they were noted."""


def _disk_full(error: BaseException | None) -> bool:
    if isinstance(error, OperationalError):
        return "is full" in str(error.orig) or "No space left" in str(error.orig)
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def full() -> Unavailable:
    return Unavailable(
        "disk-full", "The exchange has no room left, so nothing was taken.", "Tell an operator, and try again later."
    )


class ApiHandler(HubOAuthenticated, RequestHandler):
    """Base of all: ``asker`` is set before a method runs."""

    asker: Asker

    @property
    def exchange(self) -> Exchange:
        return self.settings["exchange"]

    async def prepare(self) -> None:
        self.asker = await self._identify()

    async def _identify(self) -> Asker:
        try:
            # With a cookie it checks the XSRF token, too (jupyterhub.services.auth, HubOAuth).
            model = await self.hub_auth.get_user(self, sync=False)
        except HTTPError as error:
            raise Unavailable("hub-silent", "The hub does not answer now.", "Try again in a minute.") from error
        if not model:
            raise NotSignedIn("not-signed-in", "Nobody is signed in here.", "Sign in, or start a new session.")
        if not self.hub_auth.check_scopes(self.hub_auth.access_scopes, model):
            raise NotSignedIn(
                "no-scope", "This token may not be used at the exchange.", "Start a new session, or make a new token."
            )
        name = str(model["name"])
        if not re.fullmatch(PERSON, name):
            raise NotAllowed("odd-name", "The exchange knows no accounts of such a name.", "Ask an operator.")
        return Asker(name, frozenset(model.get("groups") or ()), model.get("kind") == "service")

    async def ask(self, do: Callable[Concatenate[Visit, P], T], *arguments: P.args, **named: P.kwargs) -> T:
        """Run ``do(visit, …)`` in a transaction. Whatever it raises, nothing of it has happened."""

        def visit(connection: Connection) -> T:
            return do(Visit(connection, self.asker, self.exchange.clock), *arguments, **named)

        return await self.exchange.database.run(visit)

    async def in_thread(self, do: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        """Run what takes long beside everything else, one after another."""
        return await asyncio.get_running_loop().run_in_executor(self.exchange.slow, partial(do, *arguments, **named))

    def answer(self, value: Any, status: int = 200) -> None:
        self.set_status(status)
        self.set_header("Content-Type", "application/json")
        self.finish(json.dumps(value))

    def answer_table(self, table: str, name: str) -> None:
        self.set_header("Content-Type", "text/csv; charset=utf-8")
        self.set_header("Content-Disposition", f'attachment; filename="{name}"')
        self.finish(table)

    async def answer_files(self, files: list[File]) -> None:
        """The files as tar. Its length is told first, so one that breaks off is seen as such."""
        self.set_header("Content-Type", "application/x-tar")
        self.set_header("Content-Length", str(tar_size(files)))
        for piece in write_tar((f.path, f.size, self.exchange.store.read(f.sha256)) for f in files):
            self.write(piece)
            await self.flush()
        await self.finish()

    def number(self, name: str, default: int) -> int:
        """A number of the address. Raises Refused (400)."""
        said = self.get_query_argument(name, str(default))
        if not re.fullmatch(r"[0-9]{1,9}", said):
            raise malformed(f"{name} must be a number")
        return int(said)

    def set_default_headers(self) -> None:
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Content-Type-Options", "nosniff")

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        error: Any = kwargs.get("exc_info", (None, None, None))[1]
        if _disk_full(error):
            error = full()
        elif isinstance(error, OperationalError):
            error = Unavailable(
                "database-silent", "The exchange's database does not answer now.", "Try again in a minute."
            )
        if isinstance(error, Refused):
            status_code = error.status
        elif not isinstance(error, CampusError):
            error = _of_status(status_code)
        self.answer(error.as_dict(), status_code)

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        if isinstance(value, Refused):
            app_log.info("%s %s: %s", self.request.method, self.request.path, value.code)
        elif _disk_full(value):
            app_log.error("The disk is full: %s", value)
        else:
            super().log_exception(typ, value, tb)


def _of_status(status: int) -> CampusError:
    if status < 500:
        return Refused("bad-request", "The request is not as the API wants it.", "See the API's description.")
    return CampusError(
        "failed", "The exchange failed to do this.", "Try again; an operator finds the cause in its log."
    )


class NothingHere(ApiHandler):
    """Every other address."""

    async def prepare(self) -> None:
        raise NotFound("such address", "See the API's description.")
