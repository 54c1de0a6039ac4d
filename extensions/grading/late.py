"""What being late costs: the course's policy, by the exchange's clock, with each person's extension.

Kept in the course's folder when submissions are collected, so that grading needs no exchange.
"""

from __future__ import annotations

import datetime
import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

from nbgrader.api import Gradebook, MissingEntry
from nbgrader.coursedir import CourseDirectory
from nbgrader.plugins import LateSubmissionPlugin

from extensions.grading.layout import Layout
from extensions.grading.names import SUBMISSION

_FILE = "late.json"
_DAY = 86400


def keep(
    course: CourseDirectory,
    assignment: Mapping[str, Any],
    submissions: Iterable[Mapping[str, Any]],
    seconds: Mapping[str, int],
) -> None:
    """Keep how late each submission is, and tell the gradebook a due date, by which nbgrader asks the plug-in.

    All arguments are as the exchange answers them (docs/courses-api.md); ``seconds`` by submission.
    """
    placed = Layout(course, assignment["name"])
    kept = {**_kept(placed).get("late_seconds", {}), **seconds}
    path = placed.state / _FILE
    made = path.with_suffix(".new")
    made.write_text(json.dumps({"policy": assignment["late_policy"], "late_seconds": kept}))
    made.replace(path)
    # It knows one date for all: the first that somebody missed, where that is earlier.
    missed = [
        _moment(one["received"]) - datetime.timedelta(seconds=seconds[one["id"]])
        for one in submissions
        if seconds.get(one["id"])
    ]
    due = min([*missed, *([_moment(assignment["due"])] if assignment["due"] else [])], default=None)
    with Gradebook(course.db_url, course.course_id) as book:
        try:
            book.find_assignment(assignment["name"]).duedate = due and due.replace(tzinfo=None)
        except MissingEntry:
            return
        book.db.commit()


def penalty(score: float, per_day: float, seconds: float) -> float:
    """What is taken off a score: a share of it for each day begun, and never more than all."""
    return score * min(1.0, per_day * math.ceil(seconds / _DAY))


class CourseLatePenalty(LateSubmissionPlugin):
    """``AssignLatePenalties.plugin_class``; what was not collected from the exchange is nbgrader's to judge."""

    def late_submission_penalty(self, student_id: str, score: float, total_seconds_late: float) -> float | None:
        placed = Layout(self._course, self.parent.assignment_id)
        kept = _kept(placed)
        secret = placed.folder(self._course.submitted_directory, student_id) / SUBMISSION
        number = secret.read_text().strip() if secret.is_file() else ""
        if number not in kept.get("late_seconds", {}):
            return super().late_submission_penalty(student_id, score, total_seconds_late)
        return penalty(score, kept["policy"]["penalty_per_day"], kept["late_seconds"][number])

    @property
    def _course(self) -> CourseDirectory:
        step = self.parent  # the preprocessor; then nbconvert's exporter, then nbgrader's converter
        while not hasattr(step, "coursedir"):
            step = step.parent
        return step.coursedir


def _kept(placed: Layout) -> dict[str, Any]:
    try:
        return json.loads((placed.state / _FILE).read_text())
    except FileNotFoundError:
        return {}


def _moment(at: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(at)
