"""``/courses/X/roster``: who is listed in a course, as JSON or as a table."""

from __future__ import annotations

import csv
import io
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError
from sqlalchemy import delete, insert, select, update

from extensions.exchange.names import MOST_LISTED
from extensions.exchange.refusals import NotFound
from extensions.exchange.service.bodies import Listed, Names, first_mistake, malformed, parse
from extensions.exchange.service.handler import ApiHandler
from extensions.exchange.service.tables import ROSTER, SEEN
from extensions.exchange.service.visit import Visit

COLUMNS = ("id", "first_name", "last_name", "email")
_LIST = TypeAdapter(Annotated[list[Listed], Field(max_length=MOST_LISTED, fail_fast=True)])
_R = ROSTER.c


def people(visit: Visit, course: str) -> list[dict[str, Any]]:
    """Those who are listed, then those who were seen as members of a group or of an open course."""
    listed = visit.connection.execute(select(ROSTER).where(_R.course == course).order_by(_R.person)).all()
    found = [
        {"id": r.person, "first_name": r.first_name, "last_name": r.last_name, "email": r.email, "source": "roster"}
        for r in listed
    ]
    known = {person["id"] for person in found}
    seen = visit.connection.scalars(select(SEEN.c.person).where(SEEN.c.course == course).order_by(SEEN.c.person)).all()
    none = {"first_name": "", "last_name": "", "email": "", "source": "group"}
    return found + [{"id": person, **none} for person in seen if person not in known]


def every(visit: Visit, course: str) -> list[dict[str, Any]]:
    visit.instructor(course)
    return people(visit, course)


def _put(visit: Visit, course: str, person: str, names: Names) -> bool:
    values = {"first_name": names.first_name, "last_name": names.last_name, "email": names.email}
    where = (_R.course == course, _R.person == person)
    if visit.connection.execute(update(ROSTER).where(*where).values(values)).rowcount:
        return False
    visit.connection.execute(insert(ROSTER).values(course=course, person=person, **values))
    return True


def replace(visit: Visit, course: str, said: list[Listed]) -> list[dict[str, Any]]:
    visit.instructor(course)
    before = set(visit.connection.scalars(select(_R.person).where(_R.course == course)))
    added = sorted(person.id for person in said if _put(visit, course, person.id, person))
    gone = sorted(before - {person.id for person in said})
    for person in gone:
        visit.connection.execute(delete(ROSTER).where(_R.course == course, _R.person == person))
    if added or gone:
        visit.note(course, "roster-changed", added=added, removed=gone)
    return people(visit, course)


def add(visit: Visit, course: str, person: str, names: Names) -> dict[str, Any]:
    visit.instructor(course)
    if _put(visit, course, person, names):
        visit.note(course, "roster-changed", added=[person], removed=[])
    return {"id": person, **names.model_dump(), "source": "roster"}


def remove(visit: Visit, course: str, person: str) -> None:
    visit.instructor(course)
    if not visit.connection.execute(delete(ROSTER).where(_R.course == course, _R.person == person)).rowcount:
        raise NotFound(f"{person} in the roster of {course}")
    visit.note(course, "roster-changed", added=[], removed=[person])


def from_table(table: bytes) -> list[dict[str, str]]:
    """The rows of a CSV with the columns of :data:`COLUMNS`; other columns are a mistake. Raises Refused (400)."""
    try:
        reader = csv.DictReader(io.StringIO(table.decode("utf-8-sig")), strict=True)
        columns = reader.fieldnames or []
        if "id" not in columns or not set(columns) <= set(COLUMNS):
            raise malformed(f"the table's columns must be {', '.join(COLUMNS)}; id is enough")
        rows: list[dict[str, str]] = []
        for row in reader:
            if len(rows) == MOST_LISTED:
                raise malformed(f"a roster has at most {MOST_LISTED} people")
            if None in row or None in row.values():
                raise malformed(f"line {reader.line_num} of the table has too many or too few fields")
            rows.append(row)
    except (UnicodeDecodeError, csv.Error) as error:
        raise malformed(f"the table is no CSV in UTF-8 ({error})") from None
    return rows


def as_table(columns: list[str], rows: list[list[Any]]) -> str:
    """A CSV. What a spreadsheet would take for a formula is marked as text."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([f"'{cell}" if str(cell)[:1] in ("=", "+", "-", "@", "\t") else cell for cell in row])
    return text.getvalue()


def parse_roster(body: bytes, is_table: bool) -> list[Listed]:
    try:
        said = _LIST.validate_python(from_table(body)) if is_table else _LIST.validate_json(body)
    except ValidationError as error:
        raise malformed(first_mistake(error)) from None
    if len({person.id for person in said}) < len(said):
        raise malformed("somebody stands in the roster twice")
    return said


class Roster(ApiHandler):
    async def get(self, course: str) -> None:
        found = await self.ask(every, course)
        if self.get_query_argument("format", "json") == "csv":
            rows = [[person[column] for column in COLUMNS] for person in found]
            self.answer_table(as_table(list(COLUMNS), rows), f"{course}-roster.csv")
        else:
            self.answer(found)

    async def put(self, course: str) -> None:
        await self.ask(Visit.instructor, course)  # for anybody else, nothing is parsed
        is_table = self.request.headers.get("Content-Type", "").partition(";")[0].strip() == "text/csv"
        self.answer(await self.ask(replace, course, parse_roster(self.request.body, is_table)))


class OnePerson(ApiHandler):
    async def put(self, course: str, person: str) -> None:
        self.answer(await self.ask(add, course, person, parse(Names, self.request.body or b"{}")))

    async def delete(self, course: str, person: str) -> None:
        await self.ask(remove, course, person)
        self.answer({})
