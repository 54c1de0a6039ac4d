"""The published kits: a folder for each, read anew when it changes. A broken one is left out, and said once."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from pydantic import ValidationError
from tornado.log import app_log

from extensions.home.kits.clean import plain, untitled
from extensions.home.kits.files import NoFile, read
from extensions.home.kits.kit import NAME, Kit
from extensions.home.kits.sheet import Sheet, sheet

MOST_KITS = 200
MOST_BYTES = 8 * 1024 * 1024
"""Of one file that is shown."""
_MANIFEST_BYTES = 256 * 1024
_MOST_TEXT = 200_000  # characters of one file that are searched

_Stamp = tuple[tuple[int, int, int], ...]


@dataclass(frozen=True)
class Entry:
    """A kit, and what is published with it; texts are made when they are first asked for."""

    root: Path
    kit: Kit

    def file(self, *path: str) -> bytes:
        """Raises NoFile."""
        return read(self.root, (self.kit.name, *path), MOST_BYTES)

    def page(self, *path: str, below: int) -> str:
        """A page's part that may stand in ours, below a heading of that level; empty where it isn't published."""
        try:
            return untitled(self.file(*path).decode("utf-8", "replace"), below)
        except NoFile:
            return ""

    @cached_property
    def readme(self) -> str:
        return self.page("readme.html", below=2)

    @cached_property
    def card(self) -> str:
        """The model's card."""
        return self.page("card.html", below=2)

    @cached_property
    def notebooks(self) -> dict[str, str]:
        """Every notebook as it was run, by its name in addresses."""
        return {one.stem: self.page("notebooks", f"{one.stem}.html", below=1) for one in self.kit.notebooks}

    @cached_property
    def app(self) -> bool:
        """Whether there is a picture of its app."""
        try:
            return bool(self.file("pictures", "app.png"))
        except NoFile:
            return False

    @cached_property
    def sheet(self) -> Sheet:
        """The data's sheet; an empty one where none can be read."""
        try:
            return sheet(self.file("croissant.json"))
        except NoFile:
            return Sheet()

    @cached_property
    def text(self) -> str:
        """What is written in it, without marks: for searching."""
        kit = self.kit
        known = [*kit.result, *(one.title for one in kit.notebooks), *(one.note for one in kit.data)]
        pages = [self.readme, self.card, *self.notebooks.values()]
        return " · ".join([*known, *(plain(page)[:_MOST_TEXT] for page in pages)])


@dataclass(frozen=True)
class Broken:
    """A folder that can't be shown; ``why`` is for operators."""

    name: str
    why: str


@dataclass
class Catalogue:
    """What is in one folder; it may be missing."""

    root: Path
    _known: dict[str, tuple[_Stamp, Entry | Broken]] = field(default_factory=dict)

    def kits(self) -> list[Entry]:
        """By sector, then by title."""
        found = [one for one in self._look() if isinstance(one, Entry)]
        return sorted(found, key=lambda one: (one.kit.sector.casefold(), one.kit.title.casefold()))

    def broken(self) -> list[Broken]:
        return [one for one in self._look() if isinstance(one, Broken)]

    def kit(self, name: str) -> Entry | None:
        return next((one for one in self.kits() if one.kit.name == name), None)

    def _look(self) -> list[Entry | Broken]:
        """All of them; one that did not change since is not read again."""
        try:
            with os.scandir(self.root) as folders:
                names = sorted(one.name for one in folders if re.fullmatch(NAME, one.name))[:MOST_KITS]
        except OSError:
            names = []
        known = {}
        for name in names:
            stamp = self._stamp(name)
            before = self._known.get(name)
            known[name] = before if before and before[0] == stamp else (stamp, self._read(name))
        self._known = known
        return [one for _, one in known.values()]

    def _stamp(self, name: str) -> _Stamp:
        """It differs when the entry was published anew, or a file came or went."""
        found = []
        for path in (name, f"{name}/kit.json", f"{name}/notebooks"):
            try:
                status = os.lstat(f"{self.root}/{path}")
                found.append((status.st_mtime_ns, status.st_ino, status.st_size))
            except OSError:
                found.append((0, 0, 0))
        return tuple(found)

    def _read(self, name: str) -> Entry | Broken:
        try:
            kit = Kit.model_validate_json(read(self.root, (name, "kit.json"), _MANIFEST_BYTES))
            if kit.name != name:
                raise NoFile(f"kit.json calls it {kit.name}")
            for path in (kit.picture.split("/"), *(["notebooks", f"{one.stem}.html"] for one in kit.notebooks)):
                read(self.root, (name, *path), MOST_BYTES)
            return Entry(self.root, kit)
        except NoFile as error:
            why = str(error)
        except ValidationError as error:
            why = "; ".join(
                f"kit.json, {'.'.join(map(str, one['loc'])) or 'all'}: {one['msg']}" for one in error.errors()
            )
        app_log.error("The starter kit %s cannot be shown: %s", name, why)
        return Broken(name, why[:500])
