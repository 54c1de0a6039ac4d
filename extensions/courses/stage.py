"""A course as nbgrader takes it, laid out in a folder from which its grader reads it."""

from __future__ import annotations

import shutil
from pathlib import Path

import nbformat

from extensions.courses.course import CourseFolder
from extensions.courses.notebooks import build, points


def stage(folder: CourseFolder, into: Path) -> dict[str, float]:
    """Write ``into/ASSIGNMENT/`` for each: notebooks built from their texts, and the files beside them.

    Returns the points of each assignment. Raises NotebookError for a text that cannot be built.
    """
    found: dict[str, float] = {}
    for assignment in folder.course.assignments:
        target = into / assignment.name
        target.mkdir(parents=True)
        found[assignment.name] = 0.0
        for text in folder.texts(assignment.name):
            notebook = build(text)
            found[assignment.name] += points(notebook)
            nbformat.write(notebook, target / f"{text.stem}.ipynb")
        own = folder.path / "source" / assignment.name
        for file in folder.others(assignment.name):
            copy = target / file.relative_to(own)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copy)
    return found
