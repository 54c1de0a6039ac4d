"""Grading in sandboxes gives what nbgrader gives without one, cell by cell."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.support.course import STOCK, Course, Notebook, cell, named, notebook, solve, text

# What a student may write between two tests, and what nbgrader makes of it.
ODD = {
    "wrong": "value = 2",
    "raises": "1 / 0",
    "syntax": "value = (",
    "stderr": "import sys\ndef value(): print('x', file=sys.stderr)",
    "warns": "import warnings\ndef value(): warnings.warn('careful')",
    "partial": "value = 1.5",
    "words": "value = 'good'",
    "shell": "!echo from the shell\nvalue = 3",
    "shows": "from IPython.display import display, HTML\ndisplay(HTML('<b>x</b>'))\nvalue = display",
    "prints": "print('many\\n' * 2000)\nvalue = 3",
    "exits": "import sys\nsys.exit(0)",
    "sleeps": "import time\ndef value(): time.sleep(60)",
}
SOLUTION = "### BEGIN SOLUTION\nvalue = 3\n### END SOLUTION"
VISIBLE = "value() if callable(value) else value"
HIDDEN = "assert value\n### BEGIN HIDDEN TESTS\nassert value == 3, 'HIDDEN'\n### END HIDDEN TESTS"
ONE = notebook(
    cell("# Numbers", kind="markdown"),
    cell("import math\nvalue = None"),
    cell("LIMIT = 10", "given", role="locked"),
    *(
        made
        for name in ODD
        for made in (
            cell(SOLUTION, name, role="solution"),
            cell(VISIBLE, f"{name}-seen", role="test", points=3),
            cell(HIDDEN, f"{name}-hidden", role="test", points=2),
        )
    ),
    cell("Explain.", "words-manual", kind="markdown", role="manual", points=4),
    cell("### BEGIN SOLUTION\nplot = 1\n### END SOLUTION", "code-manual", role="manual", points=5),
    cell("Do something.", "task", kind="markdown", role="task", points=6),
    cell("print('end', LIMIT)"),
)
TWO = notebook(
    cell("### BEGIN SOLUTION\nopen('kept.txt', 'w').write('from two')\n### END SOLUTION", "s1", role="solution"),
    cell("assert open('given.txt').read() == 'given'", "t1", role="test", points=1),
)
THREE = notebook(
    cell("### BEGIN SOLUTION\nx = open('kept.txt').read()\n### END SOLUTION", "s1", role="solution"),
    cell("assert x == 'from two'", "t1", role="test", points=1),
)
RIGHT = solve(**dict.fromkeys(ODD, "value = 3"))
STUDENTS = ("edits", "odd", "one", "right", "untouched")


def edits(found: Notebook) -> None:
    """Tests changed, points changed, cells gone, and answers to what is graded by hand."""
    RIGHT(found)
    solve(**{"wrong-seen": "3", "given": "LIMIT = 99", "words-manual": "Because.", "code-manual": "plot = 2"})(found)
    named(found, "raises-hidden")["metadata"]["nbgrader"].update(points=1000)
    for name in ("syntax-seen", "partial", "task"):
        found["cells"].remove(named(found, name))


def submit_everything(course: Course) -> None:
    """Every kind of cell, and of mischief that nbgrader gives a score for."""
    (course.root / "source" / "a1").mkdir(parents=True)
    (course.root / "source" / "a1" / "given.txt").write_text("given")
    course.generate(ps1=ONE, ps2=TWO, ps3=THREE)
    writes, reads = solve(s1="open('kept.txt', 'w').write('from two')"), solve(s1="x = open('kept.txt').read()")
    late = {"given.txt": "changed", "timestamp.txt": "2026-01-02 03:04:05.000000 UTC"}
    course.submit("right", ps1=RIGHT, ps2=writes, ps3=reads, files=late)
    course.submit("untouched")
    for student, edit in (("odd", solve(**ODD)), ("edits", edits), ("one", RIGHT)):
        folder = course.submit(student, ps1=edit)
        for name in ("ps2", "ps3"):
            (folder / f"{name}.ipynb").unlink()


def comparable(course: Course) -> dict[str, Any]:
    """What each cell of each graded notebook holds; numbers that differ from run to run are taken out."""
    found = {}
    for path in sorted(course.root.glob("autograded/*/a1/*.ipynb")):
        cells = json.loads(path.read_text())["cells"]
        found[f"{path.parts[-3]}/{path.name}"] = [
            (text(c["source"]), c["metadata"].get("nbgrader"), [plain(o) for o in c.get("outputs", [])]) for c in cells
        ]
    return found


def plain(output: dict[str, Any]) -> str:
    shown = re.sub(
        r"/tmp/ipykernel_\d+/\d+\.py|ipykernel_\d+|0x[0-9a-f]+|'\.ipython', |, '\.ipython'", "…", json.dumps(output)
    )
    return shown if output["output_type"] != "error" else f"{output['ename']}: {output['evalue']}"


@pytest.fixture(scope="module")
def graded(environment: Path, base: Path) -> dict[str, Course]:
    """The same course, graded by nbgrader alone, by nbgrader's command in a session, and in bulk."""
    made = Course(environment, base / "made")
    submit_everything(made)
    found = {}
    for name, more in (("stock", STOCK), ("command", ""), ("bulk", "")):
        shutil.copytree(base / "made", base / name)
        course = Course(environment, base / name)
        course.configure(f"c.Execute.timeout = 3\n{more}")
        found[name] = course
    found["stock"].autograde()
    found["command"].autograde()
    found["bulk"].grade()
    return found


def test_every_score_and_comment_is_nbgraders(graded: dict[str, Course]) -> None:
    stock = graded["stock"].grades()
    assert sorted({student for student, _, _ in stock}) == list(STUDENTS)
    assert graded["command"].grades() == stock
    assert graded["bulk"].grades() == stock


def test_every_cell_is_nbgraders(graded: dict[str, Course]) -> None:
    stock = comparable(graded["stock"])
    assert comparable(graded["command"]) == stock
    assert comparable(graded["bulk"]) == stock
