"""What a request is about: an assignment, a submission that is meant once, a notebook."""

from __future__ import annotations

import os
import re
from typing import Any

from campus_base.errors import CampusError
from extensions.exchange.names import ID, KEY


def checked(what: str, name: str) -> str:
    """An id of a course or an assignment. Raises CampusError where it can be none."""
    if not re.fullmatch(ID, name):
        raise CampusError(
            "bad-link", f"This link names no {what}, or none that there can be.", "Open it from the course's page."
        )
    return name


def course_and_assignment(handler: Any) -> tuple[str, str]:
    """Those that are named in a request's arguments. Raises CampusError."""
    return checked("course", handler.get_argument("course", "")), checked(
        "assignment", handler.get_argument("assignment", "")
    )


def key_of(handler: Any) -> str:
    """What a submission is called that is meant once. Raises CampusError."""
    key = handler.get_argument("key", "")
    if not re.fullmatch(KEY, key):
        raise CampusError("bad-key", "The page that you came from is not whole.", "Open it again.")
    return str(key)


def notebook_of(handler: Any, path: str = "") -> str:
    """The file of a notebook, which is named as JupyterLab does: from the root of its files. Raises CampusError."""
    path = (path or handler.get_argument("path", "")).strip("/")
    file = os.path.join(os.path.expanduser(handler.settings["server_root_dir"]), path)
    if ".." in path.split("/") or "\0" in path or not path.endswith(".ipynb") or not os.path.isfile(file):
        raise CampusError("no-notebook", "There is no such notebook.", "Save it, and try again.")
    return file
