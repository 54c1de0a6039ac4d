"""More time for a running session, within its size and what Slurm gives the person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from campus_base.errors import CampusError
from spawners.identity import identity_of
from spawners.slurm import JobState

if TYPE_CHECKING:
    from spawners.spawner import CampusSpawner


async def extend(spawner: CampusSpawner, minutes: int) -> int | None:
    """Let the session run so many minutes longer; returns its new end (epoch seconds). Raises CampusError."""
    job = spawner.job()
    if job is None or job.state is not JobState.RUNNING or job.start is None or job.end is None:
        raise CampusError("not-running", "This session is not running.", "Start it first.")
    size = spawner.checked_request().size
    total = (job.end - job.start) // 60 + minutes
    if total > size.max_seconds // 60:
        raise CampusError(
            "too-long",
            f"A session of this size runs for at most {size.max_seconds // 60} minutes in all.",
            "Save your work; when this session has ended, start another.",
        )
    # Asked as the person: only operators may lengthen a job, and Slurm lets them go past what people may have.
    account = await spawner.account()
    await spawner.watch.slurm.test(spawner.job_request(size, total * 60, account), await identity_of(account))
    await spawner.watch.slurm.set_time_limit(job.id, total)
    await spawner.watch.refresh()
    spawner.log.info("Job %s extended by %s minutes", job.id, minutes)
    job = spawner.job()
    return job.end if job else None
