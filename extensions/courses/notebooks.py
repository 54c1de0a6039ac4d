"""Notebooks of courses as text (jupytext's percent format), built to what nbgrader takes as source.

A cell that nbgrader knows says so in its first line, with only what is not usual::

    # %% nbgrader={"grade_id": "mean", "solution": true}
    # %% nbgrader={"grade_id": "mean-test", "points": 2}
    # %% [markdown] nbgrader={"grade_id": "why", "solution": true, "points": 3}

These are an answer that tests grade, its tests, and an answer that a person grades. The rest of nbgrader's metadata
follows from it (nbgrader's documentation, "Metadata").
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import nbformat
from nbformat import NotebookNode
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from campus_base.errors import CampusError
from extensions import percent

_SCHEMA = 3  # nbgrader.nbgraderformat's version of a cell's metadata


class NotebookError(CampusError):
    """A course's notebook that cannot be built."""

    def __init__(self, path: Path, says: str, remedy: str) -> None:
        super().__init__("course-notebook", f"{path}: {says}.", remedy)


class CellMark(BaseModel):
    """What the author writes of a cell that nbgrader is to know."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    grade_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]
    """The cell's name, once in a notebook."""
    solution: bool = False
    """An answer: what stands between BEGIN SOLUTION and END SOLUTION is taken out."""
    points: Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)] | None = None
    """A cell with points is graded: by its tests, or by a person where it is an answer too."""
    task: bool = False
    """A task in words, for which people make cells of their own; graded by a person."""
    locked: bool = False
    """A cell that people are not to change, and that grading puts back."""

    @model_validator(mode="after")
    def _means_something(self) -> CellMark:
        if self.task and (self.solution or self.points is None):
            raise ValueError("a task has points and is no solution")
        if self.locked and (self.solution or self.task):
            raise ValueError("what people are to change cannot be locked")
        if not (self.solution or self.task or self.locked or self.points is not None):
            raise ValueError("say solution, points, task or locked: else nbgrader need not know the cell")
        return self

    def metadata(self, cell_type: str) -> dict[str, Any]:
        """nbgrader's own metadata of such a cell."""
        graded = self.points is not None and not self.task
        found: dict[str, Any] = {
            "schema_version": _SCHEMA,
            "grade_id": self.grade_id,
            "solution": self.solution,
            "grade": graded,
            "task": self.task,
            "locked": self.locked or self.task or (graded and not self.solution),
            "cell_type": cell_type,
        }
        return found | ({"points": self.points} if self.points is not None else {})


def build(path: Path) -> NotebookNode:
    """The notebook behind a text. Raises NotebookError, naming the cell's line where there is one."""
    text = path.read_text()
    notebook = percent.read(path)
    for number, cell in enumerate(notebook.cells):
        mark = _mark(path, text, cell)
        cell.metadata = NotebookNode({key: value for key, value in cell.metadata.items() if key == "tags"})
        if mark:
            cell.metadata["nbgrader"] = NotebookNode(mark.metadata(cell.cell_type))
        # The same text gives the same bytes, so a release that did not change is seen to be the same.
        cell.id = percent.cell_id(path.stem, mark.grade_id if mark else number)
    twice = [name for name, count in Counter(grade_ids(notebook)).items() if count > 1]
    if twice:
        raise NotebookError(path, f"two cells have the grade_id {twice[0]}", "Give each cell a name of its own.")
    nbformat.validate(notebook)
    return notebook


def _mark(path: Path, text: str, cell: NotebookNode) -> CellMark | None:
    said = cell.metadata.get("nbgrader")
    if said is None:
        return None
    try:
        return CellMark.model_validate(said)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(map(str, first["loc"])) or "the cell"
        name = said.get("grade_id", "?") if isinstance(said, dict) else "?"
        line = _line(text, name)
        raise NotebookError(
            path, f"line {line}, cell {name}: {key}: {first['msg']}", "Correct the line that begins the cell."
        ) from None


def _line(text: str, grade_id: object) -> str:
    found = re.search(rf'^# %%.*"{re.escape(str(grade_id))}"', text, re.MULTILINE)
    return str(text[: found.start()].count("\n") + 1) if found else "?"


def marks(notebook: NotebookNode) -> list[dict[str, Any]]:
    """nbgrader's metadata of every cell that has some, in order."""
    return [cell.metadata["nbgrader"] for cell in notebook.cells if "nbgrader" in cell.metadata]


def grade_ids(notebook: NotebookNode) -> list[str]:
    return [mark["grade_id"] for mark in marks(notebook)]


def points(notebook: NotebookNode) -> float:
    """All points of a notebook."""
    return sum(mark.get("points", 0) for mark in marks(notebook))
