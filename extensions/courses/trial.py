"""``python -m extensions.courses.trial COURSE STAGED ANSWERS [MODULE...]``: how a course's tests grade answers.

Run as an ordinary account with a home of its own, in the session environment. The answers are the solution, what trainees
get, and those in the file ``ANSWERS`` (``{assignment: {name: {grade_id: source}}}``); grading is that of a class
(extensions.grading). Prints ``{assignment: {answer: {"cells": {grade_id: [score, maximum]}, "causes": [...]}}}``, of cells
that are tests.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nbgrader.api import Gradebook

from campus_base.process import run_sync
from extensions.courses.release import NotGenerated, generate, take, write_settings

SOLUTION, RELEASED = "solution", "released"
_GRADING_SECONDS = 3600


def _cells(source: Path) -> list[tuple[dict[str, Any], str]]:
    """nbgrader's marks in an assignment's own notebooks, each with its cell's text."""
    cells = [cell for path in source.glob("*.ipynb") for cell in json.loads(path.read_text())["cells"]]
    return [(cell["metadata"]["nbgrader"], cell["source"]) for cell in cells if "nbgrader" in cell["metadata"]]


def submit(root: Path, assignment: str, student: str, answers: Mapping[Any, str]) -> None:
    """What was released, with these answers in it, as a submission."""
    folder = root / "submitted" / student / assignment
    shutil.copytree(root / "release" / assignment, folder)
    for path in folder.glob("*.ipynb"):
        notebook = json.loads(path.read_text())
        for cell in notebook["cells"]:
            name = (cell["metadata"].get("nbgrader") or {}).get("grade_id")
            cell["source"] = answers.get(name, cell["source"])
        path.write_text(json.dumps(notebook))


def grade(root: Path, assignment: str) -> dict[str, list[str]]:
    """Grade every submission; by student, what took points other than a wrong answer. Raises ProgramFailed."""
    done = run_sync(
        [sys.executable, "-P", "-s", "-m", "extensions.grading", assignment, "--json"],
        what=f"Grading {assignment}",
        timeout=_GRADING_SECONDS,
        cwd=str(root),
    )
    events = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    if lost := [event["message"] for event in events if event["event"] == "failed"]:
        raise NotGenerated(lost[0])
    return {event["student"]: [fault["cause"] for fault in event["faults"]] for event in events if "faults" in event}


def results(
    root: Path, course: str, assignment: str, tests: set[str], causes: dict[str, list[str]]
) -> dict[str, Any]:
    """What each answer got at these tests."""
    found: dict[str, Any] = {}
    with Gradebook(f"sqlite:///{root}/gradebook.db", course) as book:
        for submission in book.assignment_submissions(assignment):
            cells = {
                grade.name: [grade.auto_score or 0.0, grade.max_score]
                for notebook in submission.notebooks
                for grade in notebook.grades
                if grade.name in tests
            }
            found[submission.student.id] = {"cells": cells, "causes": causes.get(submission.student.id, [])}
    return found


def main(course: str, staged: str, answers: str, *modules: str) -> None:
    os.umask(0o077)
    home = Path.home()
    root = home / "course"
    write_settings(home, course, list(modules))
    os.chdir(root)
    generate(root, take(Path(staged), root))
    found: dict[str, Any] = {}
    for assignment, wrong in json.loads(Path(answers).read_text()).items():
        marked = _cells(Path(staged) / assignment)
        solution = {mark["grade_id"]: text for mark, text in marked if mark["solution"]}
        tests = {mark["grade_id"] for mark, _ in marked if mark["grade"] and not mark["solution"]}
        submit(root, assignment, SOLUTION, solution)
        submit(root, assignment, RELEASED, {})
        for name, cells in wrong.items():
            submit(root, assignment, name, solution | cells)
        found[assignment] = results(root, course, assignment, tests, grade(root, assignment))
    print(json.dumps(found))


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except NotGenerated as problem:
        raise SystemExit(str(problem)) from None
