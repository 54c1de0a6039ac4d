"""Prometheus metrics, in JupyterHub's own registry: ``/hub/metrics`` serves them to who has the scope read:metrics.

Every label has a fixed set of values, and none holds a person's name. docs/operators.md lists each metric.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter as Tally
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar
from weakref import WeakSet

from prometheus_client import REGISTRY, Counter, Gauge, Histogram
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.registry import Collector


class Session(Protocol):
    """A spawner, as far as it is counted."""

    job_id: str
    sizes: Sequence[Any]
    user_options: dict[str, Any] | None
    watch: Any
    start_timeout: float


P = ParamSpec("P")
T = TypeVar("T")
S = TypeVar("S", bound=Session)

_HOUR = 3600

COMMANDS = (
    *("squeue", "sinfo", "sbatch", "sbatch-test", "scancel", "scontrol", "sacctmgr"),
    # The transport rest, by what is asked of slurmrestd.
    *("GET openapi", "GET jobs", "GET nodes", "GET job", "POST job", "DELETE job", "GET diag"),
    *("GET partitions", "GET reservations", "GET associations", "GET qos"),
)
STATES = ("pending", "configuring", "running", "suspended")
"""States that are shown even while no session is in them; the others come and go."""

OTHER = "other"
CAUSES = (
    # The request, and Slurm's answer to it.
    *(
        "request-refused",
        "no-account",
        "directory-silent",
        "not-permitted",
        "slurm-refused",
        "slurm-silent",
        "slurm-unreadable",
        "program-failed",
    ),
    # How the job ended before its session was usable.
    *("failed", "cancelled", "completed", "completing", "timeout", "out-of-memory", "node-fail", "preempted"),
    *("no-answer", "quota", "environment", "unknown"),
    # It waited longer than slurm.queue_limit.
    "start-timeout",
    OTHER,
)

QUEUE_WAIT = Histogram(
    "campus_queue_wait_seconds",
    "Seconds from the submission of a session's job until Slurm started it.",
    buckets=(1, 5, 15, 30, 60, 120, 300, 900, 1800, _HOUR, 2 * _HOUR, 4 * _HOUR, 8 * _HOUR, 24 * _HOUR),
)
SPAWN = Histogram(
    "campus_spawn_seconds",
    "Seconds from the submission of a session's job until JupyterLab answered.",
    buckets=(1, 2, 3, 4, 5, 7.5, 10, 15, 20, 30, 60, 120, 300, 900, _HOUR, 4 * _HOUR, 24 * _HOUR),
)
SPAWN_FAILURES = Counter(
    "campus_spawn_failures", "Number of sessions that were asked for and did not become usable, by cause.", ["cause"]
)
WATCH_AGE = Gauge("campus_watch_age_seconds", "Seconds since Slurm was asked what the hub knows of jobs and nodes.")
REQUESTS = Counter(
    "campus_slurm_requests", "Number of Slurm commands, or requests to slurmrestd, of the hub.", ["command"]
)
REQUEST_TIME = Histogram(
    "campus_slurm_request_seconds",
    "Seconds that a Slurm command, or a request to slurmrestd, of the hub took.",
    ["command"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20),
)
GPU_SECONDS = Counter(
    "campus_gpu_seconds", "Number of seconds that sessions had a GPU, times how many they had, by size.", ["size"]
)
ORPHANS = Counter("campus_orphans_cancelled", "Number of jobs that belonged to no session and were cancelled.")

# A series that is not there cannot be told from one that nobody looks for.
for _command in COMMANDS:
    REQUESTS.labels(_command)
    REQUEST_TIME.labels(_command)
for _cause in CAUSES:
    SPAWN_FAILURES.labels(_cause)
WATCH_AGE.set(float("nan"))  # no watch yet


class Sessions(Collector):
    """``campus_sessions``: counted whenever somebody asks, from the spawners that have a job."""

    def __init__(self) -> None:
        self._spawners: WeakSet[Session] = WeakSet()
        self._sizes: tuple[str, ...] = ()

    def add(self, spawner: Session) -> None:
        """Count this spawner's session for as long as it has a job."""
        self._spawners.add(spawner)
        self._sizes = tuple(size.name for size in spawner.sizes)  # the site's, so everybody's

    def describe(self) -> Iterable[GaugeMetricFamily]:
        return [
            GaugeMetricFamily(
                "campus_sessions", "Number of sessions, by state in Slurm and by size.", labels=["state", "size"]
            )
        ]

    def collect(self) -> Iterable[GaugeMetricFamily]:
        found: Tally[tuple[str, str]] = Tally({(state, size): 0 for state in STATES for size in self._sizes})
        # By job: JupyterHub may have two objects for one session for a moment.
        for job_id, spawner in {int(s.job_id): s for s in list(self._spawners) if s.job_id}.items():
            job = spawner.watch.picture.jobs.get(job_id)
            found[str(job.state) if job else "unknown", size_of(spawner)] += 1
        (family,) = self.describe()
        for labels, number in sorted(found.items()):
            family.add_metric(labels, number)
        return [family]


SESSIONS = Sessions()
REGISTRY.register(SESSIONS)


def size_of(spawner: Session) -> str:
    """The size of a session; "other" for one that the site no longer offers."""
    names = [size.name for size in spawner.sizes]
    asked = (spawner.user_options or {}).get("size") or names[0]
    return asked if asked in names else OTHER


def show_age(watch: Any) -> None:
    """Let ``campus_watch_age_seconds`` tell how old this watch's picture is; before the first one, the watch itself."""
    since = time.monotonic()
    WATCH_AGE.set_function(lambda: time.monotonic() - max(since, watch.picture.asked))


def counted(
    run: Callable[Concatenate[Sequence[str], P], Awaitable[T]],
) -> Callable[Concatenate[Sequence[str], P], Awaitable[T]]:
    """The process runner, with each Slurm command that it runs counted and timed."""

    @wraps(run)
    async def run_counted(argv: Sequence[str], *args: P.args, **kwargs: P.kwargs) -> T:
        with request_counted(f"{argv[0]}-test" if "--test-only" in argv else argv[0]):
            return await run(argv, *args, **kwargs)

    return run_counted


@contextmanager
def request_counted(command: str) -> Iterator[None]:
    """One thing asked of Slurm, counted and timed."""
    label = command if command in COMMANDS else OTHER
    REQUESTS.labels(label).inc()
    with REQUEST_TIME.labels(label).time():
        yield


def started(submitted: float, job: Any) -> None:
    """A session runs on its node. ``submitted`` is its monotonic time, 0 where another hub submitted it."""
    if submitted and job and job.start:
        waited = job.start - (time.time() - (time.monotonic() - submitted))
        QUEUE_WAIT.observe(max(0.0, waited))  # Slurm's clock knows whole seconds only


def usable(submitted: float) -> None:
    """A session answers; ``submitted`` as in :func:`started`."""
    if submitted:
        SPAWN.observe(time.monotonic() - submitted)


def failures_counted(step: Callable[[S], Awaitable[T]]) -> Callable[[S], Awaitable[T]]:
    """A step of a start, with its failures counted by cause: ``SessionRefused.reason`` where it is one of ours."""

    @wraps(step)
    async def step_counted(spawner: S) -> T:
        began = time.monotonic()
        try:
            return await step(spawner)
        except asyncio.CancelledError:
            # JupyterHub cancels a start at its deadline; whoever stops it earlier changed their mind.
            if time.monotonic() - began > spawner.start_timeout - 1:
                SPAWN_FAILURES.labels("start-timeout").inc()
            raise
        except Exception as error:
            cause = getattr(error, "reason", OTHER)
            SPAWN_FAILURES.labels(cause if cause in CAUSES else OTHER).inc()
            raise

    return step_counted
