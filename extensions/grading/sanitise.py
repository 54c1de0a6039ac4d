"""The first step, with the gradebook at hand: tests and points as the course has them, no outputs (nbgrader's code)."""

from __future__ import annotations

import glob
import re
import shutil
from pathlib import Path
from typing import Any

from nbconvert.exporters import NotebookExporter
from nbconvert.writers import FilesWriter
from nbgrader.converters import Autograde, NbGraderException
from nbgrader.converters.base import BaseConverter
from nbgrader.coursedir import CourseDirectory

from campus_base.errors import CampusError
from extensions.grading import layout, names
from extensions.grading.faults import Cause, Fault, fault
from extensions.grading.files import Unreadable, check
from extensions.grading.machine import own_trouble

_LONGEST_REASON = 200  # characters


class Step(Autograde):
    """One half of nbgrader's autograding, for one submission at a time."""

    def __init__(self, coursedir: CourseDirectory, **settings: Any) -> None:
        super().__init__(coursedir=coursedir, **settings)
        self.writer = FilesWriter(parent=self, config=self.config)
        # Checked after the last preprocessor, and not after each: what comes out is the same.
        self.exporter = NotebookExporter(parent=self, config=self.config, optimistic_validation=True)
        self.layout = layout.Layout(coursedir, coursedir.assignment_id)

    def convert_single_notebook(self, notebook_filename: str) -> None:
        self._init_preprocessors()
        BaseConverter.convert_single_notebook(self, notebook_filename)


class Sanitise(Step):
    """From ``submitted`` to our own folder."""

    _output_directory = names.SANITISED

    def run(self, student: str) -> list[Fault]:
        """Prepare a student's submission; what of it cannot be graded is in the answer, and not in the folder.

        Raises CampusError where it is this machine that fails.
        """
        source = self.layout.folder(self.coursedir.submitted_directory, student)
        shutil.rmtree(self.layout.folder(names.SANITISED, student), ignore_errors=True)
        self.notebooks = sorted(map(str, source.glob(f"{self.coursedir.notebook_id}.ipynb")))
        try:
            with own_trouble():
                check(source)
                self.run_pre_convert_hook()
                self.init_assignment(self.coursedir.assignment_id, student)
        except (Unreadable, NbGraderException, OSError) as error:
            self._keep_timestamp_only(source, self.layout.folder(names.SANITISED, student))
            return [_unreadable("", error)]
        return [why for notebook in self.notebooks if (why := self._convert(Path(notebook)))]

    @staticmethod
    def _keep_timestamp_only(source: Path, made: Path) -> None:
        """By it nbgrader tells a newer submission."""
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir(parents=True)
        timestamp = source / "timestamp.txt"
        if timestamp.is_file() and not timestamp.is_symlink():
            shutil.copy(timestamp, made)

    def _convert(self, notebook: Path) -> Fault | None:
        try:
            with own_trouble():
                self.convert_single_notebook(str(notebook))
        except CampusError:
            raise
        except Exception as error:  # whatever a notebook that anybody may have made makes nbgrader stumble over
            self.log.warning("%s cannot be graded", notebook, exc_info=True)
            return _unreadable(notebook.stem, error)
        return None


def _unreadable(notebook: str, error: Exception) -> Fault:
    reason = str(error).strip().partition("\n")[0][:_LONGEST_REASON].rstrip(".") or type(error).__name__
    return fault(Cause.UNREADABLE, notebook=notebook, reason=reason)


def waiting(coursedir: CourseDirectory, force: bool) -> tuple[list[str], list[str]]:
    """Students whose submission is to be graded, and those whose grade stands (as ``init_destination``).

    ``force`` is kept for each of them until it is graded, so that a run that breaks off goes on where it was.
    """
    placed = layout.Layout(coursedir, coursedir.assignment_id)
    pattern = placed.folder(coursedir.submitted_directory, coursedir.student_id)
    excluded = coursedir.student_id_exclude.split(",")
    wanted: list[str] = []
    standing: list[str] = []
    for source in sorted(glob.glob(str(pattern))):
        student = _student(coursedir, source)
        if student in excluded:
            continue
        graded = placed.folder(coursedir.autograded_directory, student)
        new, old = (coursedir.get_existing_timestamp(str(folder)) for folder in (source, graded))
        newer = new is not None and old is not None and new > old
        if force and graded.exists():
            placed.again(student).parent.mkdir(exist_ok=True)
            placed.again(student).touch()
        wants = newer or not graded.exists() or placed.again(student).exists()
        (wanted if wants else standing).append(student)
    return wanted, standing


def _student(coursedir: CourseDirectory, source: str) -> str:
    form = coursedir.format_path(
        coursedir.submitted_directory, "(?P<student>.*)", re.escape(coursedir.assignment_id), escape=True
    )
    found = re.fullmatch(form, source)
    assert found, f"{source} does not match {form}"
    return found["student"]
