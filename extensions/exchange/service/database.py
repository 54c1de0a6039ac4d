"""The database: one thread asks it, so what is decided in one transaction holds until it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from sqlalchemy import Connection, create_engine, event, inspect

from extensions.exchange.service.tables import META

T = TypeVar("T")


class Database:
    """``url`` is SQLAlchemy's; SQLite, or PostgreSQL with psycopg. Raises SQLAlchemyError where it can't be used."""

    def __init__(self, url: str) -> None:
        self._engine = create_engine(url, pool_pre_ping=True)
        if self._engine.dialect.name == "sqlite":
            event.listen(self._engine, "connect", _settle)
            event.listen(self._engine, "begin", _begin)
        self._thread = ThreadPoolExecutor(1, "database")
        self.now(_complete)

    def _run(self, do: Callable[[Connection], T]) -> T:
        with self._engine.begin() as connection:
            return do(connection)

    def now(self, do: Callable[[Connection], T]) -> T:
        """Run ``do`` in a transaction of its own, and wait."""
        return self._thread.submit(self._run, do).result()

    async def run(self, do: Callable[[Connection], T]) -> T:
        """:meth:`now`, for the event loop. What it does is on the disk when this returns."""
        return await asyncio.wrap_future(self._thread.submit(self._run, do))

    def close(self) -> None:
        self._thread.shutdown()
        self._engine.dispose()


def _complete(connection: Connection) -> None:
    """Make what is missing: tables, and columns that came with a later version; those may be null."""
    META.create_all(connection)
    there = inspect(connection)
    for table in META.sorted_tables:
        names = {column["name"] for column in there.get_columns(table.name)}
        for column in table.columns:
            if column.name not in names:
                kind = column.type.compile(connection.dialect)
                connection.exec_driver_sql(f"ALTER TABLE {table.name} ADD COLUMN {column.name} {kind}")


def _settle(connection: Any, _: object) -> None:
    # The driver's own BEGIN comes too late; see SQLAlchemy, "SQLite, serializable isolation".
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=20000"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
