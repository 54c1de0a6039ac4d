"""Every call of the transport as a request to slurmrestd."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from campus_base.errors import CampusError
from campus_base.process import Identity
from spawners.slurm.bookings import Booking, NotBooked
from spawners.slurm.errors import Refused
from spawners.slurm.facts import Everybody, Job, JobRequest, Node
from spawners.slurm.logs import read_end
from spawners.slurm.rest.answers import Answer, Cancelled, Diagnosis, Submitted
from spawners.slurm.rest.client import VERSIONS, Declined, SlurmrestdClient
from spawners.slurm.rest.jobs import Ended, Jobs
from spawners.slurm.rest.nodes import Nodes
from spawners.slurm.rest.rules import Associations, Partitions, QosList, Reservations
from spawners.slurm.rest.submission import submission, time_limit
from spawners.slurm.rules import Association, Qos, Rules

log = logging.getLogger("campus.slurm")

# slurm_errno.h: ESLURM_INVALID_JOB_ID, ESLURM_ALREADY_DONE.
_NO_BOOKING = "through slurmrestd reservations can be seen, and not made"
_OVER = frozenset({2017, 2021})


@dataclass(frozen=True)
class RestTransport:
    """One Slurm behind a slurmrestd. Every call may raise ControllerSilent; none needs one of Slurm's commands."""

    rest: SlurmrestdClient
    cluster: str = ""
    """The cluster's name among those of its slurmdbd; empty where people are held to no accounts."""
    enforced: frozenset[str] = frozenset()
    """What slurmrestd does not tell: the cluster's ``AccountingStorageEnforce``."""

    books: ClassVar[bool] = False

    async def jobs(self, job_name: str) -> dict[int, Job]:
        """Every job of that name."""
        return (await self.rest.ask(Jobs, "GET", "slurm/*/jobs")).facts(job_name)

    async def nodes(self) -> dict[str, Node]:
        """Every node."""
        return (await self.rest.ask(Nodes, "GET", "slurm/*/nodes")).facts()

    async def everybody(self, ours: Collection[int], claims: bool) -> Everybody:
        """All jobs; ``ours`` are our jobs' ids."""
        jobs = await self.rest.ask(Jobs, "GET", "slurm/*/jobs")
        return await asyncio.to_thread(jobs.everybody, ours, claims)

    async def rules(self) -> Rules:
        """What Slurm lets people use; without an answer of slurmdbd no accounts."""
        partitions, reservations = await asyncio.gather(
            self.rest.ask(Partitions, "GET", "slurm/*/partitions"),
            self.rest.ask(Reservations, "GET", "slurm/*/reservations"),
        )
        associations, qos = await self._accounts() if self.cluster else (None, None)
        return Rules(
            partitions=partitions.facts(),
            reservations=reservations.facts(),
            accounting=bool(self.cluster),
            associations=associations,
            qos=qos,
            enforced=self.enforced,
        )

    async def _accounts(self) -> tuple[tuple[Association, ...] | None, dict[str, Qos] | None]:
        try:
            associations, qos = await asyncio.gather(
                self.rest.ask(Associations, "GET", "slurmdb/*/associations"),
                self.rest.ask(QosList, "GET", "slurmdb/*/qos"),
            )
        except CampusError as error:
            log.warning("Accounts and their limits are not known: %s", error.detail)
            return None, None
        # A large centre has tens of thousands: the hub goes on meanwhile.
        return await asyncio.to_thread(associations.facts, self.cluster), qos.facts()

    async def exit_code(self, job_id: int) -> int | None:
        """How a job that is over ended (negative for a signal); None where Slurm does not say."""
        return (await self.rest.ask(Ended, "GET", f"slurm/*/job/{job_id}")).exit_code

    async def log_end(self, path: str, identity: Identity | None) -> str:
        """The end of a session's log, read as its owner. Raises ProgramFailed."""
        return await read_end(path, identity)

    async def test(self, job: JobRequest, identity: Identity) -> int | None:
        """None: slurmrestd has no ``sbatch --test-only``. Slurm judges a job when it is submitted."""
        return None

    async def submit(self, job: JobRequest, env: Mapping[str, str], identity: Identity) -> int:
        """Submit and return the job's id. ``env`` becomes the job's whole environment.

        It travels in the request's body, and Slurm shows it to nobody. Raises Refused or ControllerSilent.
        """
        body = submission(await self.rest.version(), job, env)
        done = await self.rest.ask(Submitted, "POST", "slurm/*/job/submit", identity.name, body)
        await self._check_owner(done.job_id, identity)
        return done.job_id

    async def _check_owner(self, job_id: int, identity: Identity) -> None:
        """Cancel a job that is not the person's. Raises Refused.

        slurmctld gives the jobs of a name that it does not know to nobody, with all that is in their environment.
        """
        try:
            owner = (await self.rest.ask(Ended, "GET", f"slurm/*/job/{job_id}")).uid
        except CampusError as error:
            log.warning("Whose job %s is was not said; the next look at Slurm will: %s", job_id, error.detail)
            return
        if owner != identity.uid:
            await self.rest.ask(Cancelled, "DELETE", f"slurm/*/job/{job_id}")
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
        await self.rest.ask(Answer, "POST", f"slurm/*/job/{job_id}", body=body)

    async def cancel(self, job_id: int, identity: Identity | None) -> None:
        """Cancel a job; one that has ended already is no error. Raises Refused or ControllerSilent."""
        try:
            await self.rest.ask(Cancelled, "DELETE", f"slurm/*/job/{job_id}", identity.name if identity else "")
        except Declined as error:
            if not error.codes <= _OVER:
                raise

    async def book(self, booking: Booking) -> None:
        """Raises NotBooked: slurmrestd makes no reservations before v0.0.43."""
        raise NotBooked(_NO_BOOKING)

    async def book_for(self, name: str, users: Sequence[str]) -> None:
        """Raises NotBooked."""
        raise NotBooked(_NO_BOOKING)

    async def unbook(self, name: str) -> None:
        """Raises NotBooked."""
        raise NotBooked(_NO_BOOKING)

    async def clock(self) -> int:
        """slurmctld's own time, in seconds since the epoch."""
        return (await self.rest.ask(Diagnosis, "GET", "slurm/*/diag")).statistics.req_time
