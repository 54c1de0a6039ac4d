"""The Slurm client: facts in, orders out."""

from spawners.slurm.bookings import Booking
from spawners.slurm.errors import ControllerSilent, Refused, Unreadable
from spawners.slurm.facts import Claim, Everybody, Job, JobRequest, Node, Queued
from spawners.slurm.states import JobState
from spawners.slurm.transport import Transport

__all__ = [
    "Booking",
    "Claim",
    "ControllerSilent",
    "Everybody",
    "Job",
    "JobRequest",
    "JobState",
    "Node",
    "Queued",
    "Refused",
    "Transport",
    "Unreadable",
]
