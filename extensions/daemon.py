"""What our services that outlive the hub have in common: their TLS, their health, and an end that is asked for."""

from __future__ import annotations

import asyncio
import gc
import json
import signal
import ssl
import time
from typing import Any, Protocol
from zlib import crc32

from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector, ThreadedResolver
from jupyterhub.services.auth import HubOAuth
from jupyterhub.utils import make_ssl_context
from tornado.httpserver import HTTPServer
from tornado.log import app_log
from tornado.web import Application, HTTPError, RequestHandler

MEMORY_SECONDS = 60
"""For so long the hub's word on a token holds (HubOAuth.cache_max_age)."""
_AT_ONCE = 20  # questions to the hub
_KEPT = 60  # seconds that a connection stays open unused
_PATIENCE = ClientTimeout(total=30)
_ASKING: dict[str, asyncio.Future[Any]] = {}
"""Questions to the hub that are under way, by their key in the cache."""


class Inside(Protocol):
    """PEM files of the inside's mutual TLS; who connects must have a certificate that is in ``authorities``, or of one.

    ``key`` is empty without TLS.
    """

    @property
    def key(self) -> str: ...

    @property
    def certificate(self) -> str: ...

    @property
    def authorities(self) -> str: ...


class Service(Application):
    """Its log has what changed something and what failed, not who only looked: those are nearly all."""

    def log_request(self, handler: RequestHandler) -> None:
        if handler.request.method not in ("GET", "HEAD") or handler.get_status() >= 400:
            super().log_request(handler)


class Health(RequestHandler):
    """For whoever starts and watches the process."""

    def get(self) -> None:
        self.finish({"status": "ok"})


def context(files: Inside, purpose: ssl.Purpose) -> ssl.SSLContext | None:
    """For a server (``CLIENT_AUTH``) or a client (``SERVER_AUTH``); None without TLS. Raises OSError."""
    if not files.key:
        return None
    made = make_ssl_context(files.key, files.certificate, cafile=files.authorities, purpose=purpose)
    made.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # a peer is believed by its own certificate
    return made


async def serve_until_told(server: HTTPServer, port: int, name: str) -> None:
    """Listen on loopback until SIGTERM or SIGINT comes; what is on its way then is finished, nothing new comes in."""
    server.listen(port, address="127.0.0.1")
    app_log.info("%s listens on port %s", name, port)
    over = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, over.set)
    gc.collect()
    gc.freeze()  # what is loaded stays, and is not looked through again while somebody waits
    await over.wait()
    server.stop()
    await server.close_all_connections()


def _patience(cache_key: str) -> float:
    """After what part of its time the hub's word is asked for anew: between 0.6 and 0.95."""
    return 0.6 + 0.35 * (crc32(cache_key.encode()) % 1000) / 1000


class HubsWord(HubOAuth):  # type: ignore[misc, unused-ignore]
    """Whose token it is, as JupyterHub's own class finds out, but over connections that are kept.

    JupyterHub 6.1 reads the certificates and opens a connection anew for each question, which takes some 30 ms of this
    process's one thread; and it asks once for each of the requests that come together.

    Who comes again is not kept waiting: the hub is asked anew beside their request, before what it said is too old.
    Each has a time of their own for that, so that many who came at once are not asked about at once for ever.
    """

    web: ClientSession | None = None
    tls: ssl.SSLContext | None = None

    async def _check_hub_authorization(
        self, url: str, api_token: str, cache_key: str | None = None, use_cache: bool = True
    ) -> Any:
        """The model of whoever a token belongs to, None for nobody. Raises HTTPError where the hub does not say."""
        if not use_cache or cache_key is None:
            return await self._asked(url, api_token)
        try:
            found = self.cache[cache_key]
        except KeyError:
            # Shielded: others wait for the same answer, whatever becomes of this request.
            return await asyncio.shield(self._ask(url, api_token, cache_key))
        if time.monotonic() - self.cache.timestamps[cache_key] > MEMORY_SECONDS * _patience(cache_key):
            self._ask(url, api_token, cache_key)
        return found

    def _ask(self, url: str, api_token: str, cache_key: str) -> asyncio.Future[Any]:
        """The answer that comes, and is remembered; one question at a time for each key."""

        async def ask() -> Any:
            self.cache[cache_key] = found = await self._asked(url, api_token)
            return found

        def over(done: asyncio.Future[Any]) -> None:
            _ASKING.pop(cache_key, None)
            if not done.cancelled():
                done.exception()  # whoever waits has it; what was asked ahead is asked again

        if cache_key not in _ASKING:
            _ASKING[cache_key] = asyncio.ensure_future(ask())
            _ASKING[cache_key].add_done_callback(over)
        return _ASKING[cache_key]

    async def _asked(self, url: str, api_token: str) -> Any:
        if self.web is None:
            # Few at a time: the hub answers one after the other. No cookies: they would go with another's question.
            connector = TCPConnector(limit=_AT_ONCE, resolver=ThreadedResolver(), keepalive_timeout=_KEPT)
            self.web = ClientSession(connector=connector, cookie_jar=DummyCookieJar(), timeout=_PATIENCE)
        headers = {"Authorization": f"token {api_token}"}
        try:
            async with self.web.get(url, headers=headers, ssl=self.tls or True, allow_redirects=False) as answer:
                if answer.status == 403:
                    return None
                if answer.status != 200:
                    raise HTTPError(502, f"the hub answers {answer.status} to whose token it is")
                return json.loads(await answer.read())
        except (TimeoutError, ClientError, OSError, ValueError) as error:
            raise HTTPError(502, f"the hub does not say whose token it is: {error!r}") from error


def know_the_hub(files: Inside) -> None:
    """Have handlers ask the hub as :class:`HubsWord` does. Raises OSError where a certificate can't be read."""
    word = HubsWord.instance(cache_max_age=MEMORY_SECONDS)
    word.tls = context(files, ssl.Purpose.SERVER_AUTH)
