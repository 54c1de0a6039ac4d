"""Whether a session is over, and why."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING

from spawners.cluster.watch import TICK
from spawners.identity import account_of_uid, identity_of_uid
from spawners.life.failure import Ended, autopsy
from spawners.refusal import SessionRefused
from spawners.slurm import JobState

if TYPE_CHECKING:
    from spawners.spawner import CampusSpawner

ENDING = 30.0
"""Seconds to wait for Slurm to confirm that a job is over."""


def is_over(spawner: CampusSpawner) -> bool:
    """Slurm says so: the job's state, or a picture without it, asked for since it is this session's."""
    job = spawner.job()
    return job.state.over if job else spawner.watch.picture.asked > spawner.held_since


async def raise_if_over(spawner: CampusSpawner) -> None:
    """Raises SessionRefused, with the reason, where the session is over."""
    if is_over(spawner):
        raise await refusal(spawner)


async def refusal(spawner: CampusSpawner) -> SessionRefused:
    """For a start whose session is over, or is given up."""
    why = await look_why(spawner)
    return SessionRefused(why.sentence, reason=why.cause, html=why.html)


async def look_why(spawner: CampusSpawner) -> Ended:
    """Why this session is over or given up; kept for the spawn page until its owner has read it. Raises nothing."""
    job_id = spawner.job_id
    async with spawner.looking:
        if spawner.ended and spawner.ended.job_id == job_id:
            return spawner.ended
        with contextlib.suppress(TimeoutError):
            # While it is taken down Slurm does not say why.
            async with asyncio.timeout(ENDING):
                while (job := spawner.job()) and job.state is JobState.COMPLETING:
                    await spawner.watch.news(TICK)
        state = job.state if job else JobState.UNKNOWN
        account = await account_of_uid(spawner.uid)  # one that is gone has no log either
        log = f"{account.pw_dir}/{spawner.log_folder}/session-{job_id}.log" if account else ""
        ended = await autopsy(spawner.watch.slurm, state, int(job_id), log, await identity_of_uid(spawner.uid))
        spawner.log.info("Job %s of %s is over: %s", job_id, spawner._log_name, ended.cause)
        spawner.ended = replace(ended, options=dict(spawner.user_options or {}))
        return spawner.ended
