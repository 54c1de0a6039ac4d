"""What somebody asked to be done. It is kept until it is done, so that a session that ends meanwhile loses nothing."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

from campus_base.errors import CampusError
from extensions.grading.names import STATE

_KEPT = "order.json"
_ASSIGNMENT = re.compile(r"[a-z][a-z0-9-]{0,29}")
_STUDENT = re.compile(r"\*|[\w.@+-]{1,255}")  # nbgrader takes it for a pattern
_WHAT = {"grade": ["--exchange"], "again": ["--exchange", "--force"], "feedback": ["--release"]}
_WHERE: dict[str, list[str]] = {"here": [], "cluster": ["--slurm"]}


@dataclasses.dataclass(frozen=True)
class Order:
    """``what``: grade what waits, grade again, or release feedback; of one ``student`` or of all (``*``)."""

    assignment: str
    what: str
    student: str = "*"
    where: str = "here"
    by: str = ""

    @property
    def options(self) -> list[str]:
        """For ``python -m extensions.grading``."""
        return [self.assignment, "--json", f"--student={self.student}", *_WHAT[self.what], *_WHERE[self.where]]


def read(body: Any, by: str) -> Order:
    """The order in a request's body. Raises CampusError for what is none."""
    given = {key: body.get(key, default) for key, default in _DEFAULTS.items()} if isinstance(body, dict) else {}
    if (
        not all(isinstance(value, str) for value in given.values())
        or not _ASSIGNMENT.fullmatch(given.get("assignment", ""))
        or not _STUDENT.fullmatch(given["student"])
        or given["what"] not in _WHAT
        or given["where"] not in _WHERE
    ):
        raise CampusError("bad-order", "This is nothing that grading does.", "Reload the page, and try again.")
    return Order(**given, by=by)


_DEFAULTS = {"assignment": "", "what": "grade", "student": "*", "where": "here"}


def keep(course: Path, order: Order) -> None:
    folder = course / STATE
    folder.mkdir(mode=0o700, exist_ok=True)
    staged = folder / f"{_KEPT}.new"
    staged.write_text(json.dumps(dataclasses.asdict(order)))
    staged.replace(folder / _KEPT)  # half an order would be none


def kept(course: Path) -> Order | None:
    """The order that is not done, if there is one."""
    try:
        return Order(**json.loads((course / STATE / _KEPT).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def done(course: Path) -> None:
    (course / STATE / _KEPT).unlink(missing_ok=True)
