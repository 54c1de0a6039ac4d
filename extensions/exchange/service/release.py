"""``/courses/X/assignments/A/files``: releasing an assignment, fetching it, taking it back."""

from __future__ import annotations

from typing import Any

from sqlalchemy import insert, update

from extensions.exchange.archive import File
from extensions.exchange.refusals import NotFound, NotNow
from extensions.exchange.service import standing, trees
from extensions.exchange.service.assignments import put_policy
from extensions.exchange.service.bodies import Policy
from extensions.exchange.service.clock import text
from extensions.exchange.service.tables import ASSIGNMENTS, FETCHES
from extensions.exchange.service.upload import UploadHandler, reused
from extensions.exchange.service.visit import Visit
from extensions.exchange.store import Staged


def check(visit: Visit, course: str, name: str, key: str, replace: bool) -> None:
    """Raises what speaks against releasing."""
    visit.instructor(course)
    row = standing.assignment_row(visit, course, name)
    if row and row.tree and row.upload_key != key and not replace:
        raise NotNow(
            "released-already",
            f"{name} is released in {course} already.",
            "To put these files in place of the released ones, say so (nbgrader: --force; API: replace=1).",
        )


def release(visit: Visit, course: str, name: str, key: str, replace: bool, staged: Staged) -> dict[str, Any]:
    check(visit, course, name, key, replace)
    row = standing.assignment_row(visit, course, name)
    if row is None:
        put_policy(visit, course, name, Policy(title=name))
    if row and row.upload_key == key:
        if row.tree != staged.sha256:
            raise reused("release")
        return standing.shown(visit, course, name, True)
    tree = trees.put(visit.connection, staged)
    visit.connection.execute(
        update(ASSIGNMENTS)
        .where(ASSIGNMENTS.c.course == course, ASSIGNMENTS.c.name == name)
        .values(tree=tree, released=text(visit.now()), upload_key=key)
    )
    visit.note(course, "released", assignment=name, sha256=tree, size=staged.size)
    return standing.shown(visit, course, name, True)


def fetch(visit: Visit, course: str, name: str) -> list[File]:
    """The released files. Raises NotFound, and NotNow before it opens."""
    instructor = visit.member(course) == "instructor"
    found = standing.standing(visit, course, name)
    if not found.released:
        raise NotFound(f"released assignment {name} in {course}")
    if not instructor and not found.terms.is_open(visit.now()):
        refused = found.refusal(visit.now())
        assert refused is not None  # what is not open refuses submissions, too
        raise refused
    if found.fetched is None:
        key = {"course": course, "assignment": name, "person": visit.asker.name}
        visit.connection.execute(insert(FETCHES).values(at=text(visit.now()), **key))
        visit.note(course, "fetched", assignment=name)
    return trees.files(visit.connection, found.row.tree)


def take_back(visit: Visit, course: str, name: str) -> None:
    visit.instructor(course)
    if standing.assignment_row(visit, course, name) is None:
        raise NotFound(f"assignment {name} in {course}")
    where = (ASSIGNMENTS.c.course == course, ASSIGNMENTS.c.name == name, ASSIGNMENTS.c.tree.is_not(None))
    none = {"tree": None, "released": None, "upload_key": None}
    # Again, it is taken back already: whoever got no answer asks again.
    if visit.connection.execute(update(ASSIGNMENTS).where(*where).values(none)).rowcount:
        visit.note(course, "release-taken-back", assignment=name)


class Release(UploadHandler):
    def _replace(self) -> bool:
        return self.get_query_argument("replace", "0") == "1"

    async def looked_at(self, course: str, name: str) -> None:
        await self.ask(check, course, name, self.key, self._replace())

    async def put(self, course: str, name: str) -> None:
        staged = await self.staged()
        self.answer(await self.take(staged, release, course, name, self.key, self._replace(), staged))

    async def get(self, course: str, name: str) -> None:
        await self.answer_files(await self.ask(fetch, course, name))

    async def delete(self, course: str, name: str) -> None:
        await self.ask(take_back, course, name)
        self.answer({})
