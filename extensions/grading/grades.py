"""A submission's grade: from nbgrader's gradebook, as the exchange takes it (docs/courses-api.md, "Submissions")."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nbgrader.api import Gradebook, MissingEntry

from extensions.grading.faults import Fault

LATE = "late"


def grade(book: Gradebook, assignment: str, student: str, faults: Sequence[Fault] = ()) -> dict[str, Any] | None:
    """``score``, ``max_score``, ``cells`` and ``causes``; None where the gradebook has no submission of theirs."""
    try:
        submission = book.find_submission(assignment, student)
    except MissingEntry:
        return None
    took = {f"{fault.notebook}/{fault.cell}": str(fault.cause) for fault in faults}
    cells = {}
    for notebook in submission.notebooks:
        for one in notebook.grades:
            name = f"{notebook.name}/{one.name}"
            cells[name] = {"score": one.score, "max_score": one.max_score}
            cells[name] |= {"manual": True} if one.needs_manual_grade else {}
            cells[name] |= {"cause": took[name]} if name in took else {}
    causes = dict.fromkeys([*(str(fault.cause) for fault in faults), *([LATE] if penalty(submission) else [])])
    # More than the maximum is possible with extra credit; what people see ends there.
    score = min(max(submission.score - penalty(submission), 0), submission.max_score)
    return {"score": score, "max_score": submission.max_score, "cells": cells, "causes": list(causes)}


def penalty(submission: Any) -> float:
    """What being late took off, of all notebooks of a gradebook's submission."""
    return sum(notebook.late_submission_penalty or 0.0 for notebook in submission.notebooks)


def told(book: Gradebook, assignment: str, student: str) -> dict[str, Any]:
    """For a run's events: ``score``, ``max_score``, ``penalty`` and ``needs_manual_grade``."""
    try:
        submission = book.find_submission(assignment, student)
    except MissingEntry:
        return {}
    late = penalty(submission)
    return {
        "score": submission.score - late,
        "max_score": submission.max_score,
        "penalty": late,
        "needs_manual_grade": submission.needs_manual_grade,
    }
