"""GPU-hours: what each person's sessions had of GPUs, kept in the hub's database, a row for each run of a job.

A run is told apart by the job's id and its start, so a session that another hub finds again counts once, and a job that
Slurm queued anew counts as two. Slurm is not asked: what the watch saw of a job is enough. A row is brought up to date
every minute, so where nobody saw the end, no more than that is lost.
"""

from __future__ import annotations

import asyncio
import datetime
import logging
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from jupyterhub import orm
from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Integer,
    Select,
    Unicode,
    UniqueConstraint,
    bindparam,
    case,
    func,
    select,
)
from sqlalchemy.exc import SQLAlchemyError

from spawners import metrics
from spawners.slurm import Job

if TYPE_CHECKING:
    from spawners.spawner import CampusSpawner

log = logging.getLogger("campus.usage")

TICK = 60.0
"""Seconds between two looks at all running sessions."""
_HOUR = 3600


class Usage(orm.Base):  # type: ignore[misc, unused-ignore]
    """One run of a session's job that had GPUs; it goes with its person. JupyterHub makes the table."""

    __tablename__ = "campus_usage"
    __table_args__ = (UniqueConstraint("user_id", "job_id", "start"),)

    id = Column(Integer, primary_key=True, autoincrement=True)
    user_id = Column(Integer, ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True)
    job_id = Column(BigInteger, nullable=False)
    size = Column(Unicode(255), nullable=False)
    gpus = Column(Float, nullable=False)
    """How many; a slice of one is a part of 1."""
    start = Column(BigInteger, nullable=False)
    """When Slurm started it, in seconds since the epoch, as ``seen``."""
    seen = Column(BigInteger, nullable=False)
    """Until when it ran, as far as is known."""


def gpus_of(spawner: CampusSpawner, job: Job) -> float:
    """How many GPUs a session has."""
    size = spawner.offer.size((spawner.user_options or {}).get("size"))
    if not size.shards:
        return float(size.gpus)
    node = spawner.watch.picture.nodes.get(job.node)
    return size.shards / node.shards_per_gpu if node and node.shards_per_gpu else 0.0


def note(spawner: CampusSpawner, now: float | None = None) -> bool:
    """Bring a session's row up to date, without a commit; whether anything changed."""
    job = spawner.job()
    if job is None or not job.start or not (gpus := gpus_of(spawner, job)):
        return False
    until = int(now or time.time())
    if job.state.over and job.end:
        until = min(until, job.end)
    database, user = spawner.user.db, spawner.user.id
    row = database.scalar(select(Usage).where(Usage.user_id == user, Usage.job_id == job.id, Usage.start == job.start))
    if row is None:
        size = metrics.size_of(spawner)
        row = Usage(user_id=user, job_id=job.id, size=size, gpus=gpus, start=job.start, seen=job.start)
        database.add(row)
    passed = until - row.seen
    if passed <= 0:
        return False
    row.seen = until
    metrics.GPU_SECONDS.labels(row.size).inc(passed * row.gpus)
    return True


def keep(spawners: Iterable[CampusSpawner], now: float | None = None) -> None:
    """Have the rows of sessions up to date in the database. Raises nothing: what fails now is done at the next look."""
    database: Any = None
    try:
        changed = False
        for spawner in spawners:
            database = spawner.user.db
            changed = note(spawner, now) or changed
        if changed:
            database.commit()
    except SQLAlchemyError as error:
        log.error("GPU-hours could not be written now: %s", error)
        database.rollback()


def _of_person() -> Select[tuple[float | None, float | None]]:
    run = Usage.__table__.c
    first: Any = bindparam("first")
    begun = case((run.start > first, run.start), else_=first)
    of_month = case((run.seen > first, (run.seen - begun) * run.gpus), else_=0.0)
    return select(func.sum(of_month), func.sum((run.seen - run.start) * run.gpus)).where(
        run.user_id == bindparam("user")
    )


_HOURS = _of_person()  # put together once: that took longer than to ask


def hours(database: Any, user_id: int, now: float) -> dict[str, float]:
    """``{"month", "total"}``: a person's GPU-hours of this calendar month (UTC), and of all."""
    today = datetime.datetime.fromtimestamp(now, datetime.UTC)
    first = int(today.replace(day=1, hour=0, minute=0, second=0, microsecond=0).timestamp())
    month, total = database.execute(_HOURS, {"first": first, "user": user_id}).one()
    return {"month": (month or 0.0) / _HOUR, "total": (total or 0.0) / _HOUR}


class Meter:
    """Looks at all sessions of this hub once in a while."""

    def __init__(self) -> None:
        self._spawners: WeakSet[CampusSpawner] = WeakSet()
        self._task: asyncio.Task[None] | None = None

    def add(self, spawner: CampusSpawner) -> None:
        """Count this spawner's session for as long as it has a job."""
        self._spawners.add(spawner)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            try:
                # By job: JupyterHub may have two objects for one session for a moment.
                keep({one.job_id: one for one in list(self._spawners) if one.job_id}.values())
            except Exception:  # everybody's hours hang on this loop
                log.exception("A look at GPU-hours went wrong; the next one follows")


METER = Meter()
