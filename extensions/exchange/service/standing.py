"""Where one person stands with an assignment: its policy for them, what they did, and what is shown of it."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, desc, func, select

from extensions.exchange.refusals import NotFound, NotNow
from extensions.exchange.service import trees
from extensions.exchange.service.bodies import Extension, Policy, as_utc
from extensions.exchange.service.clock import moment
from extensions.exchange.service.policy import Terms, refusal, terms
from extensions.exchange.service.tables import ASSIGNMENTS, EXTENSIONS, FETCHES, SUBMISSIONS
from extensions.exchange.service.visit import Visit

_S = SUBMISSIONS.c


def assignment_row(visit: Visit, course: str, name: str) -> Row | None:
    return visit.connection.execute(
        select(ASSIGNMENTS).where(ASSIGNMENTS.c.course == course, ASSIGNMENTS.c.name == name)
    ).first()


def extension_of(visit: Visit, course: str, name: str, person: str) -> Extension | None:
    c = EXTENSIONS.c
    row = visit.connection.execute(
        select(EXTENSIONS).where(c.course == course, c.assignment == name, c.person == person)
    ).first()
    return None if row is None else as_extension(row)


def as_extension(row: Row) -> Extension:
    due = moment(row.due) if row.due else None
    return Extension(due=due, minutes=row.minutes, attempts=row.attempts, note=row.note)


def fetched(visit: Visit, course: str, name: str, person: str) -> str | None:
    """When they first fetched it."""
    c = FETCHES.c
    return visit.connection.scalar(select(c.at).where(c.course == course, c.assignment == name, c.person == person))


def latest(visit: Visit, course: str, name: str, person: str) -> Row | None:
    """Their last submission that counts."""
    return visit.connection.execute(
        select(SUBMISSIONS)
        .where(_S.course == course, _S.assignment == name, _S.person == person, _S.set_aside.is_(False))
        .order_by(desc(_S.received))
        .limit(1)
    ).first()


def used(visit: Visit, course: str, name: str, person: str) -> int:
    counted = select(func.count()).where(
        _S.course == course, _S.assignment == name, _S.person == person, _S.set_aside.is_(False)
    )
    return visit.connection.scalar(counted) or 0


def state_of(submission: Row | None, fetched: bool, released: bool) -> str:
    """The word for how far somebody is."""
    if submission is None:
        return "fetched" if fetched else "released" if released else "announced"
    if submission.feedback_tree:
        return "feedback"
    return "graded" if submission.graded and submission.grade_released else "submitted"


@dataclass(frozen=True)
class Standing:
    row: Row
    policy: Policy
    terms: Terms
    used: int
    fetched: str | None
    """When they first fetched it, as text."""

    @property
    def released(self) -> bool:
        return self.row.tree is not None

    def refusal(self, now: datetime.datetime) -> NotNow | None:
        return refusal(self.terms, self.released, self.used, now)


def standing(visit: Visit, course: str, name: str) -> Standing:
    """The asker's. Raises NotFound where there is no such assignment."""
    row = assignment_row(visit, course, name)
    if row is None:
        raise NotFound(f"assignment {name} in {course}")
    policy = Policy.model_validate_json(row.policy)
    person = visit.asker.name
    first = fetched(visit, course, name, person)
    own = terms(policy, extension_of(visit, course, name, person), moment(first) if first else None)
    return Standing(row, policy, own, used(visit, course, name, person), first)


def shown(visit: Visit, course: str, name: str, instructor: bool) -> dict[str, Any]:
    """The assignment as it is answered to the asker."""
    found, now, person = standing(visit, course, name), visit.now(), visit.asker.name
    open_now = found.released and (instructor or found.terms.is_open(now))
    files = trees.files(visit.connection, found.row.tree) if open_now else []
    last = latest(visit, course, name, person)
    refused = found.refusal(now)
    grade = last if last is not None and last.grade_released else None
    policy = found.policy.shown()
    del policy["attempts"]  # told as this person's, as are the minutes
    answer = {
        "course": course,
        "name": name,
        **policy,
        "minutes": found.terms.minutes,
        "fetched": found.fetched,
        "attempts_allowed": found.terms.attempts,
        "attempts_used": found.used,
        "my_due": as_utc(found.terms.due),
        "closes": as_utc(found.terms.closes),
        "late": found.terms.late_seconds(now) > 0,
        "refusal": refused.as_dict() if refused else None,
        "released": found.row.released,
        "sha256": found.row.tree if open_now else None,
        "size": sum(file.size for file in files),
        "files": trees.shown(files),
        "state": state_of(last, found.fetched is not None, open_now),
        "score": grade.score if grade is not None else None,
        "max_score": grade.max_score if grade is not None else None,
    }
    if instructor:  # who sees the policy, also where they have an extension themself
        answer |= {"attempts_allowed": found.policy.attempts, "minutes": found.policy.minutes}
        answer |= _counts(visit, course, name)
    return answer


def _counts(visit: Visit, course: str, name: str) -> dict[str, int]:
    row = visit.connection.execute(
        select(func.count(), func.count(_S.person.distinct()), func.count(_S.graded)).where(
            _S.course == course, _S.assignment == name, _S.set_aside.is_(False)
        )
    ).one()
    return {"submissions": row[0], "submitters": row[1], "graded": row[2]}
