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
from dataclasses import dataclass, field, replace
from functools import cache

from campus_base.errors import CampusError
from campus_base.shared import Shared
from spawners import metrics
from spawners.allowed.limits import Use
from spawners.cluster.allowance import Allowance
from spawners.cluster.reconcile import Ledger, Reconciler
from spawners.cluster.rulebook import Rulebook
from spawners.slurm import Everybody, Job, JobState, Node, Queued, Transport, Unreadable
from spawners.slurm.cli import CliTransport

log = logging.getLogger("campus.watch")

TICK = 2.0
"""Seconds between looks at the clock while nothing else wakes whoever waits."""
_PACE = 1.0  # seconds from one look to the next that is out of turn
_AT_ONCE = 12  # looks out of turn that those who start and stop sessions have at once, and ...
_BACK = 12  # ... intervals until one of these comes back: a crowd shares the looks that come anyhow, ...
_SHARES = 5.0  # ... unless these are further apart than this, in seconds
_PATIENCE = 1.0  # seconds from the beginning of a look for which a page waits for it
_NODES_SECONDS = 60.0  # how old may be what is known of the nodes, while no session waits and nobody looks
_UNNAMED = 9  # looks at everybody's jobs in a row: only a look at our name shows a job that nobody knows of


@dataclass(frozen=True)
class Picture:
    """What Slurm said. ``asked`` is the monotonic time (seconds) at which the question was put."""

    asked: float = -math.inf  # never; the clock of a machine that just booted is near 0
    jobs: dict[int, Job] = field(default_factory=dict)
    nodes: dict[str, Node] = field(default_factory=dict)
    queue: tuple[Queued, ...] = ()
    """Everybody's waiting jobs, the first to go first."""
    use: Use = field(default_factory=Use, compare=False)
    """What people use; nothing where Slurm holds nobody to a limit."""
    nodes_asked: float = -math.inf
    """The time at which the nodes were asked for, which is less often."""
    everybody_asked: float = -math.inf
    """The same of ``queue`` and ``use``: only while one of our sessions waits, or somebody looks."""
    named: bool = False
    """Whether ``jobs`` are all of our name, or those alone that belong to a session of this hub."""

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
        self._out_of_turn = Allowance(_AT_ONCE, _BACK * settings.interval)
        self._news = asyncio.Event()
        self._looked = asyncio.Event()
        self._asking = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        # Monotonic times, in seconds: the end of the last look, the questions of the last whole one, of the last that
        # had no good answer and of the last out of turn, and when somebody last looked at what they may have.
        self._over = self._whole = self._failed = self._prompted = self._wanted = -math.inf
        self._look: asyncio.Future[None] | None = None
        self._begun = -math.inf
        """The whole look that somebody waits for, and when it began."""
        self._unnamed = 0
        """Looks since the reconciler saw all jobs of our name."""

    def ensure_running(self) -> None:
        """Start the loop on the running event loop, once."""
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())

    @property
    def _silent(self) -> bool:
        """Whether the last look had no good answer."""
        return self._failed > self.picture.asked

    async def _run(self) -> None:
        seen = self.picture
        while True:
            try:
                await self.rulebook.freshen()
                async with self._asking:
                    if self._next_look() <= 0:
                        await self._ask(self._is_watched())
                if self.picture.named and self.picture is not seen:
                    seen = self.picture
                    self._unnamed = 0
                    await self._reconciler.look(seen.jobs.values())
                pause = max(0, self._next_look())
            except Exception:  # everybody's sessions hang on this loop
                log.exception("A look at Slurm went wrong; the next one follows")
                pause = self.interval
            await asyncio.sleep(pause)

    def _next_look(self) -> float:
        """Seconds until the next look is due, whoever had the last one; a slow Slurm is left alone in between."""
        asked = max(self.picture.asked, self._failed)
        return max(asked + self.interval, self._over + self.interval / 2) - time.monotonic()

    def _is_watched(self) -> bool:
        """Whether somebody waits, or looks, who is told what all others have and where there is room."""
        waits = any(job.state is JobState.PENDING for job in self.picture.jobs.values())
        return waits or time.monotonic() - self._wanted < 2 * self.interval

    async def know(self) -> None:
        """For somebody who looks: rules, nodes and what people use, no older than ``interval``. Raises nothing.

        Where Slurm takes its time, or gives no answer, they are older.
        """
        wanted = self._wanted = time.monotonic()
        await self.rulebook.freshen()
        if wanted - self._whole > self.interval and (self._look is None or self._look.done()):
            self._look, self._begun = asyncio.ensure_future(self._look_whole(wanted)), time.monotonic()
        if self._look is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._begun + _PATIENCE - time.monotonic()):
                    await asyncio.shield(self._look)

    async def _look_whole(self, wanted: float) -> None:
        async with self._asking:
            if wanted - self._whole > self.interval:
                await self._ask(whole=True)

    async def refresh(self) -> bool:
        """Have the answer to a question put after this call; True when it is a good one.

        It is asked at once, together with whoever else asks, or where many do that with the next look.
        """
        wanted = time.monotonic()
        while True:
            async with self._asking:
                if self.picture.asked >= wanted:
                    return True
                if self._failed >= wanted:
                    return False
                if time.monotonic() - wanted >= _SHARES or self._out_of_turn.take():
                    if (pause := self._prompted + _PACE - time.monotonic()) > 0:
                        await asyncio.sleep(pause)
                    self._prompted = time.monotonic()
                    return await self._ask(self._is_watched())
                looked = self._looked
            self.ensure_running()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wanted + _SHARES - time.monotonic()):
                    await looked.wait()

    async def _ask(self, whole: bool) -> bool:
        """One look, ``whole`` or at our jobs alone; the caller has the lock. True when there was an answer."""
        asked = time.monotonic()
        self._whole = asked if whole else self._whole
        nodes = whole or asked - self.picture.nodes_asked > _NODES_SECONDS
        # Both to their ends, so that nothing is left of one look when the next begins. Not a TaskGroup: in Python 3.11
        # it leaves its task cancelled by half, and the next timeout there becomes a cancellation.
        told, known = await asyncio.gather(self._jobs(asked, whole), self._nodes(nodes), return_exceptions=True)
        if isinstance(told, Picture) and isinstance(known, dict):
            if self._silent:
                log.warning("Slurm answers again")
            self.picture = replace(told, nodes=known, nodes_asked=asked if nodes else self.picture.nodes_asked)
            self._unnamed += not self.picture.named
            self._news.set()
            self._news = asyncio.Event()
        else:
            self._say_silent(told if isinstance(told, BaseException) else known)
            self._failed = asked
        self._over = time.monotonic()
        self._looked.set()
        self._looked = asyncio.Event()
        return self._failed < asked

    def _say_silent(self, error: object) -> None:
        if not isinstance(error, CampusError):
            log.error("What Slurm answered went wrong here", exc_info=error if isinstance(error, Exception) else None)
        elif not self._silent:
            log.warning("Slurm does not answer; sessions stay as they are: %s", error.detail)

    async def _nodes(self, ask: bool) -> dict[str, Node]:
        return await self.slurm.nodes() if ask else self.picture.nodes

    async def _jobs(self, asked: float, whole: bool) -> Picture:
        """Our jobs alone, or ``whole``: everybody's, with ours among them."""
        by_name = not self.picture.known or self._unnamed >= _UNNAMED or bool(self._reconciler.suspects)
        told = self.picture.known and self.picture.everybody_asked == self.picture.asked
        # What the last look told of others stands in for this one's, and a silent Slurm is asked for little.
        others = whole and not (by_name and told) and not self._silent
        everybody = await self._everybody() if others else None
        named = by_name or everybody is None
        jobs = everybody.jobs if everybody and not named else await self.slurm.jobs(self.job_name)
        picture = replace(self.picture, asked=asked, jobs=jobs, named=named)
        if everybody is None:
            return picture if whole else replace(picture, queue=())
        use = await asyncio.to_thread(Use, everybody.claims)
        return replace(picture, queue=everybody.queue, use=use, everybody_asked=asked)

    async def _everybody(self) -> Everybody | None:
        """None where it can't be read: what was known of others stays, and ours are asked for by their name.

        Raises what the transport raises where there is no answer at all.
        """
        try:
            return await self.slurm.everybody(frozenset(Ledger.held), "limits" in self.rulebook.rules.enforced)
        except Unreadable as error:
            log.warning("Places in the queue and what people use stay as they were: %s", error.detail)
            return None

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
