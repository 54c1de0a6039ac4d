"""A course with its grader's folder and the real exchange: what graders and trainees do, and see."""

from __future__ import annotations

import json
from typing import Any

from tests.support.course import Course, Edit, cell, notebook, solve
from tests.support.exchange import Exchange

GRADER = "grader-dl"
PATH = "/courses/dl/assignments/a1"
ASSIGNMENT = notebook(
    cell("### BEGIN SOLUTION\npoints = 3\n### END SOLUTION", "s1", role="solution"),
    cell("points", "t1", role="test", points=3),
    cell("### BEGIN HIDDEN TESTS\nassert points == 3, 'SECRET'\n### END HIDDEN TESTS", "t2", role="test", points=2),
    cell("Why?", "why", kind="markdown", role="manual", points=5),
)


RIGHT = solve(s1="points = 3", why="Because.")


class Taught:
    """A course with its grader's folder, and the exchange."""

    def __init__(self, course: Course, exchange: Exchange) -> None:
        self.course, self.exchange = course, exchange
        self.session = {"CAMPUS_EXCHANGE_URL": exchange.url, "JUPYTERHUB_API_TOKEN": GRADER}
        exchange.put(GRADER, "/courses/dl", {"title": "x", "enrolment": "open"})

    def release(self, **policy: Any) -> None:
        self.released = (self.course.root / "release" / "a1" / "ps1.ipynb").read_bytes()
        self.exchange.release("dl", "a1", {"ps1.ipynb": self.released}, title="A", **policy)

    def submit(self, who: str, *edits: Edit) -> dict[str, Any]:
        made = json.loads(self.released)
        for edit in edits:
            edit(made)
        return self.exchange.submitted(who, "dl", "a1", {"ps1.ipynb": json.dumps(made).encode()})

    def grade(self, *options: str, check: bool = True) -> list[dict[str, Any]]:
        words = ("python", "-m", "extensions.grading", "a1", "--json", *options)
        done = self.course.run(*words, check=check, **self.session)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def seen_by(self, who: str) -> dict[str, Any]:
        """Their submissions, as they see them: the last."""
        return self.exchange.get(who, f"{PATH}/submissions")[-1]

    def told(self, who: str) -> dict[str, Any]:
        return self.exchange.get(GRADER, f"{PATH}/submissions?user={who}")[-1]

    def log(self) -> list[str]:
        return [entry["what"] for entry in self.exchange.get(GRADER, "/courses/dl/audit?limit=1000")["entries"]]
