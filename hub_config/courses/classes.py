"""``/hub/api/campus/classes/COURSE``: instructors book a live class's GPUs, see what is booked, and call it off."""

from __future__ import annotations

import asyncio
import datetime
import time
from dataclasses import dataclass
from typing import Any

from jupyterhub import orm
from jupyterhub.apihandlers import APIHandler
from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError
from tornado.web import HTTPError

from campus_base.errors import CampusError
from extensions.courses.names import COURSE
from hub_config.courses.people import people_of
from hub_config.courses.services import exchange_certificate, hub_certificate, publisher_token
from hub_config.exchange import exchange_inside_url
from hub_config.paths import Paths
from hub_config.site import Site, duration_seconds
from spawners.allowed.booking import NoClass, Terms, Wish, gpus_in, is_class, plan, seats
from spawners.identity import account_named, is_persons
from spawners.allowed.offer import Offer, shown
from spawners.slurm.errors import ControllerSilent
from spawners.slurm.rules import Reservation
from spawners.cluster.watch import ClusterWatch, WatchSettings, shared_watch

_SPARE = 60  # seconds: "now" may be a moment ago when it arrives
_BOOKING = asyncio.Lock()  # two at once might have what there is for one


class Asked(BaseModel):
    """The body of a booking."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    start: AwareDatetime
    minutes: int
    people: int
    size: str


@dataclass(frozen=True)
class Desk:
    """What the handler needs of the site; ``terms`` is None where nobody may book."""

    terms: Terms | None
    offer: Offer
    watch: WatchSettings
    site: Site
    paths: Paths

    async def people(self, course: str) -> set[str]:
        """Who takes part in a course, as the exchange says. Raises CampusError."""
        at = exchange_inside_url(self.site, self.paths)
        token, certificate = publisher_token(self.paths), hub_certificate(self.paths)
        return await people_of(course, at, token, certificate, exchange_certificate(self.site, self.paths))

    @property
    def closed(self) -> str:
        """Why nobody books here; empty where they do."""
        if self.terms is None:
            return "This site books no classes."
        if not self.watch.slurm.books:
            return "This site reaches Slurm through slurmrestd, which makes no reservations."
        return ""


class ClassesHandler(APIHandler):
    """The contract is in docs/operators.md, "The pages' API"."""

    def initialize(self, desk: Desk) -> None:
        self.desk = desk

    @property
    def watch(self) -> ClusterWatch:
        return shared_watch(self.desk.watch)

    def _check_instructor(self, course: str) -> None:
        """As whoever is not: the course does not exist for them."""
        group = f"instructor-{course}"
        groups = {found.name for found in getattr(self.current_user, "groups", ())}
        if group not in groups or not self.has_scope(f"read:groups!group={group}"):
            raise HTTPError(404)

    async def _booked(self, course: str) -> list[Reservation]:
        await self.watch.rulebook.ask_again()
        await self.watch.know()
        found = self.watch.rulebook.rules.reservations.values()
        return sorted((one for one in found if is_class(one.name, course)), key=lambda one: one.start)

    async def _users(self, course: str) -> list[str]:
        """Accounts of the course's people; names that are none here are left out."""
        groups = [orm.Group.find(self.db, f"{role}-{course}") for role in ("instructor", "trainee")]
        known = {user.name for group in groups if group for user in group.users}
        names = sorted(known | await self.desk.people(course))
        accounts = await asyncio.gather(*map(account_named, names))
        return [account.pw_name for account in accounts if account and is_persons(account.pw_uid)]

    def _shown(self, one: Reservation) -> dict[str, Any]:
        return {
            "name": one.name,
            "start": _iso(one.start),
            "end": _iso(one.end),
            "gpus": gpus_in(one, self.watch.picture.nodes),
            "people": len(one.users),
            "active": one.active,
        }

    def _offer(self) -> dict[str, Any] | None:
        terms = self.desk.terms
        if self.desk.closed or terms is None:
            return None
        nodes = self.watch.picture.nodes.values()
        sizes = [
            {"name": size.name, "title": size.title, "gpus_each": round(node.gpus_of(None) / seats(node, size), 3)}
            for size in self.desk.offer.sizes
            if (node := next((n for n in nodes if size.partition in n.partitions and seats(n, size)), None))
        ]
        minutes = {"minutes": terms.longest // 60, "ahead_minutes": terms.ahead // 60}
        return {"gpus": terms.gpus, **minutes, "classes": terms.each, "sizes": sizes}

    def _refuse(self, error: CampusError, status: int = 409) -> None:
        self.set_status(503 if isinstance(error, ControllerSilent) else status)
        self.finish(error.as_dict())


class Classes(ClassesHandler):
    async def get(self, course: str) -> None:
        self._check_instructor(course)
        booked = await self._booked(course)
        if booked and not self.desk.closed:
            await self._bring_up_to_date(course, booked)
        classes = [self._shown(one) for one in booked]
        self.finish({"offer": self._offer(), "sentence": self.desk.closed, "classes": classes})

    async def _bring_up_to_date(self, course: str, booked: list[Reservation]) -> None:
        """Whoever joined the course since may take part. What fails here is tried again at the next look."""
        try:
            users = await self._users(course)
            for one in booked:
                if users and set(users) != one.users:
                    await self.watch.slurm.book_for(one.name, users)
        except CampusError as error:
            self.log.warning("The people of the classes of %s stay as they were: %s", course, error.detail or error)

    async def post(self, course: str) -> None:
        self._check_instructor(course)
        try:
            asked = Asked.model_validate_json(self.request.body)
        except ValidationError as error:
            said = error.errors(include_url=False)[0]
            where = ".".join(map(str, said["loc"])) or "the body"
            self._refuse(NoClass(f"{where}: {said['msg']}.", "Send start, minutes, people and size."), 400)
            return
        try:
            async with _BOOKING:
                booked = await self._book(course, asked)
            self.set_status(201)
            self.finish(self._shown(booked))
        except CampusError as error:
            self.log.warning("A class of %s was not booked: %s", course, error.detail or error)
            self._refuse(error)

    async def _book(self, course: str, asked: Asked) -> Reservation:
        """Raises CampusError."""
        terms = self.desk.terms
        if self.desk.closed or terms is None:
            raise NoClass(self.desk.closed, "Ask an operator for a reservation.")
        size = next((size for size in self.desk.offer.sizes if size.name == asked.size), None)
        if size is None:
            raise NoClass(f"There is no session size {shown(asked.size)}.", "Choose one of those that are offered.")
        now = time.time()
        start = int(asked.start.timestamp())
        wish = Wish(max(start, int(now)) if start > now - _SPARE else start, asked.minutes, asked.people, size)
        await self._booked(course)
        nodes, reservations = self.watch.picture.nodes, self.watch.rulebook.rules.reservations
        users = await self._users(course)
        booking = plan(course, wish, users, terms, nodes, reservations.values(), int(now))
        if booking.name in reservations:
            raise NoClass(f"{course} has a class at this time already.", "Call it off first, or choose another time.")
        await self.watch.slurm.book(booking)
        found = {one.name: one for one in await self._booked(course)}
        end = booking.start + booking.minutes * 60
        return found.get(booking.name) or Reservation(
            name=booking.name, start=booking.start, end=end, users=frozenset(users)
        )


class OneClass(ClassesHandler):
    async def delete(self, course: str, name: str) -> None:
        self._check_instructor(course)
        if not any(one.name == name for one in await self._booked(course)):
            raise HTTPError(404)
        try:
            await self.watch.slurm.unbook(name)
        except CampusError as error:
            self._refuse(error)
            return
        await self.watch.rulebook.ask_again()
        self.set_status(204)


def _iso(seconds: int) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).isoformat().replace("+00:00", "Z")


def desk_of(site: Site, paths: Paths, offer: Offer, watch: WatchSettings) -> Desk:
    """What the site's settings make of it."""
    classes = site.classes
    longest, ahead = duration_seconds(classes.longest), duration_seconds(classes.ahead)
    terms = Terms(classes.gpus, longest, ahead, classes.each) if classes.enabled else None
    return Desk(terms, offer, watch, site, paths)


def handlers(desk: Desk) -> list[tuple[str, type[APIHandler], dict[str, Desk]]]:
    """For JupyterHub.extra_handlers."""
    return [
        (rf"/api/campus/classes/({COURSE})", Classes, {"desk": desk}),
        (rf"/api/campus/classes/({COURSE})/([a-z0-9-]+)", OneClass, {"desk": desk}),
    ]
