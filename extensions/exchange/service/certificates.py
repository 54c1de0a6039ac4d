"""``/courses/X/certificate``: what one gets who has passed, as PDF and as an Open Badge."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, insert, select

from extensions.exchange.refusals import NotNow
from extensions.exchange.service import badge, certificate_pdf
from extensions.exchange.service.clock import moment, text
from extensions.exchange.service.handler import ApiHandler
from extensions.exchange.service.progress import number_of, progress
from extensions.exchange.service.tables import CERTIFICATES, ROSTER
from extensions.exchange.service.visit import Visit
from extensions.exchange.service.words import words

_C = CERTIFICATES.c


@dataclass(frozen=True)
class Certificate:
    """What one says; ``issued`` is when it was asked for first."""

    id: str
    person: str
    name: str
    course: str
    title: str
    summary: str
    language: str
    hours: float | None
    learn: tuple[str, ...]
    pass_mark: float | None
    issued: str
    stands: bool
    """Whether the course is passed by the grades of now."""


def _refusal(visit: Visit, course: str, person: str) -> NotNow | None:
    """Why there is none; None where there is one."""
    card = visit.course(course).card
    if card.get("certificate") is not True:
        return NotNow("no-certificate", f"The course {course} gives no certificate.", "Ask your instructor.")
    found = progress(visit, course, person)
    if found.passed:
        return None
    english = words("en")
    mark = f" It is passed from {english.share(found.pass_mark)} of the points." if found.pass_mark is not None else ""
    return NotNow(
        "not-passed",
        f"You have {english.share(found.share or 0)} of the points of this course, so far as they are released.{mark}",
        "Hand in what is left; your instructor releases the grades.",
    )


def _name(visit: Visit, course: str, person: str) -> str:
    """As the roster has it, else the account's."""
    listed = select(ROSTER).where(ROSTER.c.course == course, ROSTER.c.person == person)
    row = visit.connection.execute(listed).first()
    return (f"{row.first_name} {row.last_name}".strip() if row else "") or person


def _made(visit: Visit, row: Row) -> Certificate:
    found = visit.course(row.course)
    card = found.card
    learn = card.get("learn")
    return Certificate(
        id=row.id,
        person=row.person,
        name=_name(visit, row.course, row.person),
        course=row.course,
        title=found.title,
        summary=str(card.get("summary") or found.title),
        language=str(card.get("language") or "en"),
        hours=number_of(card, "hours"),
        learn=tuple(map(str, learn)) if isinstance(learn, list) else (),
        pass_mark=number_of(card, "pass_mark"),
        issued=row.issued,
        stands=_refusal(visit, row.course, row.person) is None,
    )


def certificate(visit: Visit, number: str) -> Certificate | None:
    """Anybody's, by its id; None where there is no such one."""
    row = visit.connection.execute(select(CERTIFICATES).where(_C.id == number)).first()
    return _made(visit, row) if row else None


def _own(visit: Visit, course: str) -> Row | None:
    mine = (_C.course == course, _C.person == visit.asker.name)
    return visit.connection.execute(select(CERTIFICATES).where(*mine)).first()


def state(visit: Visit, course: str) -> dict[str, Any]:
    """Whether the asker may have one, and which they have."""
    visit.member(course)
    refused, row = _refusal(visit, course, visit.asker.name), _own(visit, course)
    return {
        "available": refused is None,
        "reason": refused.as_dict() if refused else None,
        "id": row.id if row else None,
        "issued": row.issued if row else None,
    }


def issue(visit: Visit, course: str) -> Certificate:
    """The asker's, made when it is asked for first. Raises NotNow where there is none."""
    visit.member(course)
    if refused := _refusal(visit, course, visit.asker.name):
        raise refused
    if _own(visit, course) is None:
        number, at = secrets.token_hex(16), text(visit.now())
        own = {"id": number, "course": course, "person": visit.asker.name, "issued": at}
        visit.connection.execute(insert(CERTIFICATES).values(**own))
        visit.note(course, "certificate-issued", moment(at), id=number)
    row = _own(visit, course)
    assert row is not None
    return _made(visit, row)


class State(ApiHandler):
    async def get(self, course: str) -> None:
        found = await self.ask(state, course)
        url = self.exchange.issuer.certificate(found["id"]) if found["id"] else None
        self.answer({**found, "url": url})


class Pdf(ApiHandler):
    async def get(self, course: str) -> None:
        found = await self.ask(issue, course)
        drawn = await self.in_thread(certificate_pdf.drawn, found, self.exchange.issuer)
        self.set_header("Content-Type", "application/pdf")
        self.set_header("Content-Disposition", f'inline; filename="{course}-certificate.pdf"')
        self.finish(drawn)


class Badge(ApiHandler):
    async def get(self, course: str) -> None:
        found = await self.ask(issue, course)
        issuer = self.exchange.issuer
        credential = badge.credential(found, issuer)
        self.answer({"credential": credential, "jwt": badge.signed(credential, issuer, self.exchange.signer)})
