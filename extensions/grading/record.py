"""The last step, by one process: scores from the stored outputs into the gradebook (nbgrader's own code)."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path
from typing import Any

import nbformat
from nbgrader.api import Gradebook
from nbgrader.preprocessors import Execute, SaveAutoGrades
from traitlets.utils.importstring import import_item

from extensions.grading import names
from extensions.grading.faults import NOT_GRADED, Cause, Fault
from extensions.grading.outputs import error
from extensions.grading.sanitise import Step
from extensions.grading.scores import CheckScores


class Record(Step):
    """From executed notebooks to ``autograded`` and the gradebook."""

    _sanitizing = False
    _input_directory = names.EXECUTED
    _output_directory = names.SANITISED  # the submission's other files lie there already

    def _init_preprocessors(self) -> None:
        """The course's own list, but for the execution, which was done, and with scores checked before that."""
        self.exporter._preprocessors = []
        for wanted in self.autograde_preprocessors:
            kind = import_item(wanted) if isinstance(wanted, str) else wanted
            if issubclass(kind, Execute):
                continue
            if issubclass(kind, SaveAutoGrades) and not any(isinstance(p, CheckScores) for p in self._registered):
                self.exporter.register_preprocessor(CheckScores)
            self.exporter.register_preprocessor(kind)

    @property
    def _registered(self) -> list[Any]:
        return self.exporter._preprocessors

    def run(self, student: str, faults: list[Fault], gradebook: Gradebook) -> list[Fault]:
        """Write a submission's scores and notebooks; returns the faults that scoring found. Within one transaction."""
        assignment = self.coursedir.assignment_id
        executed = self.layout.folder(names.EXECUTED, student)
        self.notebooks = sorted(map(str, executed.glob("*.ipynb")))
        found: list[Fault] = []
        for notebook in self.notebooks:
            self.convert_single_notebook(notebook)
            found += [f for p in self._registered if isinstance(p, CheckScores) for f in p.faults]
        self._give_nothing(student, [f for f in faults if f.cause is Cause.UNREADABLE], gradebook)
        self.set_permissions(assignment, student)
        self.run_post_convert_hook()
        return found

    def publish(self, student: str) -> None:
        """Put the notebooks where nbgrader looks for them; the scores are in the gradebook by now."""
        made = self.layout.folder(names.SANITISED, student)
        target = self.layout.folder(self.coursedir.autograded_directory, student)
        old = self.layout.folder(names.OLD, student)
        shutil.rmtree(old, ignore_errors=True)
        for folder in (target, old):
            folder.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            target.rename(old)
        made.rename(target)
        shutil.rmtree(old, ignore_errors=True)
        shutil.rmtree(self.layout.folder(names.EXECUTED, student), ignore_errors=True)

    def _give_nothing(self, student: str, faults: list[Fault], gradebook: Gradebook) -> None:
        """Zero for the cells of notebooks that could not be read, as nbgrader gives for missing ones, and a note."""
        assignment = self.coursedir.assignment_id
        folder = self.layout.folder(names.SANITISED, student)
        for why in faults:
            gradebook.update_or_create_student(student)
            submission = gradebook.update_or_create_submission(assignment, student)
            for notebook in submission.notebooks:
                if why.notebook in ("", notebook.name):
                    for grade in notebook.grades:
                        grade.auto_score, grade.needs_manual_grade = 0, False
                    _leave_note(folder / f"{notebook.name}.ipynb", why)
        gradebook.db.flush()


def _leave_note(path: Path, why: Fault) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    # As an output, which every page escapes: a file's name may be part of the sentence.
    cell = nbformat.v4.new_code_cell(outputs=[error(NOT_GRADED, why.sentence)])
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)
