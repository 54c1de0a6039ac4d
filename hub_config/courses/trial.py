"""Running a course's tests before it is published: on its solution, on what trainees get, and on wrong answers."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from campus_base.errors import CampusError
from extensions.courses.course import CourseFolder
from extensions.courses.stage import stage
from extensions.courses.verdict import mistakes
from extensions.courses.wrong import Wrong, wrong_answers
from hub_config.courses.session import run_in_session
from hub_config.paths import Paths
from hub_config.site import Site

# Nobody's number, and another for each run: what runs as nobody elsewhere is not to reach it, nor to count with it.
# Source: systemd's "Users, Groups, UIDs and GIDs", numbers that are not used.
_STRANGERS = 1_900_000_000


def try_tests(path: Path, site: Site, paths: Paths) -> Iterator[str]:
    """Grade the answers as a class is graded; a line for each assignment. Raises CampusError with every mistake."""
    folder = CourseFolder(path)
    wrong = {assignment.name: wrong_answers(folder, assignment.name) for assignment in folder.course.assignments}
    found = _grade(folder, wrong, site, paths)
    problems = [line for name, each in wrong.items() for line in mistakes(name, found[name], each)]
    if problems:
        raise CampusError(
            "course-tests",
            "\n  ".join((f"The tests of {folder.id} do not do what they should:", *problems, "")).rstrip(),
            f"\nCorrect the tests, or what stands in {folder.path}/wrong.",
        )
    for name, each in wrong.items():
        yield f"  {name}: full marks for the solution, none for what trainees get, and {len(each)} wrong answers caught"


def stranger() -> tuple[int, list[str]]:
    """An account that may do nothing here, by its number, and what goes before a command to run as it.

    Where this is not root, what runs is whoever asked, and the list is empty.
    """
    number = _STRANGERS + os.getpid()
    become = ["setpriv", f"--reuid={number}", f"--regid={number}", "--clear-groups", "--no-new-privs"]
    return number, become if os.geteuid() == 0 else []


def _grade(folder: CourseFolder, wrong: dict[str, list[Wrong]], site: Site, paths: Paths) -> dict[str, dict]:
    """What extensions.courses.trial finds, as an account that may do nothing here."""
    number, become = stranger()
    with tempfile.TemporaryDirectory(prefix="campus-trial-") as top:
        staged, home, answers = Path(top) / "staged", Path(top) / "home", Path(top) / "answers.json"
        staged.mkdir()
        home.mkdir(mode=0o700)
        stage(folder, staged)
        answers.write_text(json.dumps({name: {w.name: w.cells for w in each} for name, each in wrong.items()}))
        if become:
            os.chown(home, number, number)
            os.chown(top, 0, number)
            os.chmod(top, 0o750)
        done = run_in_session(
            "extensions.courses.trial",
            [folder.id, str(staged), str(answers), *folder.course.imports],
            become=become,
            user="nobody",
            home=str(home),
            site=site,
            paths=paths,
        )
    return json.loads(done.stdout)
