"""Executing submissions on the cluster: a Slurm array of small batches, as the grader, whose tasks say what is done.

A batch is a file of jobs; its task executes them as ``run.Here`` does and adds a line for each that has ended. A task
that Slurm ended leaves jobs over: they are tried once more, each in a task of its own, so that one which takes its task
down costs no other's.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from traitlets.config import Config

from campus_base.errors import CampusError
from extensions.grading import run, slurm, work
from extensions.grading.faults import Cause
from extensions.grading.settings import Array, Sandbox
from spawners.slurm.states import JobState

_LOOK_SECONDS = 1.0
_STATES_EVERY = 5  # looks
_LATE_SECONDS = 30.0  # until what a task wrote is seen here, on a shared file system


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
        number = slurm.submit(options, self.folder)
        left = len(jobs)
        try:
            for job, result in self._follow(number, batches, ends):
                left -= 1
                yield job, result
        finally:
            if left:
                slurm.cancel(number)

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
                for task, state in slurm.ended(number, len(batches)).items():
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
