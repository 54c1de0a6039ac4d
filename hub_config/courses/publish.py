"""Publishing a course: from its folder to its grader's, and from there to the exchange. Each step may be done again."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pwd
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from campus_base.errors import CampusError
from extensions.courses.course import Assignment, CourseFolder
from extensions.courses.names import grader_of
from extensions.courses.stage import stage
from extensions.exchange.archive import read_tar
from extensions.exchange.client import Client, file_list
from extensions.exchange.names import Limits
from extensions.exchange.refusals import Refused
from hub_config.courses.account import ensure_grader
from hub_config.courses.session import run_in_session
from hub_config.courses.services import enter_grader, exchange
from hub_config.courses.sources import course_folder
from hub_config.daemon_accounts import as_account
from hub_config.paths import Paths
from hub_config.site import Site

_LARGEST = Limits(upload=2**31, file=2**31, files=100_000)


def publish(name: str, site: Site, paths: Paths) -> Iterator[str]:
    """Publish a course, or what changed of it; a sentence for each thing that was done.

    Submissions and grades are left alone. Raises CampusError; running it again goes on there.
    """
    with course_folder(name, site, paths) as path, _room(name, paths) as top:
        folder = CourseFolder(path)
        staged, released = top / "staged", top / "released"
        staged.mkdir()
        released.mkdir()
        points = stage(folder, staged)
        _check_offered(folder, site)
        grader = ensure_grader(name, site, paths)
        enter_grader(name, site, paths)
        _let_read(top, grader)
        _generate(folder, staged, released, grader, site, paths)
        yield from _tell_exchange(folder, points, released, exchange(site, paths))


@contextlib.contextmanager
def _room(name: str, paths: Paths) -> Iterator[Path]:
    """A folder for one publication of a course at a time; what one left that was killed goes."""
    room = paths.publishing / name
    paths.publishing.mkdir(parents=True, exist_ok=True)
    with open(paths.publishing / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        shutil.rmtree(room, ignore_errors=True)
        room.mkdir(mode=0o700)
        try:
            yield room
        finally:
            shutil.rmtree(room, ignore_errors=True)


def _check_offered(folder: CourseFolder, site: Site) -> None:
    """Raises CampusError for a session size, or an environment, that the site does not have."""
    for size in (folder.course.size, *(assignment.size for assignment in folder.course.assignments)):
        if size and not site.size(size):
            raise CampusError(
                "course-size",
                f"{folder.id} asks for the session size {size}, which this site does not have.",
                f"Use one of {', '.join(offered.name for offered in site.sizes)}, or leave size out.",
            )
    environments = [offered.name for offered in site.environments]
    if folder.course.environment and folder.course.environment not in environments:
        raise CampusError(
            "course-environment",
            f"{folder.id} asks for the environment {folder.course.environment}, which this site does not have.",
            f"Use one of {', '.join(environments)}, or leave environment out."
            if environments
            else "Leave environment out, or add it to the site file ([[environments]]).",
        )


def _let_read(top: Path, grader: pwd.struct_passwd) -> None:
    """The grader, and nobody else: solutions and hidden tests are in there."""
    os.chown(top, 0, grader.pw_gid)
    top.chmod(0o750)


def _generate(
    folder: CourseFolder, staged: Path, released: Path, grader: pwd.struct_passwd, site: Site, paths: Paths
) -> None:
    """As the grader: what trainees get of each assignment, which comes back as a tar. Raises CampusError."""
    with tempfile.TemporaryFile() as archive:
        run_in_session(
            "extensions.courses.release",
            [folder.id, str(staged), *folder.course.imports],
            become=as_account(grader.pw_name, "--no-new-privs"),
            user=grader.pw_name,
            home=grader.pw_dir,
            site=site,
            paths=paths,
            output=archive,
        )
        try:
            for path, _, content in read_tar(archive, _LARGEST):
                target = released / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content.read())
        except Refused as error:
            raise CampusError("course-not-generated", f"{folder.id}: {error.message}", error.remedy) from error


def _tell_exchange(folder: CourseFolder, points: dict[str, float], released: Path, client: Client) -> Iterator[str]:
    """Course, policies and files, where they are others than the exchange has. Raises Problem."""
    course, at = folder.course, f"/courses/{folder.id}"
    wanted = {"title": course.title, "enrolment": course.enrolment, "card": course.card()}
    # A course that nobody published yet has its id for a title, and no card.
    before = client.get(at, dict, *wanted)
    changed = {key: before[key] for key in wanted} != wanted
    if changed:
        client.ask("PUT", at, dict, json=wanted)
    yield (
        f"{folder.id}: {course.title}"
        + ("" if changed or not before["card"] else ", as it was")
        + (f"; it is graded as {grader_of(folder.id)}.")
    )
    there = {found["name"]: found for found in client.get(f"{at}/assignments", list, "name", "files", "released")}
    for assignment in course.assignments:
        policy = assignment.policy(points[assignment.name], course.size)
        done = _assignment(client, f"{at}/assignments/{assignment.name}", policy, there.get(assignment.name), released)
        yield f"  {assignment.name}: {done}{_opens(assignment)}."
    for name in sorted(there.keys() - {assignment.name for assignment in course.assignments}):
        yield f"  {name} is not in course.toml any more; what was released and submitted of it stays."


def _assignment(client: Client, at: str, policy: dict[str, Any], there: dict[str, Any] | None, released: Path) -> str:
    files = released / at.rpartition("/")[2]
    said = []
    shown = {"attempts_allowed": policy["attempts"], **{key: policy[key] for key in policy if key != "attempts"}}
    if there is None or any(there.get(key) != value for key, value in shown.items()):
        client.ask("PUT", at, dict, json=policy)
        said.append("rules set")
    if there is None or not there["released"]:
        client.send("PUT", f"{at}/files", files)
        said.append("released")
    elif there["files"] != file_list(files):
        client.send("PUT", f"{at}/files", files, replace="1")
        said.append("released anew, because its files changed")
    return " and ".join(said) or "as it was"


def _opens(assignment: Assignment) -> str:
    return f"; trainees get it on {assignment.opens:%Y-%m-%d %H:%M %Z}" if assignment.opens else ""
