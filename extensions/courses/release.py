"""``python -m extensions.courses.release COURSE STAGED [MODULE...]``: a course in its grader's hands.

Run as the grader, in the session environment. Takes the staged sources (extensions.courses.stage) into ``~/course``,
has nbgrader generate what trainees get of those that changed, and writes all of that to standard output, as one tar of
``ASSIGNMENT/FILE``. What was interrupted is done by the next run. Submissions and grades are left alone.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from extensions.exchange.archive import write_tar

_DONE = ".published"  # in the course's folder: the digest of what each assignment was generated from
_OURS = """\
# Written by ./campus course publish; settings of your own belong into ~/course/nbgrader_config.py.
c = get_config()
c.CourseDirectory.root = {root!r}
c.CourseDirectory.course_id = {course!r}
"""
_MODULES = "c.Sandbox.modules = {modules!r}\n"
_THEIRS = """\
# This course's settings of nbgrader and of grading. They are yours: publishing leaves this file alone.
c = get_config()
c.CourseDirectory.course_id = {course!r}
"""


class NotGenerated(Exception):
    """Why nbgrader did not generate an assignment."""


def write_settings(home: Path, course: str, modules: list[str]) -> None:
    """Of nbgrader: those that have to be so, and a file for the instructors' own."""
    root = home / "course"
    root.mkdir(exist_ok=True)
    ours = home / ".jupyter" / "nbgrader_config.py"
    ours.parent.mkdir(exist_ok=True)
    text = _OURS.format(root=str(root), course=course)
    ours.write_text(text + (_MODULES.format(modules=modules) if modules else ""))
    theirs = root / "nbgrader_config.py"
    if not theirs.exists():
        theirs.write_text(_THEIRS.format(course=course))


@contextlib.contextmanager
def only_one(root: Path) -> Iterator[None]:
    """Wait until nobody else is generating here: whoever started that may have been killed (flock(2))."""
    with open(root / ".publishing", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def files_in(folder: Path) -> Iterator[tuple[str, Path]]:
    """Every file below a folder with its path there, in order."""
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            yield str(file.relative_to(folder)), file


def digest(folder: Path) -> str:
    """Of names and contents."""
    found = [(name, hashlib.sha256(file.read_bytes()).hexdigest()) for name, file in files_in(folder)]
    return hashlib.sha256(json.dumps(found).encode()).hexdigest()


def take(staged: Path, root: Path) -> Iterator[str]:
    """Put the sources of each assignment that changed into the course's folder; their names."""
    done = root / _DONE
    done.mkdir(exist_ok=True)
    for source in sorted(staged.iterdir()):
        name, mark = source.name, done / source.name
        wanted = digest(source)
        if mark.exists() and mark.read_text() == wanted and (root / "release" / name).is_dir():
            continue
        mark.unlink(missing_ok=True)
        target = root / "source" / name
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(source, target)
        yield name
        mark.write_text(wanted)


def generate(root: Path, names: Iterator[str]) -> None:
    """Have nbgrader generate these, and note them in its gradebook. Raises NotGenerated."""
    api = None
    for name in names:
        api = api or _nbgrader()
        print(f"Generating {name}", file=sys.stderr)
        made = api.generate_assignment(name, force=True, create=True)
        if not made["success"] or not (root / "release" / name).is_dir():
            raise NotGenerated(_reason(name, f"{made.get('log') or ''}\n{made.get('error') or ''}"))


def _nbgrader() -> Any:
    """nbgrader with the settings of this folder; it takes seconds to load, and most often nothing has changed."""
    from nbgrader.apps import NbGrader, NbGraderAPI

    app = NbGrader()
    app.load_config_file()
    return NbGraderAPI(config=app.config)


def _reason(name: str, log: str) -> str:
    if "because there are submissions associated with it" in log:
        return (
            f"{name} has submissions already, and cells or notebooks were added, removed or renamed. "
            "Make it a new assignment, or keep the cells (their grade_id) that it has."
        )
    return f"nbgrader did not generate {name}:\n{log.strip()[-3000:]}"


def main(course: str, staged: str, *modules: str) -> None:
    os.umask(0o077)
    home = Path.home()
    root = home / "course"
    write_settings(home, course, list(modules))
    os.chdir(root)
    with only_one(root):
        generate(root, take(Path(staged), root))
        names = sorted(folder.name for folder in Path(staged).iterdir())
        released = [(f"{name}/{path}", file) for name in names for path, file in files_in(root / "release" / name)]
        for piece in write_tar((path, file.stat().st_size, file.open("rb")) for path, file in released):
            sys.stdout.buffer.write(piece)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except NotGenerated as problem:
        raise SystemExit(str(problem)) from None
