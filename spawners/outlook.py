"""What a person can expect: which sizes start now, and where in the queue a waiting session stands.

Slurm's own test of a job (``sbatch --test-only``) knows the person's limits; the watch's picture knows what is free.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from campus_base.errors import CampusError
from spawners.request import SessionSize
from spawners.slurm import Job
from spawners.slurm.reasons import reason_sentence
from spawners.watch import Picture

_KEPT_SECONDS = 60.0  # how long an answer of Slurm's test serves
_AT_ONCE = 30.0  # seconds: what starts within them starts now

# Jobs that no free place would start: they are not before anybody.
_NOT_IN_LINE = frozenset({"JobHeldUser", "JobHeldAdmin", "Dependency", "BeginTime", "Reservation"})


def fits_now(size: SessionSize, picture: Picture) -> int:
    """How many sessions of a size the free GPUs, processors and memory would hold now."""
    total = 0
    for node in picture.nodes.values():
        if not node.takes_jobs or size.partition not in node.partitions:
            continue
        rooms = [node.cpus_free // size.cpus, node.memory_free_mib // size.memory_mib]
        if size.gpus:
            rooms.append(node.gpus_free(size.gpu_type) // size.gpus)
        total += min(rooms)
    return total


@dataclass(frozen=True)
class SizeOutlook:
    """A size as it is now for one person. ``starts_in`` is seconds, 0 for at once, None where Slurm does not say."""

    name: str
    fits_now: int
    starts_in: int | None
    refused: str

    @property
    def sentence(self) -> str:
        if self.refused:
            return self.refused
        if self.starts_in == 0:
            return "Starts now"
        if self.starts_in is None:
            return "Waits in the queue"
        return f"Starts in about {words(self.starts_in)}"

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"sentence": self.sentence}


def words(seconds: float) -> str:
    """A stretch of time as people say it, rounded up to whole minutes."""
    minutes = max(1, -int(-seconds // 60))
    if minutes < 60:
        return f"{minutes} minute{'s' if minutes > 1 else ''}"
    hours = round(minutes / 60)
    if hours < 48:
        return f"{hours} hour{'s' if hours > 1 else ''}"
    return f"{round(hours / 24)} days"


Test = Callable[[SessionSize], Awaitable[int | None]]


class Outlook:
    """Slurm's answers to its test of a size for a person: each kept for a minute, and shared by all who look."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], asyncio.Task[_Answer]] = {}

    async def sizes(self, person: str, sizes: Sequence[SessionSize], picture: Picture, test: Test) -> list[SizeOutlook]:
        """Every size for this person. ``test`` asks Slurm when one would start (epoch seconds). Raises nothing."""
        self._kept = {key: task for key, task in self._kept.items() if not _stale(task)}
        for size in sizes:
            if (person, size.name) not in self._kept:
                self._kept[person, size.name] = asyncio.ensure_future(_ask(size, test))
        # Shielded: whoever looks away must not take the answer from the others.
        answers = await asyncio.gather(*(asyncio.shield(self._kept[person, size.name]) for size in sizes))
        return [_outlook(size, fits_now(size, picture), answer) for size, answer in zip(sizes, answers, strict=True)]


@dataclass(frozen=True)
class _Answer:
    """When Slurm would start a size (epoch seconds, None where it does not say), or why it would not."""

    start: int | None
    refused: str
    at: float


def _stale(task: asyncio.Task[_Answer]) -> bool:
    if not task.done():
        return False
    return task.cancelled() or bool(task.exception()) or time.monotonic() - task.result().at > _KEPT_SECONDS


async def _ask(size: SessionSize, test: Test) -> _Answer:
    try:
        return _Answer(await test(size), "", time.monotonic())
    except CampusError as error:
        return _Answer(None, error.message, time.monotonic())


def _outlook(size: SessionSize, free: int, answer: _Answer) -> SizeOutlook:
    if answer.refused or answer.start is None:
        return SizeOutlook(size.name, free, None, answer.refused)
    seconds = answer.start - time.time()
    return SizeOutlook(size.name, free, 0 if seconds < _AT_ONCE else int(seconds), "")


@dataclass(frozen=True)
class Waiting:
    """A session in the queue. ``place`` 1 is the next one; times are seconds, None where Slurm does not say."""

    sentence: str
    place: int | None
    starts_in: int | None
    instead: str | None
    """Name of a smaller size for which there is room now."""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"expected": f"in about {words(self.starts_in)}" if self.starts_in else ""}


def place_of(job: Job, picture: Picture) -> int | None:
    """The job's place among all that wait for the same partition, None where Slurm does not list it."""
    own = next((queued for queued in picture.queue if queued.id == job.id), None)
    if own is None:
        return None
    line = [q.id for q in picture.queue if q.partition == own.partition and q.reason not in _NOT_IN_LINE]
    return line.index(job.id) + 1 if job.id in line else None


def waiting(job: Job, size: SessionSize, sizes: Sequence[SessionSize], picture: Picture) -> Waiting:
    """What a person whose session waits wants to know."""
    smaller = [s for s in sizes if (s.gpus, s.cpus, s.memory_mib) < (size.gpus, size.cpus, size.memory_mib)]
    instead = next((s.name for s in reversed(smaller) if fits_now(s, picture)), None)
    seconds = int(job.start - time.time()) if job.start else None
    return Waiting(
        sentence=reason_sentence(job.reason),
        place=place_of(job, picture),
        starts_in=seconds if seconds and seconds > 0 else None,
        instead=instead,
    )
