"""How far a run is, from the events that it wrote: for every page that looks, whoever started it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from extensions.grading import lock
from extensions.grading.names import state_folder

_COUNTS = ("done", "failed", "total", "eta_seconds")
_ENDS = {"end": "ended", "stopped": "stopped"}


def run_state(course: Path, assignment: str, running: bool) -> dict[str, Any] | None:
    """The last run of an assignment; None where there was none. An object of

    - ``assignment``; ``what``: "grades" or "feedback"; ``where``, in words;
    - ``state``: "running", "ended", "stopped" (then ``error`` is an object of ``code``, ``message`` and ``remedy``) or
      "interrupted"; ``note``: what it says beside; ``started`` and ``last``: when, as ISO 8601;
    - ``standing``, ``done``, ``failed``, ``total``, ``eta_seconds``, ``seconds`` and ``causes``, as in docs/grading.md.
    """
    try:
        lines = (state_folder(course, assignment) / "progress.jsonl").read_text().splitlines()
    except FileNotFoundError:
        return None
    state: dict[str, Any] = {"assignment": assignment, "state": "running" if running else "interrupted"}
    state |= {"what": "grades", "where": "", "note": "", "started": None, "last": None, "error": None, "standing": 0}
    state |= {"done": 0, "failed": 0, "total": 0, "eta_seconds": None, "seconds": None, "causes": {}}
    for event in _events(lines):
        state["last"] = event["time"]
        state |= {key: event[key] for key in _COUNTS if key in event}
        if event["event"] == "start":
            state |= {key: event[key] for key in ("what", "where", "standing") if key in event}
            state |= {"started": event["time"], "note": ""}
        elif event["event"] == "note":
            state["note"] = event["sentence"]
        elif event["event"] in _ENDS:
            state["state"] = _ENDS[event["event"]]
            state |= {key: event[key] for key in ("seconds", "causes") if key in event}
            if event["event"] == "stopped":
                state["error"] = {key: event[key] for key in ("code", "message", "remedy")}
    return state


def current(course: Path) -> dict[str, Any] | None:
    """The run that goes on, else the last one of all."""
    if assignment := lock.running(course):
        return run_state(course, assignment, True)
    found = sorted((course / ".grading" / "runs").glob("*/progress.jsonl"), key=lambda path: path.stat().st_mtime)
    return run_state(course, found[-1].parent.name, False) if found else None


def _events(lines: list[str]) -> list[dict[str, Any]]:
    found = []
    for line in lines:
        try:
            found.append(json.loads(line))
        except ValueError:
            break  # it is being written
    return found
