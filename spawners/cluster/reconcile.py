"""Jobs that carry our mark and belong to no server are cancelled: no GPU is held for nobody."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable
from typing import ClassVar

from campus_base.errors import CampusError
from spawners import metrics
from spawners.identity import identity_of_uid
from spawners.slurm import Job, Transport

log = logging.getLogger("campus.reconcile")


class Ledger:
    """Which job belongs to which session of this hub, now."""

    held: ClassVar[dict[int, object]] = {}
    """Sessions by the ids of their jobs."""
    submitting: ClassVar[Counter[int]] = Counter()
    """Accounts (uids) with sessions whose job has no id yet, and how many: such a job may already be in the queue."""


class Reconciler:
    """Looks at pictures of all jobs of our name; a job is an orphan when two in a row show it so."""

    def __init__(self, slurm: Transport) -> None:
        self.slurm = slurm
        self.suspects: set[int] = set()
        """Orphans in the last picture: they wait for the next."""

    async def look(self, jobs: Iterable[Job]) -> None:
        """Cancel the jobs that were orphans at the last look and still are. Raises nothing."""
        orphans = {
            job.id: job
            for job in jobs
            if not job.state.over and job.id not in Ledger.held and not Ledger.submitting[job.uid]
        }
        for job_id in sorted(orphans.keys() & self.suspects):
            job = orphans[job_id]
            log.warning("Job %s of uid %s belongs to no server; cancelling it", job_id, job.uid)
            try:
                await self.slurm.cancel(job_id, await identity_of_uid(job.uid))
                metrics.ORPHANS.inc()
            except CampusError as error:
                log.warning("Job %s could not be cancelled: %s", job_id, error)
        self.suspects = set(orphans)
