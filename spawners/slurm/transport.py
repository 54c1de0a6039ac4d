"""What the hub asks of Slurm, whichever way it gets there."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import ClassVar, Protocol

from campus_base.process import Identity
from spawners.slurm.bookings import Booking
from spawners.slurm.facts import Everybody, Job, JobRequest, Node
from spawners.slurm.rules import Rules


class Transport(Protocol):
    """One Slurm. Questions are asked as the hub; a job is the person's whose ``identity`` comes with it.

    A question that has no answer raises a CampusError, and an order Refused (in Slurm's own words) or ControllerSilent.
    Two transports with the same settings are equal: the hub's one watch is found by them.
    """

    async def jobs(self, job_name: str) -> dict[int, Job]:
        """Every job of that name, ended ones too for as long as slurmctld remembers them (MinJobAge)."""
        ...

    async def nodes(self) -> dict[str, Node]:
        """Every node."""
        ...

    async def everybody(self, ours: Collection[int], claims: bool) -> Everybody:
        """All jobs, in one question; ``ours`` are our jobs' ids. Claims only where people are held to associations."""
        ...

    async def rules(self) -> Rules:
        """What Slurm lets people use; accounts are left out where only slurmdbd does not answer."""
        ...

    async def exit_code(self, job_id: int) -> int | None:
        """How a job that is over ended (negative for a signal); None where Slurm does not say."""
        ...

    async def log_end(self, path: str, identity: Identity | None) -> str:
        """The end of a session's log, read as its owner. It is no matter of Slurm's, but of acting as a person."""
        ...

    async def test(self, job: JobRequest, identity: Identity) -> int | None:
        """When Slurm would start this job (seconds since the epoch), None where it does not say."""
        ...

    async def submit(self, job: JobRequest, env: Mapping[str, str], identity: Identity) -> int:
        """Submit and return the job's id. ``env`` becomes the job's whole environment, out of others' sight."""
        ...

    def drawing(self, job: JobRequest, env: Mapping[str, str], person: str) -> Iterator[str]:
        """Lines that show what :meth:`submit` would send as this person; no value of a variable."""
        ...

    async def set_time_limit(self, job_id: int, minutes: int) -> None:
        """Change how long a job may run in all; Slurm lets operators lengthen it only."""
        ...

    async def cancel(self, job_id: int, identity: Identity | None) -> None:
        """Cancel a job; one that has ended already is no error. Without an identity, as the hub."""
        ...

    books: ClassVar[bool]
    """Whether it can make reservations at all."""

    async def book(self, booking: Booking) -> None:
        """Make a reservation. Raises NotBooked, or ControllerSilent."""
        ...

    async def book_for(self, name: str, users: Sequence[str]) -> None:
        """Change whose a reservation is. Raises NotBooked, or ControllerSilent."""
        ...

    async def unbook(self, name: str) -> None:
        """Remove a reservation; jobs in it go on. Raises NotBooked, or ControllerSilent."""
        ...

    async def clock(self) -> int:
        """slurmctld's own time, in seconds since the epoch; raises a CampusError where it does not answer."""
        ...
