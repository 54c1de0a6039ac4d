"""The exchange's process. Run as ``python -P -s -m extensions.exchange.service``."""

from __future__ import annotations

import asyncio
import fcntl
import os
import ssl
import sys
from functools import partial

from sqlalchemy import Connection, func, insert, select
from tornado.httpserver import HTTPServer
from tornado.log import enable_pretty_logging

from extensions.daemon import context, know_the_hub, serve_until_told
from extensions.exchange.receipts import Signer, secret_file
from extensions.exchange.service import trees
from extensions.exchange.service.app import make_app
from extensions.exchange.service.badge import Issuer
from extensions.exchange.service.clock import Clock
from extensions.exchange.service.database import Database
from extensions.exchange.service.handler import Exchange
from extensions.exchange.service.settings import Settings, read_settings
from extensions.exchange.service.tables import KEYS, SUBMISSIONS
from extensions.exchange.store import Store

_JSON_BYTES = 2 * 1024 * 1024
_UPLOAD_SECONDS = 1800


def _note_key(connection: Connection, signer: Signer) -> None:
    if connection.execute(select(KEYS.c.key).where(KEYS.c.key == signer.key)).first() is None:
        connection.execute(insert(KEYS).values(key=signer.key, public=signer.public))


def _latest(connection: Connection) -> str | None:
    return connection.scalar(select(func.max(SUBMISSIONS.c.received)))


def open_exchange(settings: Settings) -> Exchange:
    """Raises OSError, SQLAlchemyError where folder or database can't be used."""
    os.umask(0o077)
    # Held for as long as this process lives: a second one would sweep away what the first is writing.
    lock = os.open(settings.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    store = Store(settings.folder)
    database = Database(settings.database_url)
    store.open(lambda objects: database.now(partial(trees.naming, objects=objects)))
    signer = Signer(secret_file(settings.folder / "receipts.key"))
    database.now(partial(_note_key, signer=signer))
    clock = Clock(database.now(_latest))
    issuer = Issuer(settings.public_url, settings.site_name)
    return Exchange(database, store, clock, signer, settings.limits, issuer, settings.person_bytes)


async def serve(settings: Settings) -> None:
    exchange = open_exchange(settings)
    know_the_hub(settings)
    cookie_secret = secret_file(settings.folder / "cookie.key")
    server = HTTPServer(
        make_app(exchange, settings.prefix, cookie_secret),
        ssl_options=context(settings, ssl.Purpose.CLIENT_AUTH),
        xheaders=True,
        max_body_size=_JSON_BYTES,
        body_timeout=_UPLOAD_SECONDS,
    )
    await serve_until_told(server, settings.port, "The exchange")
    exchange.workers.shutdown()
    exchange.slow.shutdown()
    exchange.database.close()


def main() -> None:
    enable_pretty_logging()
    try:
        settings = read_settings()
    except (KeyError, ValueError) as error:
        sys.exit(f"campus: the exchange is not told what it needs: {error!r}")
    asyncio.run(serve(settings))


if __name__ == "__main__":
    main()
