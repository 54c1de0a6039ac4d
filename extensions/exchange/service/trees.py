"""Sets of files in the database: what a release, a submission or a feedback consists of."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, insert, select

from extensions.exchange.archive import File
from extensions.exchange.service.tables import TREES
from extensions.exchange.store import Staged


def put(connection: Connection, staged: Staged) -> str:
    """Note a set whose files are kept; its digest."""
    sha256 = staged.sha256
    if not is_known(connection, sha256):
        files = json.dumps([[f.path, f.sha256, f.size] for f in staged.files])
        connection.execute(insert(TREES).values(sha256=sha256, files=files, size=staged.size))
    return sha256


def is_known(connection: Connection, sha256: str) -> bool:
    return connection.execute(select(TREES.c.sha256).where(TREES.c.sha256 == sha256)).first() is not None


def naming(connection: Connection, objects: set[str]) -> set[str]:
    """Those of these objects that some set has."""
    found: set[str] = set()
    for text in connection.execution_options(yield_per=1000).scalars(select(TREES.c.files)):
        found.update(row[1] for row in json.loads(text) if row[1] in objects)
    return found


def files(connection: Connection, sha256: str | None) -> list[File]:
    """The files of a set, by path; none for None."""
    found = connection.scalar(select(TREES.c.files).where(TREES.c.sha256 == sha256)) if sha256 else None
    return [File(*row) for row in json.loads(found)] if found else []


def shown(found: list[File]) -> list[dict[str, Any]]:
    return [{"path": f.path, "sha256": f.sha256, "size": f.size} for f in found]
