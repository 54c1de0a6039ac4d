"""Home's process. Run as ``python -P -s -m extensions.home``."""

from __future__ import annotations

import asyncio
import os
import ssl
import sys

from aiohttp import ClientSession, DummyCookieJar, TCPConnector, ThreadedResolver
from tornado.httpserver import HTTPServer
from tornado.log import enable_pretty_logging

from extensions.daemon import context, know_the_hub, serve_until_told
from extensions.exchange.receipts import secret_file
from extensions.home.announcements import Announcements
from extensions.home.app import make_app
from extensions.home.asking import Asked
from extensions.home.handler import Home
from extensions.home.kits.catalogue import Catalogue
from extensions.home.language import N_, languages
from extensions.home.render import Templates
from extensions.home.settings import Settings, read_settings

_BODY_BYTES = 2 * 1024 * 1024
_AT_ONCE = 100  # questions to hub and exchange together


def open_home(settings: Settings, web: ClientSession) -> Home:
    """Raises OSError where a catalogue or a certificate can't be read."""
    inside = context(settings, ssl.Purpose.SERVER_AUTH)
    found = languages()
    return Home(
        settings=settings,
        hub=Asked("hub", N_("The hub does not answer now."), settings.hub_api, web, inside or True),
        exchange=Asked(
            "exchange",
            N_("The exchange, which keeps courses, does not answer now."),
            settings.exchange_api,
            web,
            inside or True,
        ),
        languages=found,
        templates=Templates(found.values(), settings.prefix),
        announcements=Announcements(settings.announcements),
        kits=Catalogue(settings.kits),
    )


async def serve(settings: Settings) -> None:
    os.umask(0o077)
    know_the_hub(settings)
    cookie_secret = secret_file(settings.folder / "cookie.key")
    # The machine's own resolver: names may stand in its hosts file, or in a directory.
    connector = TCPConnector(limit=_AT_ONCE, resolver=ThreadedResolver())
    # No cookies: what one person was given must not go with another's question.
    async with ClientSession(connector=connector, cookie_jar=DummyCookieJar()) as web:
        server = HTTPServer(
            make_app(open_home(settings, web), cookie_secret),
            ssl_options=context(settings, ssl.Purpose.CLIENT_AUTH),
            xheaders=True,
            max_body_size=_BODY_BYTES,
        )
        await serve_until_told(server, settings.port, "Home")


def main() -> None:
    enable_pretty_logging()
    try:
        settings = read_settings()
    except (KeyError, ValueError) as error:
        sys.exit(f"campus: Home is not told what it needs: {error!r}")
    asyncio.run(serve(settings))


if __name__ == "__main__":
    main()
