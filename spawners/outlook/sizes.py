"""What a person can expect of each size before a session starts.

Slurm's own test of a job (``sbatch --test-only``) knows the person's limits; the watch's picture knows what is free.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any
from weakref import WeakValueDictionary

from campus_base.errors import CampusError
from spawners.allowed.limits import Standing
from spawners.allowed.request import SessionRequest
from spawners.allowed.ways import Longest, Means
from spawners.cluster.watch import Picture
from spawners.outlook.means import standing_of

_KEPT_SECONDS = 60.0  # how long an answer of Slurm's test serves
_AT_A_TIME = 4  # questions of one person to Slurm
_AT_ONCE = 30.0  # seconds: what starts within them starts now


def fits_now(request: SessionRequest, picture: Picture, reserved: frozenset[str] = frozenset()) -> int:
    """How many sessions like this one the free GPUs, processors and memory would hold now.

    ``reserved`` are the nodes of its reservation, or those that others keep it from.
    """
    total = 0
    size = request.size
    for node in picture.nodes.values():
        if request.partition not in node.partitions:
            continue
        if reserved and (node.name in reserved) != bool(request.reservation):
            continue
        if not (node.takes_jobs or (request.reservation and node.state == "reserved")):
            continue
        rooms = [node.cpus_free // size.cpus, node.memory_free_mib // request.memory_mib]
        if size.gpus:
            rooms.append(node.gpus_free(size.gpu_type) // size.gpus)
        if size.shards:
            rooms.append(sum(free // size.shards for free in node.shards_free))
        total += min(rooms)
    return total


@dataclass(frozen=True)
class SizeOutlook:
    """A size as it is now for one person. ``starts_in`` is seconds, 0 for at once, None where Slurm does not say."""

    name: str
    fits_now: int
    starts_in: int | None
    refused: str
    waits: str = ""
    """What it would wait for of the person's own limits."""
    more: int | None = None
    """How many more such sessions these limits allow, None for any number."""
    longest: Longest | None = None

    @property
    def sentence(self) -> str:
        if self.refused:
            return self.refused
        if self.waits:
            return self.waits
        if self.starts_in == 0:
            return "Starts now"
        if self.starts_in is None:
            return "There is room now" if self.fits_now else "Waits in the queue"
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


Test = Callable[[SessionRequest], Awaitable[int | None]]


class Outlook:
    """Slurm's answers to its test of a request of a person: each kept for a minute, and shared by all who look."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, SessionRequest], asyncio.Task[_Answer]] = {}
        self._gates: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    async def sizes(
        self, person: str, cards: Mapping[str, SessionRequest | str], picture: Picture, means: Means | None, test: Test
    ) -> list[SizeOutlook]:
        """Every size for this person: what choosing it would ask for, or why it may not be. Raises nothing.

        ``test`` asks Slurm when a request would start (epoch seconds).
        """
        self._kept = {key: task for key, task in self._kept.items() if not _stale(task)}
        gate = self._gates.setdefault(person, asyncio.Semaphore(_AT_A_TIME))
        looks = (self._look(person, card, _gated(test, gate)) for card in cards.values())
        return [
            _outlook(name, card, answer, picture, means)
            for (name, card), answer in zip(cards.items(), await asyncio.gather(*looks), strict=True)
        ]

    async def _look(self, person: str, request: SessionRequest | str, test: Test) -> _Answer:
        if isinstance(request, str):
            return _Answer(None, request, 0)
        key = (person, request)
        if key not in self._kept:
            self._kept[key] = asyncio.ensure_future(_ask(request, test))
        # Shielded: whoever looks away must not take the answer from the others.
        return await asyncio.shield(self._kept[key])


def _gated(test: Test, gate: asyncio.Semaphore) -> Test:
    """A person who chooses this and that asks Slurm no more than a few questions at a time."""

    async def ask(request: SessionRequest) -> int | None:
        async with gate:
            return await test(request)

    return ask


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


async def _ask(request: SessionRequest, test: Test) -> _Answer:
    try:
        return _Answer(await test(request), "", time.monotonic())
    except CampusError as error:
        return _Answer(None, error.message, time.monotonic())


def _outlook(
    name: str, request: SessionRequest | str, answer: _Answer, picture: Picture, means: Means | None
) -> SizeOutlook:
    if isinstance(request, str):
        return SizeOutlook(name, 0, None, request)
    said, more = standing_of(request, means) if means else (Standing(), None)
    refused = answer.refused or said.refused
    starts_in = None
    if answer.start is not None and not (refused or said.waits):
        seconds = answer.start - time.time()
        starts_in = 0 if seconds < _AT_ONCE else int(seconds)
    return SizeOutlook(
        name=name,
        fits_now=fits_now(request, picture, means.nodes(request.reservation) if means else frozenset()),
        starts_in=starts_in,
        refused=refused,
        waits=said.waits,
        more=more,
        longest=request.longest,
    )
