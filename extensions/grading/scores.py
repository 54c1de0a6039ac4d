"""Scores outside what a cell is worth: nbgrader gives full points for nan and -1, and stops at inf."""

from __future__ import annotations

import math
from typing import Any

from nbformat import NotebookNode
from nbgrader import utils
from nbgrader.preprocessors import NbGraderPreprocessor

from extensions.grading import outputs
from extensions.grading.faults import SCORE_ERROR, Cause, Fault, fault


def unfit(cell: NotebookNode) -> float | None:
    """The value that decides an autograded cell's score where it is none from 0 to its points, else None.

    What decides is what nbgrader (``utils.determine_grade``) looks at: the first error, stderr or result.
    """
    points = float(cell.metadata.nbgrader["points"])
    for output in cell.outputs:
        if output.output_type == "error" or (output.output_type == "stream" and output.name == "stderr"):
            return None
        if output.output_type == "execute_result":
            value = output.data.get("text/plain")
            if not value:
                return math.nan  # a result without text; nbgrader stops there
            try:
                score = float(value)
            except ValueError:
                return None  # no number: full points, as ever
            return None if 0 <= score <= points else score
    return None


class CheckScores(NbGraderPreprocessor):
    """Stands before ``SaveAutoGrades``: a score that cannot be is an error of the cell. See ``faults``."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.faults: list[Fault] = []

    def preprocess_cell(self, cell: NotebookNode, resources: Any, cell_index: int) -> tuple[NotebookNode, Any]:
        graded = utils.is_grade(cell) and not utils.is_solution(cell) and cell.cell_type == "code"
        if graded and (value := unfit(cell)) is not None:
            named = {"notebook": resources.get("unique_key", ""), "cell": cell.metadata.nbgrader["grade_id"]}
            points = float(cell.metadata.nbgrader["points"])
            why = fault(Cause.SCORE, value=value, points=points, **named)
            self.faults.append(why)
            cell.outputs = [outputs.error(SCORE_ERROR, why.sentence), *cell.outputs]
        return cell, resources
