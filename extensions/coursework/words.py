"""What people read of an assignment before they submit it: the same on the page and in JupyterLab."""

from __future__ import annotations

import datetime
from typing import Any

_DAY = 86400


def moment(text: str) -> datetime.datetime:
    """A time as the exchange writes it."""
    return datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=datetime.UTC)


def span(seconds: float) -> str:
    """``3 days``, ``2 h 10 min``, ``4 min``: with what matters at that distance."""
    minutes = max(1, round(seconds / 60))
    days, hours = round(seconds / _DAY), minutes // 60
    if days >= 2:
        return f"{days} days"
    if not hours:
        return f"{minutes} min"
    return f"{hours} h {minutes % 60} min" if minutes % 60 else f"{hours} h"


def size(number: float) -> str:
    """Bytes, as ``20 kB``."""
    if number < 1000:
        return f"{number:g} bytes"
    for unit in ("kB", "MB"):
        number /= 1000
        if number < 999.5:
            return f"{number:.3g} {unit}"
    return f"{number / 1000:.3g} GB"


def count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def per_cent(share: float) -> str:
    return f"{100 * share:.3g} %"


def facts(assignment: dict[str, Any], now: datetime.datetime) -> list[dict[str, str]]:
    """Rows of ``name``, ``time`` (ISO 8601, may be empty; shown in the reader's own zone) and ``text``."""
    rows = [_due(assignment, now)]
    if minutes := assignment["minutes"]:
        rows.append({"name": "Time", "time": "", "text": f"{minutes} minutes, from when you opened it"})
    if not assignment["refusal"] and (late := _late(assignment)):
        rows.append({"name": "Late", **late})
    rows.append({"name": "Attempts", "time": "", "text": _attempts(assignment)})
    return rows


def _due(assignment: dict[str, Any], now: datetime.datetime) -> dict[str, str]:
    if not (due := assignment["my_due"]):
        return {"name": "Due", "time": "", "text": "whenever you like"}
    left = (moment(due) - now).total_seconds()
    text = f"in {span(left)}" if left > 0 else f"{span(-left)} ago"
    return {"name": "Due", "time": due, "text": text}


def _late(assignment: dict[str, Any]) -> dict[str, str] | None:
    """What being late costs; None where it is not late and would cost nothing."""
    penalty = assignment["late_policy"]["penalty_per_day"]
    cost = f"{per_cent(penalty)} of the points are taken off for each day" if penalty else "it is marked as late"
    if assignment["late"]:
        until = "; taken until " if assignment["closes"] else ""
        return {"time": assignment["closes"] or "", "text": f"This submission is late: {cost}{until}"}
    if not assignment["my_due"]:
        return None
    if assignment["closes"] == assignment["my_due"]:
        return {"time": "", "text": "not taken after the due date"}
    return {"time": "", "text": f"afterwards {cost}"}


def _attempts(assignment: dict[str, Any]) -> str:
    used, allowed = assignment["attempts_used"], assignment["attempts_allowed"]
    if allowed is None:
        return f"any number; {used} so far" if used else "any number"
    return f"{max(0, allowed - used)} of {allowed} left"
