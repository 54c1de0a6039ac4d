"""Run a notebook's visible tests, as ``nbgrader validate`` does: ``python -m extensions.coursework.check FILE FORM``.

A process for one check, ended when nobody waits for it any more; its kernel goes with it. Prints one JSON object:
``{"said": ...}`` or ``{"refused": {code, message, remedy}}``. In the form ``nbgrader`` it says what nbgrader's own
Validator does; in the form ``cells`` it is ``{"cells": [...]}``, where each cell that counts has

- ``name`` (its grade_id), ``index`` (its place in the notebook, from 0), ``points``;
- ``state``: ``passed``, ``failed``, ``person`` (graded by a person), ``unanswered``, or ``changed`` where it is not as
  it was given, so that grading would replace it;
- ``message``, a line, and ``details``, the end of the traceback: why it failed.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.kernelspec import NoSuchKernel
from jupyter_core.paths import jupyter_runtime_dir
from nbclient.exceptions import DeadKernelError
from nbconvert.filters import strip_ansi
from nbgrader import utils
from nbgrader.apps import NbGrader
from nbgrader.nbgraderformat import SchemaTooNewError, SchemaTooOldError, ValidationError
from nbgrader.validator import Validator

from campus_base.errors import CampusError

_LINE = 300  # characters
_DETAILS = 6000


class Check(Validator):
    """nbgrader's own validation, cell by cell."""

    def look(self, path: Path) -> dict[str, Any]:
        """Execute the notebook and tell of each cell. Raises CampusError."""
        with utils.chdir(str(path.parent)):
            notebook = _read(path)
            retyped = {id(cell) for cell in self._get_type_changed_cells(notebook)}
            given = {id(cell) for cell in self._get_changed_cells(notebook)} | retyped
            was_changed = [id(cell) in given for cell in notebook.cells]
            ran = self._ran(notebook)
        cells = zip(ran.cells, was_changed, strict=True)
        told = [self._told(index, cell, changed) for index, (cell, changed) in enumerate(cells)]
        return {"cells": [cell for cell in told if cell]}

    def _ran(self, notebook: Any) -> Any:
        try:
            return self._preprocess(notebook)
        except NoSuchKernel as error:
            raise CampusError(
                "no-kernel", f"This notebook asks for the kernel {error.name}, which is not here.", "Choose another."
            ) from error
        except DeadKernelError as error:
            raise CampusError(
                "kernel-died",
                "The kernel ended while the notebook ran.",
                "Is the memory used up? Shut down notebooks that you do not need, and try again.",
            ) from error
        except (ValidationError, SchemaTooOldError, SchemaTooNewError) as error:
            raise CampusError(
                "metadata",
                "nbgrader's marks in this notebook are damaged or of another version.",
                "Rename the notebook, open the assignment again, and copy your answers into the fresh one.",
            ) from error

    def _told(self, index: int, cell: Any, changed: bool) -> dict[str, Any] | None:
        """None for a cell that does not count."""
        if not (utils.is_grade(cell) or utils.is_task(cell) or changed):
            return None
        marks = cell.metadata["nbgrader"]
        told = {"name": marks["grade_id"], "index": index, "points": marks.get("points"), "message": "", "details": ""}
        if changed:
            return told | {"state": "changed"}
        score, most = utils.determine_grade(cell, self.log) if utils.is_grade(cell) else (None, 0)
        if score is None:
            return told | {"state": "person"}
        if utils.is_solution(cell):
            return told | {"state": "unanswered"}
        if score < most or (most == 0 and utils.has_failed(cell)):
            message = _reason(cell) or f"{score:g} of {most:g} points."
            return told | {"state": "failed", "message": message, "details": self._details(cell)}
        return told | {"state": "passed"}

    def _details(self, cell: Any) -> str:
        return strip_ansi(self._extract_error(cell))[-_DETAILS:]


def _reason(cell: Any) -> str:
    """The error that a cell ended with, in a line."""
    for output in cell.outputs:
        if output.output_type == "error":
            first = strip_ansi(output.evalue).strip().partition("\n")[0]
            return (f"{output.ename}: {first}" if first else str(output.ename))[:_LINE]
    return ""


def _read(path: Path) -> Any:
    try:
        return nbformat.read(path.name, as_version=nbformat.current_nbformat)
    except (OSError, ValueError, nbformat.ValidationError) as error:
        raise CampusError(
            "no-notebook", f"{path.name} cannot be read as a notebook.", "Save it in JupyterLab, and try again."
        ) from error


def _config() -> Any:
    """nbgrader's, as for its command; the kernel speaks over sockets in the session's private folder."""
    app = NbGrader()
    app.load_config_file()
    app.config.KernelManager.transport = "ipc"
    app.config.KernelManager.connection_file = os.path.join(jupyter_runtime_dir(), f"check-{os.getpid()}.json")
    return app.config


def main() -> None:
    # What nbgrader and the notebook's kernel print is not the answer.
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    try:
        path, form = sys.argv[1:]
        check = Check(config=_config())
        told: dict[str, Any] = {"said": check.validate(path) if form == "nbgrader" else check.look(Path(path))}
    except CampusError as error:
        told = {"refused": error.as_dict()}
    except Exception:  # whatever stands in a person's nbgrader_config.py, or in a notebook
        logging.exception("Campus: check")
        told = {
            "refused": CampusError(
                "check-failed",
                "The notebook could not be checked.",
                "Restart its kernel and run all cells: what is wrong shows there.",
            ).as_dict()
        }
    print(json.dumps(told), file=answer, flush=True)


if __name__ == "__main__":
    main()
