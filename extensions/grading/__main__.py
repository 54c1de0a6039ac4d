"""``python -m extensions.grading ASSIGNMENT``, in a course's folder, as its grader."""

from __future__ import annotations

import gc
import logging
import os
import signal
import sys
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, ClassVar

from nbgrader.apps.baseapp import NbGrader, nbgrader_aliases, nbgrader_flags
from traitlets import Bool, Integer, Unicode, default

from campus_base.errors import CampusError
from extensions.exchange.client import Silent
from extensions.grading import layout, run, task
from extensions.grading.array import OnCluster
from extensions.grading.cycle import Cycle, Teller
from extensions.grading.lock import only_one
from extensions.grading.machine import own_trouble
from extensions.grading.progress import Progress
from extensions.grading.settings import Array, Sandbox, fitting


class Grade(NbGrader):
    """nbgrader's settings and options, and our own."""

    name = "grading"
    description = "Grade the submissions of an assignment, in sandboxes, several at once."
    classes: ClassVar = [Sandbox, Array]
    aliases: ClassVar = {
        **nbgrader_aliases,
        "workers": "Grade.workers",
        "course": "CourseDirectory.course_id",
        "task": "Grade.task",
    }
    flags: ClassVar = {
        **nbgrader_flags,
        "force": ({"Grade": {"force": True}}, "Grade those too that have a grade already."),
        "json": ({"Grade": {"json": True}}, "Print the events as JSON, one on each line."),
        "slurm": ({"Grade": {"slurm": True}}, "Execute on the cluster, as an array of jobs."),
        "exchange": (
            {"Grade": {"exchange_too": True}},
            "Collect from the exchange before, and tell it the grades; with feedback, where that is released at once.",
        ),
        "release": ({"Grade": {"release": True}}, "Grade nothing: release grades and feedback at the exchange."),
    }

    workers = Integer(min=1, help="How many submissions at once; by default as many as there are processors.").tag(
        config=True
    )
    force = Bool(help="Grade those too that have a grade already.").tag(config=True)
    json = Bool(help="Print the events as JSON.").tag(config=True)
    slurm = Bool(help="Execute on the cluster, as an array of jobs.").tag(config=True)
    exchange_too = Bool(help="Collect from the exchange before, and tell it the grades.").tag(config=True)
    release = Bool(help="Release grades and feedback at the exchange, and grade nothing.").tag(config=True)
    task = Unicode(help="Be one task of the array whose folder this is; Slurm starts these.").tag(config=True)

    @default("workers")
    def _default_workers(self) -> int:
        settings = Sandbox(parent=self)
        at_once = len(os.sched_getaffinity(0)) // settings.cpus
        return max(1, min(at_once, fitting(settings)))

    def start(self) -> None:
        super().start()
        if self.task:
            self.exit(self._be_task(Path(self.task)))
        self.coursedir.assignment_id = next(iter(self.extra_args), self.coursedir.assignment_id)
        if not self.coursedir.assignment_id:
            raise CampusError("no-assignment-named", "No assignment is named.", "Give its name as the argument.")
        placed = layout.Layout(self.coursedir, self.coursedir.assignment_id)
        with only_one(Path(self.coursedir.root), self.coursedir.assignment_id):
            self._log_to(placed.state / "grading.log")
            progress = Progress(placed.state / "progress.jsonl", _say, self.json)
            try:
                with own_trouble():
                    complete = self._release(progress) if self.release else self._grade(placed, progress)
            except CampusError as error:
                progress.stopped(error)
                raise
            progress.end()
        self.exit(0 if complete else 1)

    def _grade(self, placed: layout.Layout, progress: Progress) -> bool:
        executor: run.Executor = self._here(placed)
        where = f"{self.workers} at once on this machine"
        if fitting(Sandbox(parent=self)) < self.workers:
            where += ", whose memory is less than they may use"
        if self.slurm:
            executor, where = OnCluster(self.config, placed.state / "array", self._here(placed)), "on the cluster"
        if not self.exchange_too:
            return run.grade(self, executor, progress, self.force, where)
        progress.note("Collecting from the exchange.")
        cycle = Cycle(self)
        cycle.collect()
        tell = Teller(cycle, progress)
        complete = run.grade(self, executor, progress, self.force, where, tell)
        return tell.rest() and complete

    def _release(self, progress: Progress) -> bool:
        cycle = Cycle(self)
        students = [one for one in cycle.graded() if fnmatch(one, self.coursedir.student_id)]
        progress.start_feedback(self.coursedir.assignment_id, len(students))
        complete = True
        for student in students:
            try:
                cycle.release(student)
                progress.feedback(student)
            except Silent:
                raise
            except CampusError as error:
                complete = False
                progress.failed(student, error)
        return complete

    def _here(self, placed: layout.Layout) -> run.Here:
        return run.Here(self.config, self.workers, placed.reference, placed.state / "modules.json")

    def _be_task(self, folder: Path) -> int:
        number = int(os.environ["SLURM_ARRAY_TASK_ID"])
        here = run.Here(self.config, self.workers, None, folder.parent / "modules.json")
        return 1 if task.execute(folder, number, here) else 0

    def _log_to(self, path: Path) -> None:
        """nbgrader says a lot; it is kept, but not what an instructor looks at."""
        self.log.handlers.clear()
        self.log.propagate = False
        self.log.setLevel(self.log_level)  # else each message is written, whatever the level
        handler = logging.FileHandler(path, mode="w")
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        self.log.addHandler(handler)


def _say(line: str) -> None:
    print(line, flush=True)


def main() -> Any:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    app = Grade.instance()
    try:
        app.initialize()
        gc.freeze()  # what is loaded stays: to look through it again, here, in each worker and at the end, takes time
        with own_trouble():
            app.start()
    except CampusError as error:
        print(f"grading: {error}", file=sys.stderr)
        if error.detail:
            print(f"\nDetails:\n{error.detail[-2000:]}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
