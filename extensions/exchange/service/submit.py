"""``/courses/X/assignments/A/submissions``: submitting, and the list of what was submitted."""

from __future__ import annotations

import json
import secrets
import time
from typing import Any

from sqlalchemy import Row, func, insert, select

from extensions.exchange.receipts import Signer, canonical
from extensions.exchange.refusals import Refused, TooLarge
from extensions.exchange.service import log, standing, trees
from extensions.exchange.service.bodies import malformed
from extensions.exchange.service.clock import text
from extensions.exchange.service.submissions import every
from extensions.exchange.service.tables import COURSES, SUBMISSIONS
from extensions.exchange.service.upload import UploadHandler, reused
from extensions.exchange.service.visit import Visit
from extensions.exchange.store import Staged

_S = SUBMISSIONS.c
_OF_EACH, _OF_FILE = 16 * 1024, 8 * 1024  # bytes: receipt, log and list, and a block of the disk
_NOTED_AGAIN = 60.0  # seconds


def _same(visit: Visit, course: str, name: str, key: str) -> Row | None:
    """What this upload became when it came the first time."""
    return visit.connection.execute(
        select(SUBMISSIONS).where(
            _S.course == course, _S.assignment == name, _S.person == visit.asker.name, _S.upload_key == key
        )
    ).first()


def refuse(visit: Visit, course: str, name: str, key: str) -> None:
    """Raises what speaks against submitting now; nothing does against an upload that was taken already."""
    visit.member(course)
    found = standing.standing(visit, course, name)
    refused = found.refusal(visit.now())
    if refused and _same(visit, course, name, key) is None:
        raise refused


def note_refusal(visit: Visit, course: str, name: str, code: str) -> None:
    if visit.role(course):
        visit.note(course, "submission-refused", assignment=name, code=code)


def counted(staged: Staged) -> int:
    """Bytes that a submission counts as: what it takes of the disk and of the database, empty files too."""
    return _OF_EACH + sum(file.size + _OF_FILE for file in staged.files)


def _check_room(visit: Visit, course: str, size: int, room: int) -> None:
    had = visit.connection.scalar(
        select(func.sum(_S.counted)).where(_S.course == course, _S.person == visit.asker.name)
    )
    if (had or 0) + size > room:
        raise TooLarge(
            f"With this, your submissions to {course} take more than {room} bytes together; this one counts as {size}.",
            "Submit notebooks without large outputs and data; if you need more room, ask your instructor.",
        )


def submit(
    visit: Visit, course: str, name: str, key: str, staged: Staged, signer: Signer, room: int
) -> tuple[dict[str, Any], bool]:
    """The receipt, and whether it is new. Raises Refused; then nothing was taken."""
    refuse(visit, course, name, key)
    if before := _same(visit, course, name, key):
        if before.tree != staged.sha256:
            raise reused("submission")
        return json.loads(before.receipt), False
    _check_room(visit, course, counted(staged), room)
    terms = standing.standing(visit, course, name).terms
    at = visit.clock.stamp()
    _note_jumps(visit)
    attempt = visit.connection.scalar(
        select(func.max(_S.attempt)).where(_S.course == course, _S.assignment == name, _S.person == visit.asker.name)
    )
    receipt: dict[str, Any] = {
        "id": secrets.token_hex(16),
        "course": course,
        "assignment": name,
        "user": visit.asker.name,
        "received": text(at),
        "attempt": (attempt or 0) + 1,
        "late_seconds": terms.late_seconds(at),
        "sha256": trees.put(visit.connection, staged),
        "size": staged.size,
        "files": trees.shown(staged.files),
    }
    told = {key: receipt[key] for key in ("id", "assignment", "attempt", "late_seconds", "sha256", "size")}
    receipt = signer.sign(receipt | {"log": visit.note(course, "submitted", at, **told)})
    visit.connection.execute(
        insert(SUBMISSIONS).values(
            id=receipt["id"],
            course=course,
            assignment=name,
            person=visit.asker.name,
            upload_key=key,
            received=receipt["received"],
            attempt=receipt["attempt"],
            tree=receipt["sha256"],
            counted=counted(staged),
            receipt=canonical(receipt).decode(),
        )
    )
    return receipt, True


def _note_jumps(visit: Visit) -> None:
    """The clock was set: every course's log says so, since dates go by it."""
    for seconds in visit.clock.jumps():
        for course in visit.connection.scalars(select(COURSES.c.id)).all():
            log.write(visit.connection, course, text(visit.now()), "exchange", "clock-jumped", seconds=seconds)


class Submissions(UploadHandler):
    async def looked_at(self, course: str, name: str) -> None:
        await self.ask(refuse, course, name, self.key)

    async def post(self, course: str, name: str) -> None:
        try:
            staged = await self.staged()
            shared = self.exchange
            receipt, new = await self.take(
                staged, submit, course, name, self.key, staged, shared.signer, shared.person_bytes
            )
        except Refused as error:
            if hasattr(self, "asker") and error.status < 500 and self._is_news(course, name, error.code):
                await self.ask(note_refusal, course, name, error.code)
            raise
        self.answer(receipt, 201 if new else 200)

    def _is_news(self, *refusal: str) -> bool:
        """Whether the log should say so: whoever is refused all the time does not fill it."""
        noted, now = self.exchange.noted, time.monotonic()
        for old in [key for key, at in noted.items() if now - at > _NOTED_AGAIN]:
            del noted[old]
        return noted.setdefault((self.asker.name, *refusal), now) == now

    async def get(self, course: str, name: str) -> None:
        graded = {"": None, "0": False, "1": True}
        said = self.get_query_argument("graded", "")
        if said not in graded:
            raise malformed("graded must be 0 or 1")
        person = self.get_query_argument("user", None)
        latest = self.get_query_argument("latest", "0") == "1"
        self.answer(await self.ask(every, course, name, person, latest, graded[said]))
