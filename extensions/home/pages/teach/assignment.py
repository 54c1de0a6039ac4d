"""One assignment, for those who teach it: its dates and rules, exceptions for one person, and what was handed in."""

from __future__ import annotations

import asyncio
from typing import Any

from campus_base.errors import CampusError
from extensions.home import forms
from extensions.home.language import N_
from extensions.home.pages.teach.base import TeachPage, part

# The policy's keys, as an assignment is answered with them; the exchange calls the attempts by another name there.
POLICY = ("title", "opens", "due", "late_policy", "points", "grade_on_submit", "session_size", "weight", "minutes")


def policy_of(assignment: dict[str, Any]) -> dict[str, Any]:
    """The whole policy: setting it anew leaves out nothing."""
    return {key: assignment[key] for key in POLICY if key in assignment} | {"attempts": assignment["attempts_allowed"]}


class Assignment(TeachPage):
    async def get(self, course: str, name: str) -> None:
        found, path = await self.course(course), f"/courses/{course}/assignments/{name}"
        one, extensions, submissions, roster = await asyncio.gather(
            self.exchange("GET", path),
            self.exchange("GET", f"{path}/extensions"),
            self.exchange("GET", f"{path}/submissions", latest="1"),
            self.exchange("GET", f"/courses/{course}/roster"),
        )
        self.show_part(
            "assignment",
            found,
            one=one,
            extensions=extensions,
            submissions=sorted(submissions, key=lambda s: s["user"]),
            roster=roster,
            for_input=forms.for_input,
        )


class Dates(TeachPage):
    """The dates and rules that hold for everybody."""

    async def post(self, course: str, name: str) -> None:
        back, path = self.at(course, f"assignments/{name}"), f"/courses/{course}/assignments/{name}"
        try:
            policy = policy_of(await self.exchange("GET", path)) | self._said()
        except CampusError as error:
            self.refuse(error)
            self.redirect(back)
            return
        await self.change(back, N_("The dates and rules are set."), "PUT", path, policy)

    def _said(self) -> dict[str, Any]:
        """What the form says of the policy. Raises CampusError."""
        days = forms.number(self.field("accept_days"), N_("Days of grace"), 0, 366)
        share = forms.number(self.field("penalty"), N_("Taken off for each day"), 0, 100)
        return {
            "opens": forms.utc(self.field("opens"), N_("Opens")),
            "due": forms.utc(self.field("due"), N_("Due")),
            "attempts": forms.whole(self.field("attempts"), N_("Attempts"), 1, 10_000),
            "late_policy": {"accept_days": days, "penalty_per_day": (share or 0) / 100},
            "grade_on_submit": bool(self.field("grade_on_submit")),
        }


class Extend(TeachPage):
    """Another date, or more attempts, for one person."""

    async def post(self, course: str, name: str) -> None:
        back = self.at(course, f"assignments/{name}")
        person = self.field("user")
        try:
            said = {
                "due": forms.utc(self.field("due"), N_("Due")),
                "attempts": forms.whole(self.field("attempts"), N_("Attempts"), 0, 10_000),
                "minutes": forms.whole(self.field("minutes"), N_("Minutes"), 1, 10_000),
                "note": self.field("note").strip()[:2000],
            }
            if not person:
                raise forms.mistake(N_("%(field)s must be one of the list."), N_("The person"))
            if all(said[key] is None for key in ("due", "attempts", "minutes")):
                raise forms.mistake(N_("%(field)s must give another date, attempts or minutes."), N_("An extension"))
        except CampusError as error:
            self.refuse(error)
            self.redirect(back)
            return
        path = f"/courses/{course}/assignments/{name}/extensions/{part(person)}"
        await self.change(back, N_("The extension is given."), "PUT", path, said)


class TakeBack(TeachPage):
    async def post(self, course: str, name: str) -> None:
        path = f"/courses/{course}/assignments/{name}/extensions/{part(self.field('user'))}"
        done = N_("The extension is taken back.")
        await self.change(self.at(course, f"assignments/{name}"), done, "DELETE", path)
