"""A course's manifest, ``course.toml``: what the course is, and what its assignments ask of people."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field, Strict, model_validator

from campus_base.errors import CampusError
from campus_base.manifest import Duration, Line, Many, Name, Named, Part, duration_seconds
from campus_base.manifest_file import ManifestKind
from extensions.courses.names import COURSE, COURSE_IN_WORDS

MANIFEST = "course.toml"
Sector = Literal["general", "finance", "space", "green", "cybersecurity"]
# TOML's own dates come in as such; strictness would ask for nothing else anyhow.
Moment = Annotated[AwareDatetime, Strict(False)]


class Late(Part):
    """What becomes of a submission after the due date."""

    accept: Duration | None = None
    """For how long after the due date submissions are still taken; without it, none is."""
    penalty_per_day: float = Field(default=0.0, ge=0, le=1, allow_inf_nan=False)
    """The share of the points that each day begun takes off, from 0 to 1."""


class Assignment(Part):
    """One assignment: a folder of that name in the course's source/."""

    name: Name
    """Its folder in source/, and its name in addresses."""
    title: Line = Field(min_length=1, max_length=100)
    """What people read."""
    opens: Moment | None = None
    """When people may fetch it; at once where left out."""
    due: Moment | None = None
    """Until when it is in time; never late where left out."""
    time: Duration | None = None
    """For how long one may work on it, from when one first opens it, like 90m; any time where left out."""
    late: Late | None = None
    """What becomes of late submissions; without this table they are taken and only marked as late."""
    weight: float = Field(default=1.0, gt=0, le=100, allow_inf_nan=False)
    """How much it counts in the course, compared with the others."""
    attempts: int | None = Field(default=None, ge=1, le=1000)
    """How often one may submit; any number where left out."""
    grade: Literal["on submit", "on demand"] = "on demand"
    """Whether it is graded as soon as it is submitted, or when an instructor says so."""
    size: Name | None = None
    """The session size it is worked on with, where it is not the course's."""

    @model_validator(mode="after")
    def _fits(self) -> Assignment:
        if self.opens and self.due and self.opens >= self.due:
            raise ValueError("must open before it is due")
        if self.late and not (self.due or self.time):
            raise ValueError("must have a due date or a time to be late; add due or time, or remove [late]")
        return self

    def policy(self, points: float, size: str | None) -> dict[str, Any]:
        """What the exchange is told of it (docs/courses-api.md, "Assignments")."""
        late = self.late or Late(accept=None)
        seconds = duration_seconds(late.accept) if late.accept else 0
        return {
            "title": self.title,
            "opens": _utc(self.opens),
            "due": _utc(self.due),
            "minutes": math.ceil(duration_seconds(self.time) / 60) if self.time else None,
            "attempts": self.attempts,
            "late_policy": {
                "accept_days": seconds / 86400 if self.late else None,
                "penalty_per_day": late.penalty_per_day,
            },
            "points": points,
            "grade_on_submit": self.grade == "on submit",
            "session_size": self.size or size,
            "weight": self.weight,
        }


def _utc(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ") if moment else None


class Course(Part):
    """A course: what people read about it, and its rules."""

    title: Line = Field(min_length=1, max_length=100)
    """What people read."""
    summary: Line = Field(min_length=1, max_length=300)
    """One or two sentences: what it is about, and for whom."""
    language: Literal["en", "fr", "de"] = "en"
    """The language it is written in."""
    level: Literal["beginner", "intermediate", "advanced"]
    """Whom it is for."""
    hours: float = Field(gt=0, le=1000, allow_inf_nan=False)
    """How long it takes, honestly, exercises included."""
    sector: Sector = "general"
    """The sector whose examples it uses."""
    learn: Many[Line] = Field(min_length=1)
    """What one can do afterwards, a line each."""
    licence: Line = Field(min_length=1, max_length=100)
    """Under what its content may be used, as an SPDX name where there is one."""
    enrolment: Literal["listed", "open"] = "listed"
    """Who may follow it: those on its roster, or everybody who is signed in."""
    size: Name | None = None
    """The session size it is followed with; the site's first where left out."""
    environment: Name | None = None
    """The software it is followed with, of the site's environments; the site's first where left out."""
    pass_mark: float = Field(default=0.5, ge=0, le=1, allow_inf_nan=False)
    """The share of all points from which the course is passed, from 0 to 1."""
    certificate: bool = False
    """Whether those who pass get a certificate."""
    imports: Many[Line] = ()
    """Heavy modules that grading imports once for everybody, like torch."""
    assignments: Named[Assignment] = Field(min_length=1)
    """The assignments, in the order in which people do them."""

    def card(self) -> dict[str, Any]:
        """What pages show of it."""
        shown = self.model_dump(mode="json", exclude={"assignments", "imports", "enrolment", "title"})
        return shown | {"order": [assignment.name for assignment in self.assignments]}


COURSE_FILE = ManifestKind(
    name="course file",
    model=Course,
    documentation="courses/README.md",
    remedy=lambda path: f"Correct the file and run ./campus course check {path.parent.name}",
)


class CourseFolder:
    """A course's folder: its id is the folder's name.

    Raises CampusError for a folder that is none, or whose manifest and notebooks do not go together.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.id = path.name
        if not re.fullmatch(COURSE, self.id):
            raise CampusError(
                "course-folder",
                f"The folder {path} has a name that no course can have.",
                f"Use {COURSE_IN_WORDS}.",
            )
        for link in path.rglob("*"):
            if link.is_symlink():
                # It would be followed with the rights of whoever publishes, and its content given to trainees.
                raise CampusError("course-folder", f"{link} is a link.", "Put the file itself there.")
        self.course = COURSE_FILE.read(path / MANIFEST)
        named = {assignment.name for assignment in self.course.assignments}
        there = {folder.name for folder in (path / "source").glob("*") if folder.is_dir()}
        for name in sorted(named ^ there):
            what = "has no folder in source/" if name in named else "is in source/ and not in course.toml"
            raise CampusError("course-folder", f"The assignment {name} of {self.id} {what}.", "Add it, or remove it.")
        for name in sorted(named):
            if not self.texts(name):
                raise CampusError(
                    "course-folder",
                    f"The assignment {name} of {self.id} has no notebook.",
                    f"Add one to source/{name}/, as text in the percent format (.py).",
                )

    def texts(self, assignment: str) -> list[Path]:
        """The notebooks of an assignment, as text."""
        return sorted((self.path / "source" / assignment).glob("*.py"))

    def others(self, assignment: str) -> list[Path]:
        """Files that come with an assignment: everything in its folder that is no notebook."""
        folder = self.path / "source" / assignment
        found = (f for f in folder.rglob("*") if f.is_file() and not (f.suffix == ".py" and f.parent == folder))
        return sorted(f for f in found if not any(_is_litter(part) for part in f.relative_to(folder).parts))


def _is_litter(name: str) -> bool:
    """Left by editors and Python, and nothing of the course's."""
    return name.startswith(".") or name == "__pycache__"
