"""The one address a starting session reports to: an integer port and a secret for it alone, nothing else.

batchspawner's own handler sets whatever attribute a request names (1.3.0, api.py), which is code execution on the
hub for every signed-in person; importing batchspawner registers it, so it is taken out again here.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from typing import ClassVar, Protocol

import tornado.web as web
from jupyterhub.apihandlers import APIHandler, default_handlers

PATH = "/api/campus/session"
SCHEME = "Campus"
_MAX_BODY = 1024  # bytes


class Reporter(Protocol):
    """A spawner that waits for its session's report."""

    def session_reported(self, port: int) -> bool: ...


def digest(secret: str) -> str:
    """What the hub keeps of a one-time secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


class Expected:
    """The sessions of this hub, by the digest of their secret.

    A secret serves for one port: the same report may come again, when the answer to the first was lost on the way.
    """

    _waiting: ClassVar[dict[str, Reporter]] = {}

    @classmethod
    def new_secret(cls, reporter: Reporter) -> str:
        """A secret for one report of this session."""
        secret = secrets.token_urlsafe(32)
        cls.add(digest(secret), reporter)
        return secret

    @classmethod
    def add(cls, secret_digest: str, reporter: Reporter) -> None:
        cls._waiting[secret_digest] = reporter

    @classmethod
    def drop(cls, secret_digest: str) -> None:
        cls._waiting.pop(secret_digest, None)

    @classmethod
    def find(cls, secret: str) -> Reporter | None:
        """The session behind a secret."""
        return cls._waiting.get(digest(secret))


@web.stream_request_body
class SessionReportHandler(APIHandler):
    """``POST {"port": 49152}`` with ``Authorization: Campus SECRET`` answers 204.

    400 for any other body, 403 for a secret that is wrong, used or of a session that ended, 413 for a long body.
    """

    async def prepare(self) -> None:
        self._body = b""
        self._too_long = False
        await super().prepare()

    def check_xsrf_cookie(self) -> None:
        """No cookie authenticates this request, so none can be abused across sites."""

    def data_received(self, chunk: bytes) -> None:
        # Refused in post() only: Tornado drops a connection whose body was not read, and the proxy, which is not told,
        # would send the next person's request into it.
        self._too_long = self._too_long or len(self._body) + len(chunk) > _MAX_BODY
        if not self._too_long:
            self._body += chunk

    async def post(self) -> None:
        scheme, _, secret = self.request.headers.get("Authorization", "").partition(" ")
        if scheme != SCHEME or not secret:
            raise web.HTTPError(403, "This address is for starting sessions only.")
        if self._too_long:
            raise web.HTTPError(413, "A report is short.")
        port = self._port()
        reporter = Expected.find(secret)
        if reporter is None or not reporter.session_reported(port):
            raise web.HTTPError(403, "No session waits for this report.")
        self.set_status(204)

    def _port(self) -> int:
        try:
            report = json.loads(self._body)
        except (ValueError, RecursionError):
            report = None
        match report:
            case {"port": int(port), **rest} if not rest and not isinstance(port, bool) and 1024 <= port <= 65535:
                return port
        raise web.HTTPError(400, 'A report is {"port": NUMBER}, from 1024 to 65535.')


def serve_callback() -> None:
    """Take batchspawner's handler out of the hub's and put this one in."""
    default_handlers[:] = [h for h in default_handlers if h[0] not in ("/api/batchspawner", PATH)]
    default_handlers.append((PATH, SessionReportHandler))
