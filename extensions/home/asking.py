"""Questions to the hub and the exchange, each with the token of whoever is signed in, and never with another."""

from __future__ import annotations

import json
import ssl
from dataclasses import dataclass
from typing import Any

from aiohttp import ClientError, ClientResponse, ClientSession, ClientTimeout

from campus_base.errors import CampusError
from extensions.home.language import N_

_TIMEOUT = ClientTimeout(total=15)
_AT_MOST = 32 * 1024 * 1024  # bytes of one answer


class Unanswered(CampusError):
    """Who was asked does not answer, or answers nothing that can be read."""


class Refusal(CampusError):
    """Who was asked says no; ``status`` is the HTTP status."""

    def __init__(self, status: int, code: str, message: str, remedy: str) -> None:
        super().__init__(code, message, remedy)
        self.status = status


@dataclass(frozen=True)
class Asked:
    """Who is asked: ``name`` for the log, ``silent`` what people are told where it does not answer."""

    name: str
    silent: str
    base: str
    web: ClientSession
    tls: ssl.SSLContext | bool = True

    async def json(self, token: str, method: str, path: str, body: Any = None, **query: str) -> Any:
        """The answer. Raises Unanswered, Refusal."""
        raw = await self.raw(token, method, path, body, **query)
        try:
            return json.loads(raw) if raw else None
        except ValueError as error:
            raise self._unanswered(f"no JSON: {error}") from None

    async def raw(self, token: str, method: str, path: str, body: Any = None, **query: str) -> bytes:
        """The answer's bytes. Raises Unanswered, Refusal."""
        headers = {"Authorization": f"token {token}"}
        try:
            async with self.web.request(
                method,
                f"{self.base}{path}",
                headers=headers,
                json=body,
                params=query,
                ssl=self.tls,
                timeout=_TIMEOUT,
                allow_redirects=False,
            ) as answer:
                said = await answer.content.read(_AT_MOST + 1)
                while not answer.content.at_eof() and len(said) <= _AT_MOST:
                    said += await answer.content.read(_AT_MOST)
                if len(said) > _AT_MOST:
                    raise self._unanswered("the answer is too large")
                self._check(answer, said)
                return said
        except (TimeoutError, ClientError, OSError) as error:
            raise self._unanswered(repr(error)) from None

    def _check(self, answer: ClientResponse, said: bytes) -> None:
        if 200 <= answer.status < 300:
            return
        try:
            told = json.loads(said)
            words = [str(told[key]) for key in ("code", "message", "remedy")]
        except (ValueError, KeyError, TypeError):
            if answer.status in (403, 404):
                raise Refusal(
                    answer.status,
                    "not-found",
                    N_("There is no such thing, or it is not open to you."),
                    N_("Check the address; if it is right, ask your instructor or an operator."),
                ) from None
            raise self._unanswered(f"HTTP {answer.status}") from None
        if answer.status >= 500:
            raise Unanswered(*words)
        raise Refusal(answer.status, *words)

    def _unanswered(self, detail: str) -> Unanswered:
        return Unanswered("silent", self.silent, N_("Try again in a minute; if it stays so, tell an operator."), detail)
