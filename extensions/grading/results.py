"""What is known of a submission beside its score, as long as its grade stands: why it lost points, or has none.

``state`` is the assignment's folder (names.state_folder).
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from campus_base.errors import CampusError
from extensions.grading.faults import Cause, Fault


def keep(state: Path, student: str, faults: Sequence[Fault], seconds: float) -> None:
    """It has a grade."""
    _write(state, student, {"faults": [dataclasses.asdict(fault) for fault in faults], "seconds": round(seconds, 2)})


def keep_failure(state: Path, student: str, error: CampusError) -> None:
    """It has none, through no fault of its own."""
    _write(state, student, {"failed": error.as_dict()})


def read(state: Path, student: str) -> dict[str, Any]:
    """``faults`` and ``seconds``, or ``failed``; empty where it was never graded here."""
    try:
        return json.loads(_path(state, student).read_text())
    except (OSError, ValueError):
        return {}


def faults(state: Path, student: str) -> list[Fault]:
    """Why it lost points."""
    kept = read(state, student).get("faults", [])
    return [Fault(**{**fault, "cause": Cause(fault["cause"])}) for fault in kept]


def _path(state: Path, student: str) -> Path:
    return state / "results" / f"{student}.json"


def _write(state: Path, student: str, found: dict[str, Any]) -> None:
    path = _path(state, student)
    path.parent.mkdir(exist_ok=True)
    made = path.with_name(f"{path.name}.new")
    made.write_text(json.dumps(found))
    made.replace(path)
