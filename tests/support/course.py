"""A course's folder, made and graded with the programs of the session environment, as an account that is not root."""

from __future__ import annotations

import copy
import json
import os
import sqlite3
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

NOBODY = 65534
Notebook = dict[str, Any]
Edit = Callable[[Notebook], None]

# nbgrader's own lists, in place of those that the environment sets: grading without a sandbox, to compare with.
STOCK = """
c.Autograde.sanitize_preprocessors = ["nbgrader.preprocessors." + name for name in (
    "ClearOutput", "DeduplicateIds", "OverwriteKernelspec", "OverwriteCells", "CheckCellMetadata")]
c.Autograde.autograde_preprocessors = [
    "nbgrader.preprocessors.Execute", "nbgrader.preprocessors.IgnorePattern",
    "nbconvert.preprocessors.ClearMetadataPreprocessor", "nbgrader.preprocessors.LimitOutput",
    "nbgrader.preprocessors.SaveAutoGrades", "nbgrader.preprocessors.AssignLatePenalties",
    "nbgrader.preprocessors.CheckCellMetadata"]
"""
_GRADES = """
select student.id, notebook.name, base_cell.name, grade.auto_score, grade.needs_manual_grade, comment.auto_comment
from grade
join submitted_notebook on grade.notebook_id = submitted_notebook.id
join submitted_assignment on submitted_notebook.assignment_id = submitted_assignment.id
join student on submitted_assignment.student_id = student.id
join notebook on submitted_notebook.notebook_id = notebook.id
join base_cell on grade.cell_id = base_cell.id
left join comment on comment.cell_id = base_cell.id and comment.notebook_id = submitted_notebook.id
"""


def cell(
    source: str, name: str = "", *, kind: str = "code", role: str = "", points: float | None = None
) -> dict[str, Any]:
    """A cell; ``role`` is one of nbgrader's: solution, test, manual, task, locked."""
    made: dict[str, Any] = {"cell_type": kind, "metadata": {}, "source": source}
    if kind == "code":
        made |= {"outputs": [], "execution_count": None}
    if role:
        made["metadata"]["nbgrader"] = {
            "schema_version": 3,
            "grade_id": name,
            "grade": role in ("test", "manual"),
            "solution": role in ("solution", "manual"),
            "locked": role in ("test", "locked", "task"),
            "task": role == "task",
            **({"points": points} if points is not None else {}),
        }
    return made


def notebook(*cells: dict[str, Any]) -> Notebook:
    spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    numbered = [{**copy.deepcopy(c), "id": f"c{number}"} for number, c in enumerate(cells)]
    return {"cells": numbered, "metadata": {"kernelspec": spec}, "nbformat": 4, "nbformat_minor": 5}


def named(found: Notebook, name: str) -> dict[str, Any]:
    """The cell with that grade_id."""
    return next(c for c in found["cells"] if c["metadata"].get("nbgrader", {}).get("grade_id") == name)


def text(source: str | list[str]) -> str:
    return source if isinstance(source, str) else "".join(source)


def printed(one: dict[str, Any]) -> str:
    """What a cell of a graded notebook printed or showed."""
    return "".join(
        text(o.get("text") or o.get("evalue") or o.get("data", {}).get("text/plain", "")) for o in one["outputs"]
    )


class Course:
    """One course with the assignment ``a1``."""

    def __init__(self, environment: Path, folder: Path, uid: int = NOBODY) -> None:
        self.environment = environment
        self.home = folder
        self.root = folder / "course"
        self.uid = uid
        self.root.mkdir(parents=True, exist_ok=True)
        if not (self.root / "nbgrader_config.py").exists():
            self.configure("")

    def configure(self, more: str) -> None:
        config = f"c = get_config()\nc.CourseDirectory.course_id = 'c'\n{more}"
        (self.root / "nbgrader_config.py").write_text(config)

    def run(self, *argv: str, check: bool = True, **more: str) -> subprocess.CompletedProcess[str]:
        """A program of the environment, in the course's folder, as its grader."""
        become: dict[str, Any] = {}
        if os.getuid() == 0:
            for path in (self.home, *self.home.rglob("*")):
                os.chown(path, self.uid, self.uid, follow_symlinks=False)
            become = {"user": self.uid, "group": self.uid, "extra_groups": []}
        program = str(self.environment / "bin" / argv[0])
        done = subprocess.run(
            [program, *argv[1:]],
            cwd=self.root,
            env={
                "PATH": f"{self.environment}/bin:/usr/local/bin:/usr/bin:/bin",
                "HOME": str(self.home),
                "LANG": "C.UTF-8",
                **more,
            },
            capture_output=True,
            text=True,
            check=False,
            **become,
        )
        assert not check or done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done

    def generate(self, **notebooks: Notebook) -> None:
        """The assignment's own notebooks, and what nbgrader releases of them."""
        folder = self.root / "source" / "a1"
        folder.mkdir(parents=True, exist_ok=True)
        for name, made in notebooks.items():
            (folder / f"{name}.ipynb").write_text(json.dumps(made))
        self.run("nbgrader", "generate_assignment", "a1", "--force")

    def submit(self, student: str, *edits: Edit, files: dict[str, str] | None = None, **more: Edit) -> Path:
        """A submission: the release as these change it (``more`` by notebook); returns its folder."""
        folder = self.root / "submitted" / student / "a1"
        folder.mkdir(parents=True, exist_ok=True)
        for path in (self.root / "release" / "a1").glob("*.ipynb"):
            made = json.loads(path.read_text())
            for edit in (*edits, *([more[path.stem]] if path.stem in more else [])):
                edit(made)
            (folder / path.name).write_text(json.dumps(made))
        for name, content in (files or {}).items():
            (folder / name).write_text(content)
        return folder

    def grade(self, *options: str, check: bool = True) -> list[dict[str, Any]]:
        """Bulk grading; the events."""
        done = self.run("python", "-m", "extensions.grading", "a1", "--json", *options, check=check)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def autograde(self, *options: str, check: bool = True) -> str:
        """nbgrader's own command; its log."""
        return self.run("nbgrader", "autograde", "a1", *options, check=check).stderr

    def grades(self) -> dict[tuple[str, str, str], tuple[Any, ...]]:
        """Everything that grading wrote into the gradebook, by student, notebook and cell."""
        with sqlite3.connect(self.root / "gradebook.db") as book:
            return {tuple(row[:3]): tuple(row[3:]) for row in book.execute(_GRADES)}  # type: ignore[misc]

    def score(self, student: str, name: str, notebook: str = "ps1") -> float | None:
        return self.grades()[student, notebook, name][0]

    def graded(self, student: str, name: str = "ps1") -> Notebook:
        return json.loads((self.root / "autograded" / student / "a1" / f"{name}.ipynb").read_text())


def solve(**sources: str) -> Edit:
    """Puts these sources into the cells with these grade_ids."""

    def edit(found: Notebook) -> None:
        for one in found["cells"]:
            name = one["metadata"].get("nbgrader", {}).get("grade_id")
            if name in sources:
                one["source"] = sources[name]

    return edit


def events(found: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The last event of each student."""
    return {event["student"]: event for event in found if "student" in event}
