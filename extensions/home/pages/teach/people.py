"""Who is in a course: one by one, or from a table."""

from __future__ import annotations

import re

from campus_base.errors import CampusError
from extensions.exchange.names import PERSON
from extensions.home.forms import mistake
from extensions.home.language import N_
from extensions.home.pages.teach.base import TeachPage, part
from extensions.home.roster_table import read_roster

_NAMES = ("first_name", "last_name", "email")


class People(TeachPage):
    async def get(self, course: str) -> None:
        found = await self.course(course)
        self.show_part("people", found, people=await self.exchange("GET", f"/courses/{course}/roster"))


class Add(TeachPage):
    async def post(self, course: str) -> None:
        person = self.field("id").strip()
        back = self.at(course, "people")
        if not re.fullmatch(PERSON, person):
            self.refuse(mistake(N_("%(field)s must be an account's name."), N_("The account")))
            self.redirect(back)
            return
        names = {name: self.field(name).strip()[:200] for name in _NAMES}
        done = N_("The person is entered.")
        await self.change(back, done, "PUT", f"/courses/{course}/roster/{part(person)}", names)


class Remove(TeachPage):
    async def post(self, course: str) -> None:
        done = N_("The person is taken out. What they handed in stays.")
        path = f"/courses/{course}/roster/{part(self.field('id'))}"
        await self.change(self.at(course, "people"), done, "DELETE", path)


class Upload(TeachPage):
    """A table: its people are added, or it is the whole roster."""

    async def post(self, course: str) -> None:
        back, path = self.at(course, "people"), f"/courses/{course}/roster"
        await self.course(course)  # for anybody else, no table is read
        files = self.request.files.get("table", [])
        try:
            people = read_roster(files[0].body if files else b"")
            if self.field("mode") != "replace":
                listed = [one for one in await self.exchange("GET", path) if one["source"] == "roster"]
                kept = {one["id"]: {key: one[key] for key in ("id", *_NAMES)} for one in listed}
                people = list((kept | {one["id"]: one for one in people}).values())
        except CampusError as error:
            self.refuse(error)
            self.redirect(back)
            return
        await self.change(back, N_("The roster is as in the table."), "PUT", path, people)
