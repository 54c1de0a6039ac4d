"""What our services that outlive the hub have in common: their TLS, their health, and an end that is asked for."""

from __future__ import annotations

import asyncio
import signal
import ssl
from typing import Protocol

from jupyterhub.utils import make_ssl_context
from tornado.httpserver import HTTPServer
from tornado.log import app_log
from tornado.web import RequestHandler

MEMORY_SECONDS = 60
"""For so long the hub's word on a token holds (HubOAuth.cache_max_age)."""


class Inside(Protocol):
    """PEM files of the inside's mutual TLS; whoever connects must have a certificate of ``authorities``.

    ``key`` is empty without TLS.
    """

    @property
    def key(self) -> str: ...

    @property
    def certificate(self) -> str: ...

    @property
    def authorities(self) -> str: ...


class Health(RequestHandler):
    """For whoever starts and watches the process."""

    def get(self) -> None:
        self.finish({"status": "ok"})


def context(files: Inside, purpose: ssl.Purpose) -> ssl.SSLContext | None:
    """For a server (``CLIENT_AUTH``) or a client (``SERVER_AUTH``); None without TLS. Raises OSError."""
    if not files.key:
        return None
    return make_ssl_context(files.key, files.certificate, cafile=files.authorities, purpose=purpose)


async def serve_until_told(server: HTTPServer, port: int, name: str) -> None:
    """Listen on loopback until SIGTERM or SIGINT comes; what is on its way then is finished, nothing new comes in."""
    server.listen(port, address="127.0.0.1")
    app_log.info("%s listens on port %s", name, port)
    over = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, over.set)
    await over.wait()
    server.stop()
    await server.close_all_connections()
