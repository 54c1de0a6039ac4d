"""Reservations that the hub makes itself: what it asks for, and Slurm's no."""

from __future__ import annotations

from pydantic import Field

from campus_base.errors import CampusError
from spawners.slurm.facts import Fact


class Booking(Fact):
    """Nodes to keep for some people's jobs; every value was checked or comes from the site."""

    name: str
    start: int
    """Seconds since the epoch."""
    minutes: int = Field(ge=1)
    partition: str
    nodes: int = Field(ge=1)
    users: tuple[str, ...] = Field(min_length=1)


class NotBooked(CampusError):
    """Slurm will not make or change this reservation; the message holds Slurm's own sentence."""

    def __init__(self, says: str, detail: str = "") -> None:
        super().__init__(
            "class-refused",
            f"Slurm does not book this: {says}.",
            "Choose another time or fewer people, or ask an operator.",
            detail,
        )
