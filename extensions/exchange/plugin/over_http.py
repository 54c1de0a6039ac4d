"""What nbgrader's exchange classes have in common here: the service instead of a folder that everybody can write to."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from dateutil.tz import gettz
from nbgrader.exchange import default

from extensions.exchange.client import Client, Problem

SECRET = "submission_secret.txt"  # noqa: S105 - nbgrader carries this file from collecting to feedback
STAMP = "timestamp.txt"
RECEIPTS = ".receipts"
"""A folder in each assignment that was submitted from here; never a part of what is handed in."""
PART = ".campus-fetch-"
"""How the names of files begin that are being fetched."""


class Exchange(default.Exchange):
    """Base of all; its options are nbgrader's own (``Exchange.cache``, ``path_includes_course``, ...)."""

    @cached_property
    def client(self) -> Client:
        return Client.of_session()

    def start(self) -> Any:
        try:
            return super().start()
        except Problem as problem:
            self.fail(str(problem))

    def ensure_root(self) -> None:
        """There is no folder to look for."""

    def the_course(self) -> str:
        """The course that was named. Fails where none was."""
        if not self.coursedir.course_id:
            self.fail("No course id specified. Re-run with --course flag.")
        return self.coursedir.course_id

    def path(self, *more: str) -> str:
        """The API's path of this course's assignment."""
        return "/".join((f"/courses/{self.the_course()}/assignments/{self.coursedir.assignment_id}", *more))

    def assignment(self) -> dict[str, Any]:
        return self.client.get(self.path(), dict, "files", "released", "refusal", "due", "minutes", "fetched")

    def submissions(self, course: str, name: str) -> list[dict[str, Any]]:
        path = f"/courses/{course}/assignments/{name}/submissions"
        return self.client.get(path, list, "id", "user", "received", "late_seconds", "files", "feedback")

    def local_folder(self, course: str, name: str) -> Path:
        """Where this person's copy of an assignment is."""
        parts = (course, name) if self.path_includes_course else (name,)
        return Path(os.path.abspath(os.path.join(self.assignment_dir, *parts)))

    def stamp(self, received: str) -> str:
        """A receipt's time as nbgrader writes times."""
        at = datetime.strptime(received, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
        return at.astimezone(gettz(self.timezone)).strftime(self.timestamp_format)

    @contextmanager
    def picked(self, source: str) -> Iterator[Path]:
        """A copy of a folder without what nbgrader's options leave out. Raises Problem where it cannot be made."""
        with TemporaryDirectory() as folder:
            target = Path(folder) / "files"
            self.coursedir.ignore = [*self.coursedir.ignore, RECEIPTS, f"{PART}*"]
            try:
                self.do_copy(source, str(target))
            except RuntimeError as error:  # nbgrader's word for a folder over its limit
                most = self.coursedir.max_dir_size // 1000
                raise Problem(
                    "too-large",
                    f"All files together are larger than {most} MB.",
                    "Take out what is not needed, like data and models; clear large outputs.",
                ) from error
            except shutil.Error as error:  # of every file that cannot be copied: its path, that of the copy, and why
                path, _, why = error.args[0][0]
                name = os.path.relpath(path, source)
                raise Problem(
                    "unreadable", f"{name} cannot be read: {why}.", "Take it out of the folder, and try again."
                ) from error
            yield target
