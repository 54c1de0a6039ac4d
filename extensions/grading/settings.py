"""What a course sets for its grading, in nbgrader_config.py: ``c.Sandbox.memory_mib = 4096`` and so on."""

from __future__ import annotations

import dataclasses
import math
import os
from pathlib import Path

from traitlets import Integer, List, Unicode
from traitlets.config import Configurable

from extensions.clock.memory import job_memory
from extensions.grading.sandbox.limits import Limits

_DEFAULT = Limits()
_OVERHEAD_MIB = 1024  # of a task: the fork server with what it has loaded, and the workers
_START_SECONDS = 300


class Sandbox(Configurable):
    """What one submission may use. docs/grading.md says what each is."""

    memory_mib = Integer(_DEFAULT.memory_mib, min=256, help="Memory of all its processes together.").tag(config=True)
    disk_mib = Integer(_DEFAULT.disk_mib, min=16, help="Files that it writes; they lie in memory.").tag(config=True)
    processes = Integer(_DEFAULT.processes, min=32, help="Processes and threads.").tag(config=True)
    seconds = Integer(_DEFAULT.seconds, min=1, help="From its first cell to its last.").tag(config=True)
    cpus = Integer(_DEFAULT.cpus, min=1, help="Processor cores.").tag(config=True)
    output_mib = Integer(_DEFAULT.output_mib, min=1, help="What its cells may print and show.").tag(config=True)
    modules = List(
        Unicode(), help="Modules to load ahead; empty for those that the assignment's own notebooks import."
    ).tag(config=True)

    @property
    def limits(self) -> Limits:
        names = {field.name for field in dataclasses.fields(Limits)}
        return Limits(**{name: getattr(self, name) for name in self.trait_names() if name in names})


def fitting(sandbox: Sandbox) -> float:
    """How many submissions, with all that they may use, fit into the memory of this job; inf outside of one."""
    memory = job_memory(int(os.environ.get("SLURM_JOB_ID", "0")))
    if not memory or memory["limit"] is None:
        return math.inf
    mib = memory["limit"] // 2**20 - _OVERHEAD_MIB
    return max(0, mib // (sandbox.memory_mib + sandbox.disk_mib))


class Array(Configurable):
    """How batches are submitted: ``c.Array.partition = "cpu"`` in nbgrader_config.py."""

    partition = Unicode(help="Slurm's partition; empty for its default.").tag(config=True)
    account = Unicode(help="Slurm's account; empty for the grader's default.").tag(config=True)
    batch = Integer(16, min=1, help="Submissions of one task.").tag(config=True)
    workers = Integer(2, min=1, help="Submissions that a task executes at once.").tag(config=True)
    tasks = Integer(32, min=1, help="Tasks that run at once.").tag(config=True)

    def options(self, batches: int, batch: int, log: Path) -> list[str]:
        """sbatch's options for so many batches of so many submissions (sbatch(1))."""
        limits = Sandbox(config=self.config).limits
        at_once = min(self.workers, batch)
        seconds = _START_SECONDS + math.ceil(batch / at_once) * limits.seconds
        return [
            f"--array=0-{batches - 1}%{self.tasks}",
            "--job-name=campus-grading",
            "--ntasks=1",
            f"--cpus-per-task={at_once * limits.cpus}",
            f"--mem={at_once * (limits.memory_mib + limits.disk_mib) + _OVERHEAD_MIB}M",
            f"--time={math.ceil(seconds / 60)}",
            f"--output={log}",
            "--no-requeue",
            *([f"--partition={self.partition}"] if self.partition else []),
            *([f"--account={self.account}"] if self.account else []),
        ]
