"""What is nbgrader's to do, in a process beside the session's server: ``python -m extensions.coursework.work``.

nbgrader takes a second to import and much memory, changes its process's working folder, and works without a pause.
Reads ``{"do": NAME, "with": {...}}``, a line each, and answers ``{"said": ...}`` or ``{"refused": {code, message,
remedy}}``. Ends with the server, or when it was not asked anything for a while.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import select
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nbgrader.apps import NbGrader
from nbgrader.auth import Authenticator
from nbgrader.coursedir import CourseDirectory
from nbgrader.exchange import ExchangeError, ExchangeFactory

from campus_base.errors import CampusError
from extensions.exchange.client import Client, Problem

_IDLE = 180.0  # seconds: it holds 70 MB
_SOON = (0.5, 1, 2)  # seconds between tries, where somebody waits who may try again
_FULL = (errno.ENOSPC, errno.EDQUOT)


def _tool(name: str, course: str, assignment: str = "", **options: Any) -> Any:
    """One of nbgrader's exchange classes, configured as its command is here. ``options`` are its traits."""
    app = NbGrader()
    app.load_config_file()
    app.config.CourseDirectory.course_id = course
    app.config.CourseDirectory.assignment_id = assignment
    parts = {
        "coursedir": CourseDirectory(config=app.config),
        "authenticator": Authenticator(config=app.config),
        "config": app.config,
    }
    tool = getattr(ExchangeFactory(config=app.config), name)(**parts, **options)
    tool.client = Client.of_session(_SOON)
    return tool


def fetch(course: str, assignment: str, begin: bool = False) -> dict[str, Any]:
    """Fetch what is missing: ``folder``, and the ``notebook`` to begin with, empty where there is none.

    Where that would start somebody's time, it does so only to ``begin``; else it refuses, as ``timed``.
    """
    tool = _tool("FetchAssignment", course, assignment, replace_missing_files=True)
    if not begin and (minutes := _unspent(tool.assignment())):
        raise CampusError(
            "timed",
            f"You have {minutes} minutes for this assignment, from when you open it.",
            "Open it from the course's page when you have the time.",
        )
    tool.start()
    books = sorted((f["path"] for f in tool.found["files"] if f["path"].endswith(".ipynb")), key=_depth)
    folder = os.path.relpath(tool.dest_path)
    return {"folder": folder, "notebook": os.path.join(folder, books[0]) if books else ""}


def _unspent(assignment: dict[str, Any]) -> int | None:
    """The minutes that somebody gets by fetching it: None where it has no such time, or it runs already."""
    timed = assignment["minutes"] and not assignment["fetched"] and not assignment["refusal"]
    return int(assignment["minutes"]) if timed else None


def fetch_feedback(course: str, assignment: str) -> dict[str, Any]:
    """Fetch all feedback: the ``page`` of the latest."""
    tool = _tool("FetchFeedback", course, assignment)
    tool.start()
    given = [submission for _, submission in tool.found if submission["feedback"]]
    if not given:
        raise CampusError(
            "no-feedback",
            f"There is no feedback on {assignment} yet.",
            "It is here once your instructor has released it.",
        )
    folder = os.path.relpath(tool.local_folder(course, assignment) / "feedback" / tool.stamp(given[-1]["received"]))
    return {"page": os.path.join(folder, min(file["path"] for file in given[-1]["feedback"]["files"]))}


def preview(course: str, assignment: str) -> dict[str, Any]:
    """What would be handed in now (extensions.exchange.plugin.submit.ExchangeSubmit.preview)."""
    return _submission(course, assignment).preview()


def submit(course: str, assignment: str, key: str) -> dict[str, Any]:
    """Hand in; the receipt."""
    tool = _submission(course, assignment)
    tool.key = key
    tool.client = Client.of_session()
    tool.start()
    return tool.receipt


def _submission(course: str, assignment: str) -> Any:
    tool = _tool("Submit", course, assignment)
    if not tool.local_folder(course, assignment).is_dir():
        raise CampusError(
            "not-fetched",
            f"Your home has no folder {course}/{assignment}, so there is nothing to hand in.",
            "Open the assignment first.",
        )
    return tool


def listing(course: str) -> list[dict[str, Any]]:
    """What nbgrader's Assignment List shows of a course: assignments, then what was submitted; paths from here."""
    found = _tool("List", course).start()
    for one in found:
        if one["status"] == "fetched":
            for thing in (one, *one["notebooks"]):
                thing["path"] = os.path.relpath(thing["path"])
    handed_in = _tool("List", course, cached=True).start()
    for one in handed_in:
        for submission in one["submissions"]:
            if submission["local_feedback_path"]:
                submission["local_feedback_path"] = os.path.relpath(submission["local_feedback_path"])
    return sorted(found, key=lambda one: one["assignment_id"]) + sorted(handed_in, key=lambda one: one["assignment_id"])


def _depth(path: str) -> tuple[int, str]:
    return path.count("/"), path


DEEDS: dict[str, Callable[..., Any]] = {
    deed.__name__: deed for deed in (fetch, fetch_feedback, preview, submit, listing)
}


def done(what: str, named: dict[str, Any]) -> dict[str, Any]:
    """The answer to one request."""
    try:
        return {"said": DEEDS[what](**named)}
    except CampusError as error:
        refusal = error
    except ExchangeError as error:
        cause = error.__context__
        refusal = cause if isinstance(cause, Problem) else CampusError("nbgrader", _sentence(str(error)), "")
    except OSError as error:
        logging.exception("Campus: %s", what)
        refusal = _of_disk(error)
    except Exception:  # a person's own nbgrader_config.py may raise anything
        logging.exception("Campus: %s", what)
        refusal = CampusError(
            "nbgrader",
            "nbgrader ended with an error.",
            "Try again; if it persists, tell your instructor. The end of the session's log has the details.",
        )
    return {"refused": refusal.as_dict()}


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!")) else f"{text}."


def _of_disk(error: OSError) -> CampusError:
    if error.errno in _FULL:
        return CampusError("full", "There is no room left in your home.", "Delete what you do not need, and try again.")
    path = Path(os.path.relpath(error.filename or "."))
    if isinstance(error, FileExistsError | NotADirectoryError):
        file = next((one for one in (*reversed(path.parents), path) if one.is_file()), path)
        return CampusError("in-the-way", f"{file} is a file where a folder is needed.", "Rename it, and try again.")
    return CampusError("disk", f"{path} cannot be read or written: {error.strerror}.", "See to it, and try again.")


def main() -> None:
    # Only answers go to where the server reads; what nbgrader prints goes to the session's log.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    requests = os.fdopen(0, "rb", buffering=0)
    rest = b""
    while select.select([requests], [], [], _IDLE)[0]:
        piece = requests.read(1 << 16)
        if not piece:
            return
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            wish = json.loads(line)
            print(json.dumps(done(wish["do"], wish["with"])), file=answers, flush=True)


if __name__ == "__main__":
    main()
