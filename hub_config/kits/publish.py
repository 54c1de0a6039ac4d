"""Publishing a kit: into a repository that sessions take it from, and into the catalogue that Home shows."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from campus_base.errors import CampusError
from extensions.kits import catalogue
from extensions.kits.build import build
from extensions.kits.check import check
from extensions.kits.kit import KitFolder, kits_in
from extensions.kits.verdict import figures
from hub_config.kits.repository import commit
from hub_config.kits.sources import LIBRARY, folder_of_kits
from hub_config.kits.trial import room, try_kit
from hub_config.paths import Paths
from hub_config.site import Site

_EXCHANGE = 2  # RENAME_EXCHANGE of renameat2(2)
_AT_CWD = -100  # AT_FDCWD


def publish(path: Path, site: Site, paths: Paths, *, run: bool = False) -> Iterator[str]:
    """Publish the kit in a folder, or what changed of it; a line for each thing that was done.

    With ``run`` all of it is tried first, and Home shows what its notebooks print, and its figures. Raises CampusError
    before anything changed; what was published before stays.
    """
    folder = KitFolder(path)
    for line in check(folder, LIBRARY):
        if run:
            yield line
    with _alone(folder.name, paths) as staged:
        built, entry = staged / "built", staged / "entry"
        built.mkdir()
        entry.mkdir()
        build(folder, built, LIBRARY)
        if run:
            with room(folder, site, paths) as (made, kit):
                yield from try_kit(folder, made, kit)
                tree, new = commit(built, repository(folder.name, paths), f"{folder.kit.title}, as published")
                said = catalogue.facts(folder, built, tree, figures(kit, folder.name))
                catalogue.write(folder, kit, entry, said, made.executed)
        else:
            tree, new = commit(built, repository(folder.name, paths), f"{folder.kit.title}, as published")
            before = _published(folder.name, paths)
            said = catalogue.facts(folder, built, tree, before.get("figures"))
            if said == before:
                yield f"{folder.name}: as it was."
                return
            said["figures"] = None
            catalogue.write(folder, built, entry, said)
        put(entry, paths.kit_catalogue / folder.name)
    yield f"{folder.name}: {folder.kit.title}; {'published' if new else 'shown anew, with the same files'}."


def publish_all(
    folders: Sequence[Path], site: Site, paths: Paths, failed: list[str], *, run: bool = False
) -> Iterator[str]:
    """Publish these; one that cannot be is told in words, its name goes into ``failed``, and the others go on."""
    for path in folders:
        try:
            yield from publish(path, site, paths, run=run)
        except CampusError as error:
            stays = "; what was published before stays" if _published(path.name, paths) else ""
            failed.append(path.name)
            yield f"{path.name} is not published{stays}: {error}"


def publish_of_site(site: Site, paths: Paths, failed: list[str], *, run: bool = False) -> Iterator[str]:
    """Publish the site's kits, and take off Home what is no longer among them; its repository stays."""
    folders = kits_in(folder_of_kits(site))
    yield from publish_all(folders, site, paths, failed, run=run)
    names = {folder.name for folder in folders}
    for entry in sorted(paths.kit_catalogue.glob("*")):
        if entry.name not in names:
            shutil.rmtree(entry)
            yield f"{entry.name} is no longer on Home; people's copies stay."


def repository(name: str, paths: Paths) -> Path:
    """The bare repository of a kit."""
    return paths.kits / "repositories" / f"{name}.git"


def put(entry: Path, target: Path) -> None:
    """Put a finished folder in the place of another, at once, for all to read."""
    for path in (entry, *entry.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists():
        entry.rename(target)
    elif not _exchanged(entry, target):
        old = entry.with_name("old")
        target.rename(old)
        entry.rename(target)


def _exchanged(one: Path, other: Path) -> bool:
    """Whether the two changed places; some file systems cannot do so."""
    try:
        renameat2 = ctypes.CDLL(None).renameat2
    except AttributeError:
        return False
    return bool(renameat2(_AT_CWD, bytes(one), _AT_CWD, bytes(other), _EXCHANGE) == 0)


@contextlib.contextmanager
def _alone(name: str, paths: Paths) -> Iterator[Path]:
    """A folder for one publication of a kit at a time; what one left that was killed goes."""
    work = paths.kits / "work"
    room = work / name
    for folder in (paths.kits, work, paths.kit_catalogue, repository(name, paths).parent):
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)
    with open(work / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        shutil.rmtree(room, ignore_errors=True)
        room.mkdir(mode=0o700)
        try:
            yield room
        finally:
            shutil.rmtree(room, ignore_errors=True)


def _published(name: str, paths: Paths) -> dict[str, Any]:
    """What the catalogue says of it now; empty where it has no entry."""
    try:
        found = json.loads((paths.kit_catalogue / name / catalogue.FACTS).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
