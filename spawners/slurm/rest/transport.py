"""Every call of the transport as a request to slurmrestd."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from campus_base.errors import CampusError
from campus_base.process import Identity
from spawners.slurm.errors import Refused
from spawners.slurm.facts import Job, JobRequest, Node, Queued
from spawners.slurm.rest.answers import Answer, Cancelled, Diagnosis, Ended, Jobs, Nodes, Submitted
from spawners.slurm.rest.client import VERSIONS, Declined, SlurmrestdClient
from spawners.slurm.rest.submission import submission, time_limit

log = logging.getLogger("campus.slurm")

# slurm_errno.h: ESLURM_INVALID_JOB_ID, ESLURM_ALREADY_DONE.
_OVER = frozenset({2017, 2021})


@dataclass(frozen=True)
class RestTransport:
    """One Slurm behind a slurmrestd. Every call may raise ControllerSilent; none needs one of Slurm's commands."""

    rest: SlurmrestdClient

    async def jobs(self, job_name: str) -> dict[int, Job]:
        """Every job of that name."""
        return (await self.rest.ask(Jobs, "GET", "jobs")).facts(job_name)

    async def nodes(self) -> dict[str, Node]:
        """Every node."""
        return (await self.rest.ask(Nodes, "GET", "nodes")).facts()

    async def queue(self) -> tuple[Queued, ...]:
        """Everybody's waiting jobs, the first to go first."""
        return (await self.rest.ask(Jobs, "GET", "jobs")).queue()

    async def exit_code(self, job_id: int) -> int | None:
        """How a job that is over ended (negative for a signal); None where Slurm does not say."""
        return (await self.rest.ask(Ended, "GET", f"job/{job_id}")).exit_code

    async def test(self, job: JobRequest, identity: Identity) -> int | None:
        """None: slurmrestd has no ``sbatch --test-only``. Slurm judges a job when it is submitted."""
        return None

    async def submit(self, job: JobRequest, env: Mapping[str, str], identity: Identity) -> int:
        """Submit and return the job's id. ``env`` becomes the job's whole environment.

        It travels in the request's body, and Slurm shows it to nobody. Raises Refused or ControllerSilent.
        """
        body = submission(await self.rest.version(), job, env)
        done = await self.rest.ask(Submitted, "POST", "job/submit", identity.name, body)
        await self._check_owner(done.job_id, identity)
        return done.job_id

    async def _check_owner(self, job_id: int, identity: Identity) -> None:
        """Cancel a job that is not the person's. Raises Refused.

        slurmctld gives the jobs of a name that it does not know to nobody, with all that is in their environment.
        """
        try:
            owner = (await self.rest.ask(Ended, "GET", f"job/{job_id}")).uid
        except CampusError as error:
            log.warning("Whose job %s is was not said; the next look at Slurm will: %s", job_id, error.detail)
            return
        if owner != identity.uid:
            await self.rest.ask(Cancelled, "DELETE", f"job/{job_id}")
            raise Refused(
                f"it does not know the account {identity.name} by the number {identity.uid}",
                f"job {job_id} became uid {owner}'s, and was cancelled",
            )

    def drawing(self, job: JobRequest, env: Mapping[str, str], person: str) -> Iterator[str]:
        """The request's body, without its script and the values of the variables; and the script."""
        body = submission(VERSIONS[-1], job.model_copy(update={"script": "..."}), dict.fromkeys(env, "..."))
        yield f"# The request, as {person}, in the words of {VERSIONS[-1]}:"
        yield f"POST /slurm/{VERSIONS[-1]}/job/submit"
        yield json.dumps(body, indent=2, ensure_ascii=False)
        yield ""
        yield "# Its script:"
        yield job.script

    async def set_time_limit(self, job_id: int, minutes: int) -> None:
        """Change how long a job may run in all. Raises Refused or ControllerSilent."""
        body = time_limit(await self.rest.version(), minutes)
        await self.rest.ask(Answer, "POST", f"job/{job_id}", body=body)

    async def cancel(self, job_id: int, identity: Identity | None) -> None:
        """Cancel a job; one that has ended already is no error. Raises Refused or ControllerSilent."""
        try:
            await self.rest.ask(Cancelled, "DELETE", f"job/{job_id}", identity.name if identity else "")
        except Declined as error:
            if not error.codes <= _OVER:
                raise

    async def clock(self) -> int:
        """slurmctld's own time, in seconds since the epoch."""
        return (await self.rest.ask(Diagnosis, "GET", "diag")).statistics.req_time
