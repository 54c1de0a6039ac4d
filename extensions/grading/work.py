"""Executing one submission: sanitised notebooks in, executed ones and what went wrong out. No gradebook in reach."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from traitlets.config import Config

from extensions.grading import names
from extensions.grading.execute import SandboxedExecute, give_nothing
from extensions.grading.faults import Cause, Fault, fault


@dataclasses.dataclass(frozen=True)
class Job:
    """One submission to execute: from ``sanitised`` to ``executed``."""

    student: str
    sanitised: str
    executed: str
    digest: str


@dataclasses.dataclass(frozen=True)
class Result:
    """What executing it gave, beside the notebooks."""

    digest: str
    faults: tuple[Fault, ...] = ()
    seconds: float = 0.0
    cell_seconds: float = 0.0
    """How much of it the submission's own cells took."""

    def dump(self) -> str:
        return json.dumps(dataclasses.asdict(self))


def stored(job: Job) -> Result | None:
    """The result of an earlier run, where it is of the same submission, tests and limits."""
    try:
        found = json.loads((Path(job.executed) / names.RESULT).read_text())
    except (OSError, ValueError):
        return None
    if found["digest"] != job.digest:
        return None
    return Result(**{**found, "faults": tuple(Fault(**fault) for fault in found["faults"])})


def execute(job: Job, config: Config) -> Result:
    """Execute a submission's notebooks one after the other, and store them whole or not at all.

    Raises CampusError where no sandbox can be made.
    """
    os.environ["NBGRADER_EXECUTION"] = "autograde"  # as nbgrader sets it; the kernel gets it
    started = time.monotonic()
    faults: list[Fault] = []
    notebooks: dict[str, NotebookNode] = {}
    cell_seconds = 0.0
    paths = sorted(Path(job.sanitised).glob("*.ipynb"))
    for path in paths:
        step = SandboxedExecute(config=config)
        step.last = path == paths[-1]
        resources: dict[str, Any] = {"metadata": {"path": job.sanitised}, "unique_key": path.stem}
        notebooks[path.name], _ = step.preprocess(nbformat.read(path, as_version=4), resources)
        faults += step.faults
        cell_seconds += step.cell_seconds
    return _store(job, notebooks, Result(job.digest, tuple(faults), time.monotonic() - started, cell_seconds))


def give_up(job: Job, cause: Cause, **values: object) -> Result:
    """No points for a submission that took down whatever was to execute it."""
    faults: list[Fault] = []
    notebooks: dict[str, NotebookNode] = {}
    for path in sorted(Path(job.sanitised).glob("*.ipynb")):
        why = fault(cause, notebook=path.stem, cell="1", log="", **values)
        notebooks[path.name] = nbformat.read(path, as_version=4)
        give_nothing(notebooks[path.name].cells, why)
        faults.append(why)
    return _store(job, notebooks, Result(job.digest, tuple(faults)))


def _store(job: Job, notebooks: dict[str, NotebookNode], result: Result) -> Result:
    target = Path(job.executed)
    made = target.with_name(f"{target.name}.new")
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(parents=True)
    for name, notebook in notebooks.items():
        nbformat.write(notebook, made / name)
    (made / names.RESULT).write_text(result.dump())
    shutil.rmtree(target, ignore_errors=True)
    made.rename(target)
    return result
