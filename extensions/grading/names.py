"""What the folders and files of grading are called, below a course's folder."""

from __future__ import annotations

from pathlib import Path

SANITISED = ".grading/sanitised"
EXECUTED = ".grading/executed"
OLD = ".grading/old"
STATE = ".grading"
RESULT = "result.json"
SUBMISSION = "submission_secret.txt"
"""In a submission's folder: its id at the exchange, where it was collected from there."""


def state_folder(course: Path, assignment: str) -> Path:
    """What is kept of the grading of an assignment."""
    return course / STATE / "runs" / assignment
