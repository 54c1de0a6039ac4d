"""One request to slurmrestd, as one person, with an answer or a ControllerSilent.

Sources: slurmrestd(8), rest_auth/jwt; slurm_errno.h.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import aiohttp

from campus_base.errors import CampusError
from spawners import metrics
from spawners.slurm.errors import ControllerSilent, Refused
from spawners.slurm.rest.answers import Answer, Problem, Submitted, parse_answer
from spawners.slurm.rest.token import Credential, expiry_of

# The newest first. Each was tried: v0.0.38 on Slurm 22.05.8, the others on 24.11.5.
VERSIONS = ("v0.0.42", "v0.0.41", "v0.0.40", "v0.0.38")
_LONGEST_DETAIL = 300  # characters
_RESTART = 5.0  # seconds that a slurmrestd which does not listen has for coming back
_PAUSE = 0.25  # seconds between two tries to reach it

# slurm_errno.h: what slurmctld decided, and what it could not read. Other numbers are of the way there and back.
DECIDED = frozenset((*range(2000, 3000), *range(9000, 10000)))

A = TypeVar("A", bound=Answer)


class Declined(Refused):
    """A refusal by slurmctld, with Slurm's numbers of its reasons."""

    def __init__(self, says: str, detail: str, codes: frozenset[int]) -> None:
        super().__init__(says or "no reason given", detail)
        self.codes = codes


@dataclass(frozen=True)
class SlurmrestdClient:
    """One slurmrestd: where it listens (``unix:/PATH`` or an http(s) address), and as whom the hub comes.

    ``account`` is SlurmUser's or root's name: slurmctld lets their token act for others.
    """

    url: str
    credential: Credential
    account: str
    timeout: float
    _version: list[str] = field(default_factory=list, compare=False, repr=False)
    """The version in use, once it is known."""

    async def version(self) -> str:
        """The newest version that both sides know. Raises ControllerSilent."""
        if not self._version:
            status, text = await self._exchange("GET", "/openapi/v3", self.account, None, "GET openapi")
            try:
                offered = {path.split("/")[2] for path in json.loads(text)["paths"] if path.startswith("/slurm/")}
            except (ValueError, TypeError, LookupError, RecursionError):
                raise self._nonsense("GET /openapi/v3", status, text) from None
            known = [version for version in VERSIONS if version in offered]
            if not known:
                theirs = ", ".join(sorted(offered)) or "none"
                raise ControllerSilent(f"slurmrestd offers the versions {theirs}, Campus knows {', '.join(VERSIONS)}")
            self._version[:] = known[:1]
        return self._version[0]

    async def ask(self, kind: type[A], method: str, path: str, person: str = "", body: Any = None) -> A:
        """Ask for ``path``, in which ``*`` stands for the version, as a person or as the hub's own account.

        Raises Declined where slurmctld says no, ControllerSilent where there is no answer, or none that can be read.
        """
        what = f"{method} {path.split('/')[2]}"
        path = f"/{path.replace('*', await self.version())}"
        status, text = await self._exchange(method, path, person or self.account, body, what)
        # In a thread: a busy cluster's answer has megabytes, and everybody's pages wait on the loop.
        answer = await asyncio.to_thread(parse_answer, kind, text)
        if answer and answer.problems and not isinstance(answer, Submitted):
            raise self._problem(what, answer.problems)
        if not isinstance(answer, kind) or status != 200:
            if status == 404:  # it was upgraded, and speaks another version now
                self._version.clear()
            raise self._nonsense(what, status, text)
        return answer

    def _problem(self, what: str, problems: Sequence[Problem]) -> CampusError:
        says = ". ".join(dict.fromkeys(problem.sentence for problem in problems if problem.sentence))
        detail = f"{what}: {says} ({', '.join(str(problem.code) for problem in problems)})"
        if any(problem.code in DECIDED for problem in problems):
            return Declined(says[:_LONGEST_DETAIL], detail, frozenset(problem.code for problem in problems))
        return ControllerSilent(f"{detail}{self._token_note()}")

    def _nonsense(self, what: str, status: int, text: str) -> ControllerSilent:
        return ControllerSilent(f"{what}: HTTP {status}, {text[:_LONGEST_DETAIL]!r}{self._token_note()}")

    def _token_note(self) -> str:
        """slurmctld does not say that a token has expired; the token itself does."""
        try:
            end = expiry_of(self.credential.token())
        except ControllerSilent as error:
            return f"; {error.detail}"
        if end is None or end > time.time():
            return ""
        return f"; the token in {self.credential.path} ended {time.time() - end:.0f} seconds ago"

    async def _exchange(self, method: str, path: str, person: str, body: Any, label: str) -> tuple[int, str]:
        """Status and text of the answer, in which the token does not stand. Raises ControllerSilent.

        A slurmrestd that does not listen took nothing yet, and may be restarting: it is tried again for some seconds.
        """
        end = time.monotonic() + min(_RESTART, self.timeout)
        with metrics.request_counted(label):
            while True:
                try:
                    return await self._try(method, path, person, body)
                except aiohttp.ClientConnectorError as error:
                    if time.monotonic() + _PAUSE >= end:
                        raise ControllerSilent(f"{method} {path}: {error}") from None
                await asyncio.sleep(_PAUSE)

    async def _try(self, method: str, path: str, person: str, body: Any) -> tuple[int, str]:
        """As ``_exchange``, once. Raises ClientConnectorError where nobody listens, and ControllerSilent."""
        token = self.credential.token()
        # A connection for each request, without asking for its end: to "Connection: close" Slurm 22.05 answers with one
        # header behind the body.
        unix = self.url.removeprefix("unix:") if self.url.startswith("unix:") else ""
        connector = aiohttp.UnixConnector(unix) if unix else aiohttp.TCPConnector()
        base = "http://localhost" if unix else self.url.rstrip("/")
        try:
            async with (
                aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(self.timeout)) as session,
                session.request(
                    method,
                    base + path,
                    json=body,
                    headers={"X-SLURM-USER-NAME": person, "X-SLURM-USER-TOKEN": token.reveal()},
                    allow_redirects=False,  # the token is for this address alone
                ) as answer,
            ):
                status, raw = answer.status, await answer.read()
        except TimeoutError:
            raise ControllerSilent(f"{method} {path}: no answer within {self.timeout:g} seconds") from None
        except aiohttp.ClientConnectorError:
            raise
        except (aiohttp.ClientError, OSError) as error:
            says = str(error).replace(token.reveal(), str(token))[:_LONGEST_DETAIL]
            raise ControllerSilent(f"{method} {path}: {says or type(error).__name__}") from None
        # What people write (names, comments) reaches us as they wrote it, and need not be UTF-8.
        return status, raw.decode(errors="replace").replace(token.reveal(), str(token))
