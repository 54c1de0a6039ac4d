"""What a submission may hold, before nbgrader looks at it: plain files, and each cell of the course's once."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbgrader.preprocessors import DeduplicateIds, NbGraderPreprocessor

LARGEST_NOTEBOOK = 16 * 2**20  # bytes; read as a whole, it takes many times that


class Unreadable(Exception):
    """A submission, or a notebook of it, that cannot be graded; the message says why, as the end of a sentence."""


def check(folder: Path) -> None:
    """Raises Unreadable where there is anything but files and folders, or a notebook that is too large."""
    for where, folders, names in os.walk(folder):
        for name in (*folders, *names):
            found = os.lstat(os.path.join(where, name))
            if not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)):
                raise Unreadable(f"{name!r} in the submission is a link or another special file")
            if name.endswith(".ipynb") and found.st_size > LARGEST_NOTEBOOK:
                raise Unreadable(f"{name!r} is larger than {LARGEST_NOTEBOOK // 2**20} MiB")


class OfEachOne(DeduplicateIds):
    """Of cells with one id, the last counts, as nbgrader has it; the others are left as plain cells.

    nbgrader (0.9.6) leaves empty metadata there, which it then takes for an old format's, and stops the whole run.
    """

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        nb, resources = super().preprocess(nb, resources)
        for cell in nb.cells:
            if cell.metadata.get("nbgrader") == {}:
                del cell.metadata["nbgrader"]
        return nb, resources


class PlainFiles(NbGraderPreprocessor):
    """The first of ``Autograde.sanitize_preprocessors``: a link would be followed with the grader's rights.

    Raises Unreadable.
    """

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        check(Path(resources["metadata"]["path"]))
        return nb, resources
