"""``./campus course``: check, publish, roster."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from campus_base.errors import CampusError
from extensions.courses.check import check, courses_in
from hub_config.courses.publish import publish
from hub_config.courses.services import exchange
from hub_config.courses.sources import course_names, folder_of_courses
from hub_config.courses.trial import try_tests
from hub_config.installed import installed_site
from hub_config.paths import Paths

Say = Callable[[str], None]


def check_courses(names: Sequence[str], paths: Paths, say: Say, *, run: bool) -> None:
    """Look at courses in folders: those of these names or paths, or all of the site's; ``run`` tries their tests.

    Raises CampusError.
    """
    site = installed_site(paths)
    home = folder_of_courses(site)
    chosen = [Path(name) if "/" in name else home / name for name in names] or courses_in(home)
    if not chosen:
        say(f"There is no course in {home}.")
    for folder in chosen:
        for line in check(folder.absolute()):
            say(line)
        for line in try_tests(folder.absolute(), site, paths) if run else ():
            say(line)


def publish_courses(names: Sequence[str], paths: Paths, say: Say) -> None:
    """Publish these, or all of the site's courses. Raises CampusError at the first that cannot be."""
    site = installed_site(paths)
    for name in names or course_names(site):
        for line in publish(name, site, paths):
            say(line)


def put_roster(course: str, file: Path, paths: Paths, say: Say) -> None:
    """Make a table the roster of a course; who is not in it leaves. Raises CampusError."""
    try:
        table = file.read_bytes()
    except OSError as error:
        raise CampusError(
            "no-roster", f"{file} cannot be read: {error.strerror}.", "Name a CSV with the column id."
        ) from None
    client, at = exchange(installed_site(paths), paths), f"/courses/{course}"
    if not client.get(at, dict, "card")["card"]:
        raise CampusError(
            "no-course", f"There is no course {course}.", f"Publish it first: ./campus course publish {course}"
        )
    people = client.ask("PUT", f"{at}/roster", list, ("id", "source"), data=table, headers={"Content-Type": "text/csv"})
    listed = [person for person in people if person["source"] == "roster"]
    say(f"{len(listed)} people are on the roster of {course}.")
