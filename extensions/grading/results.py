"""What is known of a submission beside its score, as long as its grade stands: why it lost points, or has none."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from campus_base.errors import CampusError
from extensions.grading.faults import Cause, Fault
from extensions.grading.layout import Layout


def keep(placed: Layout, student: str, faults: Sequence[Fault], seconds: float) -> None:
    """It has a grade."""
    _write(placed, student, {"faults": [dataclasses.asdict(fault) for fault in faults], "seconds": round(seconds, 2)})


def keep_failure(placed: Layout, student: str, error: CampusError) -> None:
    """It has none, through no fault of its own."""
    _write(placed, student, {"failed": error.as_dict()})


def read(placed: Layout, student: str) -> dict[str, Any]:
    """``faults`` and ``seconds``, or ``failed``; empty where it was never graded here."""
    try:
        return json.loads(_path(placed, student).read_text())
    except (OSError, ValueError):
        return {}


def faults(placed: Layout, student: str) -> list[Fault]:
    """Why it lost points."""
    kept = read(placed, student).get("faults", [])
    return [Fault(**{**fault, "cause": Cause(fault["cause"])}) for fault in kept]


def _path(placed: Layout, student: str) -> Path:
    return placed.state / "results" / f"{student}.json"


def _write(placed: Layout, student: str, found: dict[str, Any]) -> None:
    path = _path(placed, student)
    path.parent.mkdir(exist_ok=True)
    made = path.with_name(f"{path.name}.new")
    made.write_text(json.dumps(found))
    made.replace(path)
