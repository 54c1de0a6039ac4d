"""A roster as a table: what an instructor uploads, with the first mistakes in it told by their lines."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

from extensions.exchange.names import MOST_LISTED, PERSON
from extensions.home.language import N_
from extensions.home.told import Told

COLUMNS = ("id", "first_name", "last_name", "email")
_LONGEST = 200  # characters of a name, as the exchange takes it
_TOLD = 10  # mistakes


def read_roster(table: bytes) -> list[dict[str, str]]:
    """The people of a CSV in UTF-8, with commas or semicolons. Raises Told naming the first lines with a mistake."""
    try:
        text = table.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = table[: error.start].count(b"\n") + 1
        raise _refused([_at(line, N_("line %(line)s: is not UTF-8 text"))]) from None
    heading = text.partition("\n")[0]
    reader = csv.DictReader(io.StringIO(text), strict=True, delimiter=";" if ";" in heading else ",")
    columns = [column.strip() for column in reader.fieldnames or []]
    reader.fieldnames = columns
    if "id" not in columns or not set(columns) <= set(COLUMNS) or len(set(columns)) < len(columns):
        wanted = N_("line 1: must name the columns %(columns)s; id is enough")
        raise _refused([_at(1, wanted, columns=", ".join(COLUMNS))])
    people: dict[str, dict[str, str]] = {}
    wrong = []
    try:
        for row in reader:
            person = {column: (row.get(column) or "").strip() for column in columns}
            fields = len(row.get(None) or ()) - sum(value is None for value in row.values())
            if mistake := _mistake(reader.line_num, person, people, fields):
                wrong.append(mistake)
            people.setdefault(person["id"], person)
            if len(people) > MOST_LISTED:
                said = N_("line %(line)s: is one too many; a course has %(most)s people at most")
                wrong.append(_at(reader.line_num, said, most=MOST_LISTED))
                break
            if len(wrong) > _TOLD:  # a large table of nothing else would take its time
                break
    except csv.Error:
        # The line is that of the row that could not be made.
        wrong.append(_at(reader.reader.line_num, N_("line %(line)s: is no line of a CSV; see its quotation marks")))
    if wrong:
        raise _refused(wrong)
    if not people:
        raise _refused([_at(1, N_("nobody is in it"))])
    return list(people.values())


def _mistake(line: int, person: dict[str, str], before: dict[str, dict[str, str]], fields: int) -> Told | None:
    """What is wrong with a row; ``fields`` is how many it has beyond those that it should."""
    name = f"{person['id'][:40]!a}"
    if fields:
        said = N_("line %(line)s: has too many fields") if fields > 0 else N_("line %(line)s: has too few fields")
        return _at(line, said)
    if not re.fullmatch(PERSON, person["id"]):
        return _at(line, N_("line %(line)s: %(name)s cannot be an account's name"), name=name)
    if person["id"] in before:
        return _at(line, N_("line %(line)s: %(name)s stands in the table twice"), name=name)
    for column, value in person.items():
        if len(value) > _LONGEST:
            return _at(line, N_("line %(line)s: %(column)s is longer than 200 characters"), column=column)
    return None


def _at(line: int, template: str, **values: Any) -> Told:
    return Told("line", template, "", line=line, **values)


def _refused(wrong: list[Told]) -> Told:
    remedy = N_("Correct the table, and upload it again.")
    if len(wrong) > _TOLD:
        return Told("roster-table", N_("Nobody was entered. %(lines)s; and more."), remedy, lines=wrong[:_TOLD])
    return Told("roster-table", N_("Nobody was entered. %(lines)s."), remedy, lines=wrong)
