"""What Slurm says (Job, Node), and what is asked of it (JobRequest)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from spawners.slurm.states import JobState


class Fact(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Job(Fact):
    """One job, as squeue reports it. Times are seconds since the epoch, None where Slurm has none."""

    id: int
    uid: int
    """Whose it is: a number, since names are not there while a directory service is away."""
    state: JobState
    reason: str
    node: str
    """Name of its batch host; empty while it waits."""
    start: int | None
    end: int | None


class Node(Fact):
    """One node, as sinfo reports it."""

    name: str
    address: str
    """NodeAddr: where it is reached, which its name need not resolve to."""
    state: str
    partitions: frozenset[str]
    gpus: dict[str, int]
    """GPUs by type; the type is empty where the site names none."""
    gpus_used: dict[str, int]
    """Those that nobody can have whole now: a GPU is handed out whole or in slices, never both at a time."""
    shards_per_gpu: int = 0
    shards_free: tuple[int, ...] = ()
    """Free slices (gres "shard") on each GPU that has some; a job gets all of its own on one GPU.

    Slurm before 23.11 does not say how many are left on a GPU of which some are taken: then it is left out here.
    """
    cpus_free: int
    memory_free_mib: int

    @property
    def takes_jobs(self) -> bool:
        """Whether a job could start on it now, if there is room."""
        return self.state in ("idle", "mixed")

    def gpus_of(self, gpu_type: str | None) -> int:
        """GPUs of a type, free or not; None counts them all."""
        return sum(n for t, n in self.gpus.items() if gpu_type in (None, t))

    def gpus_free(self, gpu_type: str | None) -> int:
        """Free GPUs of a type; None counts them all."""
        return sum(n - self.gpus_used.get(t, 0) for t, n in self.gpus.items() if gpu_type in (None, t))


class Queued(Fact):
    """A job, anybody's, that waits in a queue."""

    id: int
    partition: str
    priority: int
    reason: str


class Claim(Fact):
    """A job, anybody's, that waits or runs, as limits count it."""

    id: int
    uid: int
    account: str
    qos: str
    partition: str
    runs: bool
    tres: dict[str, int]
    """What it has or asks for, by Slurm's name of the resource; ``mem`` in MiB."""


@dataclass(frozen=True)
class Everybody:
    """All jobs of the cluster, in one answer."""

    jobs: dict[int, Job]
    """Ours, by id, ended ones too for as long as slurmctld remembers them (MinJobAge)."""
    queue: tuple[Queued, ...]
    """Those that wait, the first to go first."""
    claims: tuple[Claim, ...]
    """Those that wait or run, each task of an array by itself; none where they were not asked for."""


def in_order(queue: Iterable[Queued]) -> tuple[Queued, ...]:
    """Those that wait, the first to go first."""
    return tuple(sorted(queue, key=lambda job: (-job.priority, job.id)))


class JobRequest(Fact):
    """A job to submit; every value was checked or comes from the site."""

    name: str
    mark: str
    """Its comment, ``user/server``: for operators to read; nothing relies on it."""
    partition: str
    gpus: int = Field(ge=0)
    gpu_type: str | None
    cpus: int = Field(ge=1)
    memory_mib: int = Field(gt=0)
    seconds: int = Field(gt=0)
    shards: int = Field(default=0, ge=0)
    """Slices of one GPU, instead of whole ones."""
    account: str | None
    qos: str | None = None
    reservation: str | None = None
    folder: str
    """Working directory."""
    script: str
    """What it runs: a shell script, which may begin with #SBATCH lines."""

    @property
    def gres(self) -> str:
        """Its GPUs as Slurm's options name them, empty for none."""
        if self.shards:
            return f"shard:{self.shards}"
        if self.gpus:
            return f"gpu:{self.gpu_type}:{self.gpus}" if self.gpu_type else f"gpu:{self.gpus}"
        return ""
