"""What can go wrong between the hub and Slurm, the same for every transport."""

from __future__ import annotations

from campus_base.errors import CampusError


class Refused(CampusError):
    """Slurm will not take this job; the message holds Slurm's own sentence."""

    def __init__(self, says: str, detail: str = "") -> None:
        super().__init__(
            "slurm-refused",
            f"Slurm does not accept this session: {says}.",
            "Choose another size or a shorter time, or ask an operator.",
            detail,
        )


class ControllerSilent(CampusError):
    """slurmctld did not answer."""

    def __init__(self, detail: str) -> None:
        super().__init__(
            "slurm-silent",
            "The cluster's scheduler does not answer at the moment.",
            "Running sessions go on; try again in a few minutes.",
            detail,
        )


class Unreadable(CampusError):
    """Slurm answered something that is not an answer."""

    def __init__(self, line: str) -> None:
        super().__init__(
            "slurm-unreadable",
            "Slurm gave an answer that Campus cannot read.",
            "Try again in a moment.",
            detail=line[:200],
        )
