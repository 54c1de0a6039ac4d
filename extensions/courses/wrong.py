"""Wrong answers of a course, as data: what its tests are there to catch.

``wrong/ASSIGNMENT/NAME.py`` is the solution with some cells replaced, as text::

    # %% replaces="mean" fails=["mean-test"]
    def mean(values):
        return sum(values)

``fails`` names every test that loses points by it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import jupytext
from nbformat import NotebookNode

from campus_base.errors import CampusError
from extensions.courses.course import CourseFolder
from extensions.courses.notebooks import NotebookError, build, marks


@dataclass(frozen=True)
class Wrong:
    """``cells`` are the sources of answers by grade_id, ``fails`` the tests that are to see it."""

    name: str
    cells: dict[str, str]
    fails: frozenset[str]


def wrong_answers(folder: CourseFolder, assignment: str) -> list[Wrong]:
    """Those of an assignment. Raises NotebookError for one that names what is not there."""
    all_marks = [mark for text in folder.texts(assignment) for mark in marks(build(text))]
    answers = [mark["grade_id"] for mark in all_marks if mark["solution"]]
    tests = {mark["grade_id"] for mark in all_marks if mark["grade"] and not mark["solution"]}
    paths = sorted((folder.path / "wrong" / assignment).glob("*.py"))
    return [_read(path, answers, tests) for path in paths]


def check_folders(folder: CourseFolder) -> None:
    """Raises CampusError for wrong answers to an assignment that is not there."""
    names = {assignment.name for assignment in folder.course.assignments}
    for path in sorted((folder.path / "wrong").glob("*")):
        if path.name not in names:
            raise CampusError(
                "course-folder", f"{path} has wrong answers to no assignment.", "Rename it, or remove it."
            )


def _read(path: Path, answers: list[str], tests: set[str]) -> Wrong:
    cells: dict[str, str] = {}
    fails: set[str] = set()
    for cell in jupytext.reads(path.read_text(), fmt="py:percent").cells:
        if cell.cell_type != "code":
            continue
        name, seen = _said(path, cell)
        if answers.count(name) != 1 or name in cells:
            raise NotebookError(path, f"there is no one answer {name} to replace", "Name an answer's grade_id, once.")
        if unknown := sorted(seen - tests):
            raise NotebookError(path, f"there is no test {unknown[0]}", "Name the grade_id of a test with points.")
        cells[name] = cell.source
        fails |= seen
    if not cells:
        raise NotebookError(path, "it replaces nothing", 'Begin a cell with # %% replaces="..." fails=["..."].')
    return Wrong(path.stem, cells, frozenset(fails))


def _said(path: Path, cell: NotebookNode) -> tuple[str, set[str]]:
    name, fails = cell.metadata.get("replaces"), cell.metadata.get("fails")
    if not (isinstance(name, str) and isinstance(fails, list) and fails and all(isinstance(f, str) for f in fails)):
        raise NotebookError(
            path, "a cell does not say what it replaces, and which tests see it", 'Write replaces="..." fails=["..."].'
        )
    return name, set(fails)
