"""Executing submissions on the cluster: a Slurm array of small batches, as the grader, whose tasks say what is done.

A batch is a file of jobs; its task executes them as ``run.Here`` does and adds a line for each that has ended. A task
that Slurm ended leaves jobs over: they are tried once more, each in a task of its own, so that one which takes its task
down costs no other's.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import shlex
import shutil
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from traitlets.config import Config

from campus_base.errors import CampusError
from campus_base.process import ProgramFailed, run_sync
from extensions.grading import run, work
from extensions.grading.faults import Cause
from extensions.grading.settings import Array, Sandbox
from spawners.slurm.states import JobState, job_state

_COMMAND_SECONDS = 60
_LOOK_SECONDS = 1.0
_STATES_EVERY = 5  # looks
_LATE_SECONDS = 30.0  # until what a task wrote is seen here, on a shared file system
_PASSED_ON = ("HOME", "USER", "LOGNAME", "LANG", "SLURM_CONF")


@dataclasses.dataclass
class OnCluster:
    """An executor for ``run.grade``; ``folder`` is on a file system that the nodes see too."""

    config: Config
    folder: Path
    here: run.Here
    """Finds out what to load ahead, once for all tasks."""

    def __call__(self, jobs: Iterable[work.Job]) -> Iterator[tuple[work.Job, work.Result | CampusError]]:
        array = Array(config=self.config)
        todo = {job.student: job for job in jobs}
        if todo:
            self.here.prepare()
        ends: dict[str, JobState] = {}
        for batch in (array.batch, 1):
            for job, result in self._round(array, list(todo.values()), batch, ends):
                del todo[job.student]
                yield job, result
        for job in todo.values():
            yield job, self._verdict(job, ends.get(job.student, JobState.UNKNOWN))

    def _verdict(self, job: work.Job, end: JobState) -> work.Result | CampusError:
        """Of a submission whose own task Slurm ended."""
        limits = vars(Sandbox(config=self.config).limits)
        if end is JobState.OUT_OF_MEMORY:
            return work.give_up(job, Cause.MEMORY, **limits)
        if end is JobState.TIMEOUT:
            return work.give_up(job, Cause.TIME, **limits)
        return CampusError(
            "task-lost",
            f"Slurm ended the task that executed it ({end}).",
            "Grade the assignment again: what has a grade keeps it.",
        )

    def _round(
        self, array: Array, jobs: Sequence[work.Job], batch: int, ends: dict[str, JobState]
    ) -> Iterator[tuple[work.Job, work.Result]]:
        if not jobs:
            return
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        batches = [jobs[at : at + batch] for at in range(0, len(jobs), batch)]
        for number, part in enumerate(batches):
            batch_file(self.folder, number).write_text(json.dumps([dataclasses.asdict(job) for job in part]))
        options = array.options(len(batches), batch, self.folder / "task-%a.log")
        number = submit(options, self.folder)
        left = len(jobs)
        try:
            for job, result in self._follow(number, batches, ends):
                left -= 1
                yield job, result
        finally:
            if left:
                with contextlib.suppress(ProgramFailed):  # it may have ended by itself
                    _slurm(["scancel", str(number)], "Cancelling what is left of the array")

    def _follow(
        self, number: int, batches: Sequence[Sequence[work.Job]], ends: dict[str, JobState]
    ) -> Iterator[tuple[work.Job, work.Result]]:
        open_jobs = [{job.student: job for job in part} for part in batches]
        read = [0] * len(batches)
        said: set[str] = set()
        over_since: dict[int, float] = {}
        looks = 0
        while True:
            for task, left in enumerate(open_jobs):
                said.update(_new_lines(done_file(self.folder, task), read, task) if left else ())
                for job in [job for student, job in left.items() if student in said]:
                    if result := work.stored(job):  # a shared file system may show it a little later
                        del left[job.student]
                        yield job, result
            now = time.monotonic()
            lost = [t for t, left in enumerate(open_jobs) if left and now - over_since.get(t, now) > _LATE_SECONDS]
            if all(not left or task in lost for task, left in enumerate(open_jobs)):
                return
            if looks % _STATES_EVERY == 0:
                for task, state in states(number).items():
                    if state.over:
                        over_since.setdefault(task, now)
                        ends |= dict.fromkeys(open_jobs[task], state)
            looks += 1
            time.sleep(_LOOK_SECONDS)


def batch_file(folder: Path, task: int) -> Path:
    return folder / f"batch-{task}.json"


def done_file(folder: Path, task: int) -> Path:
    return folder / f"done-{task}"


def _new_lines(path: Path, read: list[int], task: int) -> list[str]:
    """Complete lines beyond the ``read[task]`` bytes that were read before."""
    try:
        with path.open("rb") as file:
            file.seek(read[task])
            text, newline, _ = file.read().rpartition(b"\n")
    except OSError:
        return []
    read[task] += len(text) + len(newline)
    return text.decode().splitlines() if newline else []


def submit(options: Sequence[str], folder: Path) -> int:
    """Submit the array; returns its number. Raises CampusError."""
    run = [sys.executable, "-m", "extensions.grading", f"--task={folder}"]
    script = folder / "task.sh"
    script.write_text(f"#!/bin/sh\nexec {shlex.join(run)}\n")
    argv = ["sbatch", "--parsable", "--export=ALL", f"--chdir={os.getcwd()}", *options, str(script)]
    said = _slurm(argv, "Submitting the grading")
    number = said.strip().partition(";")[0]
    if not number.isdecimal():
        raise CampusError("slurm-unreadable", "sbatch did not say the job's number.", "Try again.", said)
    return int(number)


def states(number: int) -> dict[int, JobState]:
    """The state of each task; empty while Slurm does not answer, which says nothing of them."""
    argv = ["squeue", "--noheader", "--array", "--states=all", f"--jobs={number}", "--format=%K %T"]
    try:
        said = _slurm(argv, "Asking Slurm for the tasks")
    except CampusError:
        return {}
    rows = [line.split() for line in said.splitlines()]
    return {int(row[0]): job_state(row[1]) for row in rows if len(row) == 2 and row[0].isdecimal()}


def _slurm(argv: list[str], what: str) -> str:
    kept = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    environment = {**kept, "PATH": f"{sys.prefix}/bin:/usr/local/bin:/usr/bin:/bin"}
    return run_sync(argv, what=what, timeout=_COMMAND_SECONDS, env=environment).stdout
