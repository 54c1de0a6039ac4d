"""From the exchange to the gradebook and back: collect submissions, tell grades, release feedback.

What is told is compared with what the exchange has, so that whatever broke off before is made up for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from nbgrader.api import Gradebook
from nbgrader.converters import GenerateFeedback, NbGraderException
from nbgrader.coursedir import CourseDirectory
from nbgrader.exchange import ExchangeError

from campus_base.errors import CampusError
from extensions.exchange.client import Client, Silent
from extensions.grading import grades, results
from extensions.grading.layout import Layout
from extensions.grading.names import SUBMISSION
from extensions.grading.progress import Progress

_KEYS = ("id", "user", "score", "max_score", "cells", "causes", "grade_released", "feedback")


class Cycle:
    """One assignment's way between the exchange and the course's folder; ``app`` is an nbgrader application.

    Raises CampusError where the exchange does not answer, or refuses.
    """

    def __init__(self, app: Any) -> None:
        self._app = app
        self._layout = Layout(app.coursedir, app.coursedir.assignment_id)
        self._path = f"/courses/{app.coursedir.course_id}/assignments/{app.coursedir.assignment_id}"

    @cached_property
    def _client(self) -> Client:
        with _problems():
            return Client.of_session()

    @cached_property
    def at_once(self) -> bool:
        """Whether grades and feedback are released as soon as they are there."""
        with _problems():
            return bool(self._client.get(self._path, dict, "grade_on_submit")["grade_on_submit"])

    def collect(self) -> None:
        """Bring the latest submission of each person into the course's folder (nbgrader's collect)."""
        app = self._app
        collect = app.exchange.Collect(coursedir=app.coursedir, authenticator=app.authenticator, parent=app)
        collect.update = True
        with _problems():
            collect.start()

    def graded(self) -> list[str]:
        """Who has a grade here for a submission that the exchange has, and nothing newer there."""
        return [one["user"] for one in self._latest.values() if self._number(one["user"]) == one["id"]]

    def tell(self, student: str, fresh: bool = False) -> None:
        """Tell a grade, and release it with feedback where that is done at once.

        ``fresh``: it was graded anew, so that its feedback may be another even where the grade is the same.
        """
        found, grade = self._found(student), self._grade(student)
        if found is None or grade is None:
            return
        differs = any(found[key] != value for key, value in grade.items())
        if differs:
            told = {**grade, "released": found["grade_released"] or self.at_once}
            with _problems():
                self._latest[student] = self._client.ask(
                    "PUT", f"/submissions/{found['id']}/grade", dict, _KEYS, json=told
                )
        if self.at_once and (fresh or differs or not found["feedback"]):
            self.release(student)

    def release(self, student: str) -> None:
        """Release a submission's grade, with feedback as it is now (nbgrader's, hidden tests taken out)."""
        found = self._found(student)
        if found is None:
            return
        app = self._app
        course = CourseDirectory(parent=app, assignment_id=self._layout.assignment, student_id=student)
        with _problems():
            GenerateFeedback(coursedir=course, parent=app, force=True).start()
            if found["grade_released"] and self._pages(student) == self._released(found):
                return
            app.exchange.ReleaseFeedback(coursedir=course, authenticator=app.authenticator, parent=app).start()

    @cached_property
    def _latest(self) -> dict[str, dict[str, Any]]:
        with _problems():
            rows = self._client.get(f"{self._path}/submissions?latest=1", list, *_KEYS)
        return {one["user"]: one for one in rows}

    def _number(self, student: str) -> str:
        """The id of the submission that was graded; empty where it did not come from the exchange."""
        kept = self._layout.folder(self._app.coursedir.autograded_directory, student) / SUBMISSION
        return kept.read_text().strip() if kept.is_file() else ""

    def _found(self, student: str) -> dict[str, Any] | None:
        """The submission that was graded, as the exchange has it; None where it was not collected from there."""
        number = self._number(student)
        if not number:
            return None
        latest = self._latest.get(student)
        if latest is None or latest["id"] != number:  # a newer one came meanwhile
            with _problems():
                return self._client.get(f"/submissions/{number}", dict, *_KEYS)
        return latest

    def _grade(self, student: str) -> dict[str, Any] | None:
        course = self._app.coursedir
        with Gradebook(course.db_url, course.course_id) as book:
            return grades.grade(book, self._layout.assignment, student, results.faults(self._layout.state, student))

    def _pages(self, student: str) -> dict[str, str]:
        folder = self._layout.folder(self._app.coursedir.feedback_directory, student)
        return {page.name: hashlib.sha256(page.read_bytes()).hexdigest() for page in folder.glob("*.html")}

    @staticmethod
    def _released(found: dict[str, Any]) -> dict[str, str]:
        return {file["path"]: file["sha256"] for file in found["feedback"]["files"]} if found["feedback"] else {}


class Teller:
    """Tells grades; one that cannot be told keeps back no other. While the exchange is silent, grading goes on."""

    def __init__(self, cycle: Cycle, progress: Progress) -> None:
        self._cycle, self._progress = cycle, progress
        self._untold: set[str] = set()
        self._silent = False

    def __call__(self, student: str) -> None:
        """Tell a grade as it comes."""
        if self._silent:
            return
        try:
            self._tell(student, fresh=True)
        except Silent as error:
            self._silent = True
            self._progress.note(f"The exchange is told later: {error.message}")

    def rest(self) -> bool:
        """Tell what an earlier run could not, too; returns whether all is told. Raises Silent."""
        for student in self._cycle.graded():
            if student not in self._untold:
                self._tell(student)
        return not self._untold

    def _tell(self, student: str, fresh: bool = False) -> None:
        try:
            self._cycle.tell(student, fresh)
        except Silent:
            raise
        except CampusError as error:
            self._untold.add(student)
            self._progress.untold(student, error)


@contextmanager
def _problems() -> Iterator[None]:
    """What nbgrader fails with, as an error for people; the client's errors are such already."""
    try:
        yield
    except ExchangeError as error:
        if isinstance(error.__context__, CampusError):  # what the client said, which nbgrader's holds as text only
            raise error.__context__ from error
        raise CampusError("exchange-failed", str(error), "What has a grade keeps it.") from error
    except NbGraderException as error:
        raise CampusError(
            "no-feedback", "Feedback could not be made.", "The end of grading.log has the details.", str(error)
        ) from error
