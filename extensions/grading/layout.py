"""A course's folder while it is graded: nbgrader's own folders, and ours beside them, in ``.grading``."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

from nbgrader.coursedir import CourseDirectory

from extensions.grading.names import STATE, state_folder


@dataclasses.dataclass(frozen=True)
class Layout:
    """Where things of one assignment lie."""

    course: CourseDirectory
    assignment: str

    def folder(self, step: str, student: str) -> Path:
        """A student's folder in a step, one of ours or one of nbgrader's."""
        return Path(self.course.format_path(step, student, self.assignment))

    @property
    def state(self) -> Path:
        """Our own files of this assignment; nobody else's account may read them."""
        folder = state_folder(Path(self.course.root), self.assignment)
        folder.mkdir(parents=True, exist_ok=True)
        (Path(self.course.root) / STATE).chmod(0o700)
        return folder

    def again(self, student: str) -> Path:
        """A file that is there while a submission that has a grade is to be graded again."""
        return self.state / "again" / student

    @property
    def reference(self) -> Path:
        """The course's own solution."""
        return Path(self.course.format_path(self.course.source_directory, ".", self.assignment))


def digest(folder: Path, *more: Any) -> str:
    """Of everything that decides what comes out: the files of a folder, and settings."""
    found = hashlib.sha256(json.dumps(more, sort_keys=True, default=str).encode())
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        body = path.read_bytes()
        found.update(f"\0{path.relative_to(folder)}\0{len(body)}\0".encode() + body)
    return found.hexdigest()
