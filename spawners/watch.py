"""ClusterWatch: one squeue and one sinfo for the whole hub, shared by every session.

A controller that does not answer leaves the last good picture in place: what it knew is still true as far as
anyone can tell, and no session is dropped because a question failed.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import time
from dataclasses import dataclass, field
from functools import cache

from campus_base.errors import CampusError
from campus_base.shared import Shared
from spawners import metrics
from spawners.reconcile import Reconciler
from spawners.rulebook import Rulebook
from spawners.slurm import Job, JobState, Node, Queued, Transport
from spawners.slurm.cli import CliTransport

log = logging.getLogger("campus.watch")

TICK = 2.0
"""Seconds between looks at the clock while nothing else wakes whoever waits."""
_PACE = 1.0  # seconds from one question to the next, however many people start
_NODES_SECONDS = 60.0  # how old may be what is known of the nodes, while no session waits and nobody looks


@dataclass(frozen=True)
class Picture:
    """What Slurm said. ``asked`` is the monotonic time (seconds) at which the question was put."""

    asked: float = -math.inf  # never; the clock of a machine that just booted is near 0
    jobs: dict[int, Job] = field(default_factory=dict)
    nodes: dict[str, Node] = field(default_factory=dict)
    queue: tuple[Queued, ...] = ()
    """Everybody's waiting jobs, the first to go first; asked for only while one of ours waits."""
    nodes_asked: float = -math.inf
    """The time at which the nodes were asked for, which is less often."""

    @property
    def known(self) -> bool:
        """Whether Slurm has answered yet."""
        return self.asked > -math.inf


@dataclass(frozen=True)
class WatchSettings(Shared):
    """Which Slurm, which jobs in it (by name), and how many seconds between two looks."""

    slurm: Transport = field(default_factory=CliTransport)
    job_name: str = "campus"
    interval: float = 5.0


class ClusterWatch:
    """Asks every ``interval`` seconds while the hub runs; ``picture`` is the last good answer."""

    def __init__(self, settings: WatchSettings) -> None:
        self.slurm = settings.slurm
        self.job_name = settings.job_name
        self.interval = settings.interval
        self.picture = Picture()
        self.rulebook = Rulebook(settings.slurm)
        self._reconciler = Reconciler(settings.slurm)
        self._news = asyncio.Event()
        self._asking = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._silent = False
        self._failed = -math.inf
        """When the question was put to which Slurm last gave no answer."""

    def ensure_running(self) -> None:
        """Start the loop on the running event loop, once."""
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        while True:
            try:
                if await self.refresh(nodes=self._nodes_are_due()):
                    await self._reconciler.look(self.picture.jobs.values())
                    await self.rulebook.freshen()
            except Exception:  # everybody's sessions hang on this loop
                log.exception("A look at Slurm went wrong; the next one follows")
            await asyncio.sleep(self.interval)

    def _nodes_are_due(self) -> bool:
        # Whoever waits is told where there is room now.
        return self._waits(self.picture.jobs) or time.monotonic() - self.picture.nodes_asked > _NODES_SECONDS

    @staticmethod
    def _waits(jobs: dict[int, Job]) -> bool:
        return any(job.state is JobState.PENDING for job in jobs.values())

    async def know_nodes(self) -> None:
        """For somebody who looks at them: have the nodes no older than ``interval``. Raises nothing."""
        if time.monotonic() - self.picture.nodes_asked > self.interval:
            await self.refresh()

    async def refresh(self, nodes: bool = True) -> bool:
        """Ask now, together with whoever else asks; True when an answer to a question put after this call came.

        Without ``nodes`` what is known of them stays, and costs nothing.
        """
        wanted = time.monotonic()
        async with self._asking:
            if self.picture.asked >= wanted and (self.picture.nodes_asked >= wanted or not nodes):
                return True
            if self._failed >= wanted:
                return False
            if (pause := max(self.picture.asked, self._failed) + _PACE - time.monotonic()) > 0:
                await asyncio.sleep(pause)
            asked = time.monotonic()
            try:
                jobs, known = await asyncio.gather(self.slurm.jobs(self.job_name), self._nodes(nodes))
            except CampusError as error:
                if not self._silent:
                    log.warning("Slurm does not answer; sessions stay as they are: %s", error.detail)
                self._silent = True
                self._failed = asked
                return False
        if self._silent:
            log.warning("Slurm answers again")
        self._silent = False
        nodes_asked = asked if nodes else self.picture.nodes_asked
        self.picture = Picture(asked, jobs, known, await self._queue(jobs), nodes_asked)
        self._news.set()
        self._news = asyncio.Event()
        return True

    async def _nodes(self, ask: bool) -> dict[str, Node]:
        return await self.slurm.nodes() if ask else self.picture.nodes

    async def _queue(self, jobs: dict[int, Job]) -> tuple[Queued, ...]:
        """Everybody's waiting jobs, for places in the queue; without an answer, those of the picture before."""
        if not self._waits(jobs):
            return ()
        try:
            return await self.slurm.queue()
        except CampusError as error:
            log.warning("Places in the queue are not known: %s", error.detail)
            return self.picture.queue

    async def news(self, timeout: float) -> None:
        """Wait for the next good answer, or ``timeout`` seconds."""
        self.ensure_running()
        # Not asyncio.wait_for: Python 3.11's drops a cancellation that comes together with the news.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._news.wait()


@cache
def shared_watch(settings: WatchSettings) -> ClusterWatch:
    """The hub's one watch: whoever asks with the same settings gets the same one."""
    watch = ClusterWatch(settings)
    metrics.show_age(watch)
    return watch
