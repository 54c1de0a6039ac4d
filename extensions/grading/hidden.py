"""Which cells hold hidden tests, and what of a notebook may therefore be shown to trainees."""

from __future__ import annotations

from typing import Any

from nbformat import NotebookNode
from nbgrader import utils
from nbgrader.preprocessors import ClearHiddenTests

from extensions.grading.faults import is_ours
from extensions.grading.outputs import error

WITHHELD = "Output is withheld from the first hidden test on: code could have put the test into it."


def has_hidden_tests(cell: NotebookNode, config: Any) -> bool:
    """By nbgrader's own mark, which the course may have set to another (``ClearHiddenTests.begin_test_delimeter``)."""
    mark = config.ClearHiddenTests.get("begin_test_delimeter", ClearHiddenTests.begin_test_delimeter.default_value)
    # Only a locked cell's source is the course's own: it was put back from the gradebook.
    return cell.cell_type == "code" and utils.is_locked(cell) and mark in cell.source


class WithholdHidden(ClearHiddenTests):
    """In ``GenerateFeedback.preprocessors``: takes out hidden tests, and all outputs from the first of them on.

    A hidden test runs in one process with the student's code, which can read it there and print it, in that cell or in
    any later one. What was shown before it runs is safe (``execute.py`` lets nothing change it afterwards).
    """

    enforce_metadata = False

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        seen = False
        for cell in nb.cells:
            seen = seen or has_hidden_tests(cell, self.config)
            if seen and cell.cell_type == "code" and cell.outputs:
                ours = [error(output.ename, output.evalue) for output in cell.outputs if is_ours(output)]
                cell.outputs = ours or [_note()]
        return super().preprocess(nb, resources)

    def preprocess_cell(self, cell: NotebookNode, resources: Any, cell_index: int) -> tuple[NotebookNode, Any]:
        if has_hidden_tests(cell, self.config):
            return super().preprocess_cell(cell, resources, cell_index)
        return cell, resources


def _note() -> NotebookNode:
    return NotebookNode(output_type="stream", name="stdout", text=WITHHELD + "\n")
