"""What the page shows of the course: from the exchange, and from what grading here has kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from extensions.exchange.client import Client
from extensions.grading import results
from extensions.grading.names import state_folder

_ASSIGNMENT = ("name", "title", "due", "released", "submitters", "submissions", "graded", "grade_on_submit")
_SUBMISSION = ("id", "user", "received", "attempt", "late_seconds", "score", "max_score", "graded", "grade_released")


class CourseAtExchange:
    """All of these wait for the exchange, up to half a minute. They raise CampusError."""

    def __init__(self, course: str, folder: Path, client: Client) -> None:
        self._path = f"/courses/{course}"
        self._folder, self._client = folder, client

    def assignments(self) -> list[dict[str, Any]]:
        """Each with its title, dates and counts (docs/courses-api.md)."""
        found = self._client.get(f"{self._path}/assignments", list, *_ASSIGNMENT)
        return [{key: one[key] for key in _ASSIGNMENT} for one in found]

    def submissions(self, assignment: str) -> list[dict[str, Any]]:
        """The latest of each person, as the exchange has it, and

        - ``state``: "graded", "failed" or "waiting"; ``failed``: why it has no grade (code, message, remedy);
        - ``manual``: whether a person still has to grade some of it; ``feedback``: whether it is released;
        - ``faults``: why it lost points, as in docs/grading.md.
        """
        state = state_folder(self._folder, assignment)
        path = f"{self._path}/assignments/{assignment}/submissions?latest=1"
        return [self._shown(one, state) for one in self._client.get(path, list, *_SUBMISSION, "cells", "feedback")]

    def waiting_on_submit(self) -> dict[str, set[str]]:
        """Submissions without a grade of assignments that are graded as soon as something comes in, by assignment."""
        found: dict[str, set[str]] = {}
        for one in self._client.get(f"{self._path}/pending", list, "id", "assignment"):
            found.setdefault(one["assignment"], set()).add(one["id"])
        return found

    @staticmethod
    def _shown(one: dict[str, Any], state: Path) -> dict[str, Any]:
        kept = results.read(state, one["user"])
        failed = None if one["graded"] else kept.get("failed")
        return {
            **{key: one[key] for key in _SUBMISSION},
            "state": "graded" if one["graded"] else "failed" if failed else "waiting",
            "failed": failed,
            "manual": any(cell.get("manual") for cell in (one["cells"] or {}).values()),
            "feedback": one["feedback"] is not None,
            "faults": kept.get("faults", []) if one["graded"] else [],
        }
