"""More time for a running session, within its size and what Slurm gives the person."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from campus_base.errors import CampusError
from spawners.allowed.request import SessionRequest, check_request
from spawners.slurm import JobState

if TYPE_CHECKING:
    from spawners.spawner import CampusSpawner

_WHOSE = {
    "size": "A session of this size runs",
    "limits": "Slurm's limits let this session run",
    "reservation": "The reservation of this session ends; it runs",
    "maintenance": "A maintenance of the nodes begins; this session runs",
}


async def extend(spawner: CampusSpawner, minutes: int) -> int | None:
    """Let the session run so many minutes longer; returns its new end (epoch seconds). Raises CampusError."""
    job = spawner.job()
    if job is None or job.state is not JobState.RUNNING or job.start is None or job.end is None:
        raise CampusError("not-running", "This session is not running.", "Start it first.")
    request = await _request(spawner, job.start)
    total = (job.end - job.start) // 60 + minutes
    longest = request.longest.seconds // 60
    if total > longest:
        raise CampusError(
            "too-long",
            f"{_WHOSE[request.longest.because]} for at most {longest} minutes in all.",
            "Save your work; when this session has ended, start another.",
        )
    # Asked as the person: only operators may lengthen a job, and Slurm lets them go past what people may have.
    await spawner.test(replace(request, seconds=total * 60), await spawner.account())
    await spawner.watch.slurm.set_time_limit(job.id, total)
    await spawner.watch.refresh()
    spawner.log.info("Job %s extended by %s minutes", job.id, minutes)
    job = spawner.job()
    return job.end if job else None


async def _request(spawner: CampusSpawner, began: int) -> SessionRequest:
    """What the session, which began then (epoch seconds), was asked for with. Raises RequestRefused."""
    means = await spawner.means()
    options = {key: value for key, value in spawner.user_options.items() if key != "minutes"}
    return check_request(options, spawner.offer, means and replace(means, began=began))
