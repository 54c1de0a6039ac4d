"""What the operator tells everybody: a file that is read anew when it has changed, so nothing is restarted for it."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, Strict
from tornado.log import app_log

from campus_base.errors import CampusError
from campus_base.manifest import Line, Many, Part
from campus_base.manifest_file import ManifestKind

Moment = Annotated[AwareDatetime, Strict(False)]


class Announcement(Part):
    text: Line = Field(min_length=1, max_length=500)
    """What people read."""
    kind: Literal["info", "warning"] = "info"
    """How it looks."""
    begins: Moment | None = None
    """From when on it is shown; at once where left out."""
    ends: Moment | None = None
    """Until when it is shown; until it is removed where left out."""
    link: Annotated[str, Field(pattern=r"^https?://\S+$", max_length=500)] = ""
    """Where to read more."""


class File(Part):
    announcements: Many[Announcement] = ()


KIND = ManifestKind(
    name="announcements",
    model=File,
    documentation="docs/operators.md",
    remedy=lambda path: f"Correct {path}: people see no announcement until then.",
)


class Announcements:
    """Those of one file. A file with a mistake in it shows nothing; the log says what is wrong."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: tuple[int, int] | None = None
        self._all: tuple[Announcement, ...] = ()

    def now(self, at: datetime.datetime) -> list[Announcement]:
        """What is shown at a time."""
        self._look()
        return [one for one in self._all if not (one.begins and at < one.begins) and not (one.ends and at >= one.ends)]

    def _look(self) -> None:
        try:
            status = self._path.stat()
            stamp = (status.st_mtime_ns, status.st_ino)
        except OSError:
            self._stamp, self._all = None, ()
            return
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._all = tuple(KIND.read(self._path).announcements)
        except CampusError as error:
            app_log.error("%s", error)
            self._all = ()
