"""Live classes: GPUs that are kept for the people of a course, from a date on."""

from __future__ import annotations

from typing import Any

from campus_base.errors import CampusError
from extensions.home import forms
from extensions.home.language import N_
from extensions.home.pages.teach.base import TeachPage, part

_LONGEST = 7 * 24 * 60  # minutes; what the site allows is the hub's to say


class Classes(TeachPage):
    async def get(self, course: str) -> None:
        found = await self.course(course)
        self.show_part("classes", found, booked=await self._booked(course))

    async def _booked(self, course: str) -> Any:
        try:
            return await self.hub("GET", f"/campus/classes/{course}")
        except CampusError as error:
            return error

    async def post(self, course: str) -> None:
        back = self.at(course, "classes")
        try:
            body = {
                "start": forms.utc(self.field("start"), N_("Begins")),
                "minutes": forms.whole(self.field("minutes"), N_("Minutes"), 1, _LONGEST),
                "people": forms.whole(self.field("people"), N_("People"), 1, 10_000),
                "size": self.field("size"),
            }
            for key, label in (("start", N_("Begins")), ("minutes", N_("Minutes")), ("people", N_("People"))):
                if body[key] is None:
                    raise forms.mistake(N_("%(field)s must be given."), label)
            await self.hub("POST", f"/campus/classes/{course}", body)
            self.tell("success", self._(N_("The class is booked.")))
        except CampusError as error:
            self.refuse(error)
        self.redirect(back)


class Cancel(TeachPage):
    async def post(self, course: str) -> None:
        try:
            await self.hub("DELETE", f"/campus/classes/{course}/{part(self.field('name'))}")
            self.tell("success", self._(N_("The class is cancelled.")))
        except CampusError as error:
            self.refuse(error)
        self.redirect(self.at(course, "classes"))
