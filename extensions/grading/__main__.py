"""``python -m extensions.grading ASSIGNMENT``, in a course's folder, as its grader."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

from nbgrader.apps.baseapp import NbGrader, nbgrader_aliases, nbgrader_flags
from traitlets import Bool, Integer, default

from campus_base.errors import CampusError
from extensions.grading import layout, run
from extensions.grading.progress import Progress
from extensions.grading.sandbox import outer
from extensions.grading.settings import Sandbox


class Grade(NbGrader):
    """nbgrader's settings and options, and our own."""

    name = "grading"
    description = "Grade the submissions of an assignment, in sandboxes, several at once."
    classes = [Sandbox]
    aliases = {**nbgrader_aliases, "workers": "Grade.workers", "course": "CourseDirectory.course_id"}
    flags = {
        **nbgrader_flags,
        "force": ({"Grade": {"force": True}}, "Grade those too that have a grade already."),
        "json": ({"Grade": {"json": True}}, "Print the events as JSON, one on each line."),
        "check": ({"Grade": {"check": True}}, "Only say whether this machine can grade."),
    }

    workers = Integer(min=1, help="How many submissions at once; by default as many as there are processors.").tag(config=True)
    force = Bool(help="Grade those too that have a grade already.").tag(config=True)
    json = Bool(help="Print the events as JSON.").tag(config=True)
    check = Bool(help="Only say whether this machine can grade.").tag(config=True)

    @default("workers")
    def _default_workers(self) -> int:
        return max(1, len(os.sched_getaffinity(0)) // Sandbox(parent=self).cpus)

    def start(self) -> None:
        super().start()
        if self.check:
            outer.check()
            print("Student code can be run here.")
            return
        if self.extra_args:
            self.coursedir.assignment_id = self.extra_args[0]
        if not self.coursedir.assignment_id:
            raise CampusError("no-assignment-named", "No assignment is named.", "Give its name as the argument.")
        placed = layout.Layout(self.coursedir, self.coursedir.assignment_id)
        with run.only_one(Path(self.coursedir.root)):
            state = placed.state
            progress = Progress(state / "progress.jsonl", _say, self.json)
            here = run.Here(self.config, self.workers, placed.reference, state / "modules.json")
            complete = run.grade(self, here, progress, self.force, f"{self.workers} at once on this machine")
        self.exit(0 if complete else 1)


def _say(line: str) -> None:
    print(line, flush=True)


def main() -> Any:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    app = Grade.instance()
    try:
        app.initialize()
        app.start()
    except CampusError as error:
        print(f"grading: {error}", file=sys.stderr)
        if error.detail:
            print(f"\nDetails:\n{error.detail[-2000:]}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
