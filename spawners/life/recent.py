"""The notebooks that a person saved last, as their session tells them, to be opened again from Home with one click.

They are paths within a person's own home: the hub shows them to that person alone, and opens none of them.
"""

from __future__ import annotations

import time
from typing import Any

from jupyterhub import orm
from pydantic import BaseModel, ConfigDict, Field, field_validator
from sqlalchemy import JSON, Column, ForeignKey, Integer, bindparam, select

MOST = 5
LONGEST = 500
"""Characters of a path."""


class Recent(orm.Base):  # type: ignore[misc, unused-ignore]
    """A person's row, which goes with them. JupyterHub makes the table."""

    __tablename__ = "campus_recent"

    user_id = Column(Integer, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    notebooks = Column(JSON, nullable=False)
    """Objects of ``path``, ``at`` (seconds since the epoch) and ``size``, the newest first."""


class Notebook(BaseModel):
    """One of a report; ``ago`` is how many seconds ago it was saved, so a node's clock does not matter."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    path: str = Field(min_length=1, max_length=LONGEST)
    """From the person's home folder."""
    ago: float = Field(ge=0, le=366 * 24 * 3600, allow_inf_nan=False)

    @field_validator("path")
    @classmethod
    def _plain(cls, path: str) -> str:
        if not path.isprintable() or path.startswith("/") or any(part in ("", ".", "..") for part in path.split("/")):
            raise ValueError("must be a path within a folder, of printable characters")
        return path


class Report(BaseModel):
    """All that a session knows: the newest first, and of what was kept before, the paths that are ``gone``."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    notebooks: list[Notebook] = Field(max_length=MOST)
    gone: list[str] = Field(default=[], max_length=4 * MOST)


def merged(before: list[dict[str, Any]], report: Report, size: str, now: float) -> list[dict[str, Any]]:
    """What is kept after a report."""
    new = [{"path": one.path, "at": int(now - one.ago), "size": size} for one in report.notebooks]
    told = {one["path"] for one in new} | set(report.gone)
    rest = [one for one in before if one["path"] not in told]
    return sorted(new + rest, key=lambda one: -one["at"])[:MOST]


_ROW = Recent.__table__.c
_OF = select(_ROW.notebooks).where(_ROW.user_id == bindparam("user"))  # put together once: that took longer than to ask


def of(database: Any, user_id: int) -> list[dict[str, Any]]:
    """A person's, the newest first."""
    return database.scalar(_OF, {"user": user_id}) or []


def take(database: Any, user_id: int, report: Report, size: str) -> None:
    """Keep what a session of the size reports."""
    kept = merged(of(database, user_id), report, size, time.time())
    database.merge(Recent(user_id=user_id, notebooks=kept))
    database.commit()


def forget(database: Any, user_id: int) -> None:
    """Keep nothing of a person's."""
    if row := database.get(Recent, user_id):
        database.delete(row)
        database.commit()
