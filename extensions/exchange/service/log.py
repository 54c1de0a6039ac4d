"""The log of a course: who did what, each entry chained to the one before, none ever changed."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, desc, insert, select

from extensions.exchange.receipts import canonical, digest
from extensions.exchange.service.tables import LOG

FIRST = "0" * 64
_AT_MOST = 1000


def write(connection: Connection, course: str, at: str, who: str, what: str, **about: Any) -> str:
    """Add an entry; its hash."""
    last = connection.execute(
        select(LOG.c.number, LOG.c.hash).where(LOG.c.course == course).order_by(desc(LOG.c.number)).limit(1)
    ).first()
    number, previous = (last.number + 1, last.hash) if last else (1, FIRST)
    entry = {"number": number, "at": at, "who": who, "what": what, "about": about, "previous": previous}
    found = digest(entry)
    connection.execute(insert(LOG).values(course=course, number=number, entry=canonical(entry).decode(), hash=found))
    return found


def read(connection: Connection, course: str, after: int, limit: int) -> dict[str, Any]:
    """Entries after a number, oldest first, and whether their chain holds."""
    rows = connection.execute(
        select(LOG)
        .where(LOG.c.course == course, LOG.c.number > after)
        .order_by(LOG.c.number)
        .limit(min(limit, _AT_MOST))
    ).all()
    before = connection.scalar(select(LOG.c.hash).where(LOG.c.course == course, LOG.c.number == after))
    previous: str | None = FIRST if after == 0 else before
    entries, number, intact = [], after, True
    for row in rows:
        entry = json.loads(row.entry)
        intact &= digest(entry) == row.hash and entry["previous"] == previous
        intact &= entry["number"] == row.number == number + 1
        previous, number = row.hash, row.number
        entries.append(entry | {"hash": row.hash})
    return {"entries": entries, "intact": intact}
