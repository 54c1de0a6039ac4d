"""Home's process. Run as ``python -P -s -m extensions.home``."""

from __future__ import annotations

import asyncio
import os
import signal
import ssl
import sys

from aiohttp import ClientSession, DummyCookieJar, TCPConnector, ThreadedResolver
from jupyterhub.services.auth import HubOAuth
from jupyterhub.utils import make_ssl_context
from tornado.httpserver import HTTPServer
from tornado.log import app_log, enable_pretty_logging

from extensions.exchange.receipts import secret_file
from extensions.home.announcements import Announcements
from extensions.home.app import make_app
from extensions.home.asking import Asked
from extensions.home.handler import Home
from extensions.home.language import N_, languages
from extensions.home.render import Templates
from extensions.home.settings import Settings, read_settings

_BODY_BYTES = 2 * 1024 * 1024
_SECONDS_ON_MEMORY = 60  # for so long the hub's word on a token holds
_AT_ONCE = 100  # questions to hub and exchange together


def _context(settings: Settings, purpose: ssl.Purpose) -> ssl.SSLContext | None:
    if not settings.key:
        return None
    return make_ssl_context(settings.key, settings.certificate, cafile=settings.authorities, purpose=purpose)


def open_home(settings: Settings, web: ClientSession) -> Home:
    """Raises OSError where a catalogue or a certificate can't be read."""
    inside = _context(settings, ssl.Purpose.SERVER_AUTH)
    found = languages()
    return Home(
        settings=settings,
        hub=Asked("hub", N_("The hub does not answer now."), settings.hub_api, web, inside or True),
        exchange=Asked(
            "exchange", N_("The exchange, which keeps courses, does not answer now."), settings.exchange_api, web
        ),
        languages=found,
        templates=Templates(found.values(), settings.prefix),
        announcements=Announcements(settings.announcements),
    )


async def serve(settings: Settings) -> None:
    os.umask(0o077)
    HubOAuth.instance(cache_max_age=_SECONDS_ON_MEMORY)
    cookie_secret = secret_file(settings.folder / "cookie.key")
    # The machine's own resolver: names may stand in its hosts file, or in a directory.
    connector = TCPConnector(limit=_AT_ONCE, resolver=ThreadedResolver())
    # No cookies: what one person was given must not go with another's question.
    async with ClientSession(connector=connector, cookie_jar=DummyCookieJar()) as web:
        server = HTTPServer(
            make_app(open_home(settings, web), cookie_secret),
            ssl_options=_context(settings, ssl.Purpose.CLIENT_AUTH),
            xheaders=True,
            max_body_size=_BODY_BYTES,
        )
        server.listen(settings.port, address="127.0.0.1")
        app_log.info("Home listens on port %s", settings.port)
        over = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, over.set)
        await over.wait()
        server.stop()
        await server.close_all_connections()


def main() -> None:
    enable_pretty_logging()
    try:
        settings = read_settings()
    except (KeyError, ValueError) as error:
        sys.exit(f"campus: Home is not told what it needs: {error!r}")
    asyncio.run(serve(settings))


if __name__ == "__main__":
    main()
