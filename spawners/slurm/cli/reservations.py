"""Reservations, made and removed. Source: scontrol(1), "Specifications for create, update, and delete reservation"."""

from __future__ import annotations

from collections.abc import Sequence

from spawners.slurm.bookings import Booking

# What nobody came for goes back to everybody.
UNUSED = "00:30:00"


def book_command(booking: Booking) -> list[str]:
    """Whole nodes: Slurm before 24.05 reserves no single GPUs."""
    return [
        *("scontrol", "create", "reservation"),
        f"ReservationName={booking.name}",
        f"StartTime=uts{booking.start}",
        f"Duration={booking.minutes}",
        f"PartitionName={booking.partition}",
        f"NodeCnt={booking.nodes}",
        f"Users={','.join(booking.users)}",
        f"Flags=PURGE_COMP={UNUSED}",
    ]


def book_for_command(name: str, users: Sequence[str]) -> list[str]:
    return ["scontrol", "update", f"ReservationName={name}", f"Users={','.join(users)}"]


def unbook_command(name: str) -> list[str]:
    return ["scontrol", "delete", f"ReservationName={name}"]
