"""One request in one transaction: who asks, what they are in a course, and what is written down of it."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from sqlalchemy import BindParameter, Connection, Row, bindparam, insert, select

from extensions.exchange.refusals import NotAllowed, NotFound
from extensions.exchange.service import log
from extensions.exchange.service.bodies import Course
from extensions.exchange.service.clock import Clock, text
from extensions.exchange.service.tables import COURSES, ROSTER, SEEN

Role = Literal["instructor", "trainee"]
# Made once, as overview.py's: each look at Home asks them.
_PERSON: BindParameter[str] = bindparam("person")
_LISTED_IN = select(ROSTER.c.course).where(ROSTER.c.person == _PERSON)
_ALL_COURSES = select(COURSES)
PUBLISHER = "publisher"
"""The hub service that publishes courses on the operator's behalf."""


@dataclass(frozen=True)
class Asker:
    """Who asks, as the hub says."""

    name: str
    groups: frozenset[str] = frozenset()
    is_service: bool = False

    def instructs(self, course: str) -> bool:
        if self.is_service:
            return self.name == PUBLISHER
        return f"instructor-{course}" in self.groups or self.name == f"grader-{course}"

    def role(self, course: str, is_listed: Callable[[], bool], enrolment: Callable[[], str]) -> Role | None:
        """What one is in a course: the one place where membership is decided."""
        if self.instructs(course):
            return "instructor"
        if self.is_service:
            return None
        if f"trainee-{course}" in self.groups or is_listed() or enrolment() == "open":
            return "trainee"
        return None

    def courses(self) -> set[str]:
        """Those that follow from the asker's groups and name alone."""
        groups = {group.partition("-")[2] for group in self.groups if group.startswith(("instructor-", "trainee-"))}
        grades = {self.name.removeprefix("grader-")} if self.name.startswith("grader-") else set()
        return set() if self.is_service else (groups | grades) - {""}


def _of(row: Row) -> Course:
    return Course(title=row.title, enrolment=row.enrolment, card=json.loads(row.card))


@dataclass(frozen=True)
class Visit:
    connection: Connection
    asker: Asker
    clock: Clock

    def now(self) -> datetime.datetime:
        return self.clock.now()

    def course(self, course: str) -> Course:
        """The course; one that has only members yet is listed, and called by its id."""
        row = self.connection.execute(select(COURSES).where(COURSES.c.id == course)).first()
        return Course(title=course) if row is None else _of(row)

    def _is_listed(self, course: str) -> bool:
        found = select(ROSTER.c.person).where(ROSTER.c.course == course, ROSTER.c.person == self.asker.name)
        return not self.asker.is_service and self.connection.execute(found).first() is not None

    def listed_in(self) -> set[str]:
        """Courses whose roster has the asker."""
        asked = {"person": self.asker.name}
        return set() if self.asker.is_service else set(self.connection.scalars(_LISTED_IN, asked))

    def role(self, course: str) -> Role | None:
        """What the asker is in a course."""
        return self.asker.role(course, lambda: self._is_listed(course), lambda: self.course(course).enrolment)

    def courses(self) -> dict[str, tuple[Course, Role]]:
        """The courses in which the asker is something, by their id, and what: two questions to the database."""
        known = {row.id: _of(row) for row in self.connection.execute(_ALL_COURSES)}
        listed = self.listed_in()
        found = {}
        for course in sorted(known.keys() | self.asker.courses() | listed):
            one = known.get(course) or Course(title=course)
            role = self.asker.role(course, partial(listed.__contains__, course), partial(getattr, one, "enrolment"))
            if role:
                found[course] = (one, role)
        return found

    def member(self, course: str) -> Role:
        """Raises NotFound where the asker is nobody in this course."""
        role = self.role(course)
        if role is None:
            raise NotFound(f"course {course}")
        if role == "trainee" and not self._is_listed(course):
            self._seen(course)
        return role

    def instructor(self, course: str) -> None:
        """Raises NotFound for nobody, NotAllowed for a trainee."""
        if self.member(course) != "instructor":
            raise NotAllowed(
                "not-instructor", f"Only instructors of {course} may do this.", "Ask an instructor of the course."
            )

    def _seen(self, course: str) -> None:
        key = {"course": course, "person": self.asker.name}
        found = select(SEEN.c.person).where(SEEN.c.course == course, SEEN.c.person == self.asker.name)
        if self.connection.execute(found).first() is None:
            self.connection.execute(insert(SEEN).values(**key))

    def note(self, course: str, what: str, at: datetime.datetime | None = None, /, **about: Any) -> str:
        """Write an entry of the course's log; its hash."""
        return log.write(self.connection, course, text(at or self.now()), self.asker.name, what, **about)
