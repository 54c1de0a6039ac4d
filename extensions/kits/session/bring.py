"""Bring a kit into the person's home: ``python -I -m extensions.kits.session.bring NAME REPOSITORIES [NOTEBOOK]``.

A process of its own beside the session's server, which is to stay small and not to wait. Prints one line of JSON,
``{"folder", "notebook", "set_aside"}`` or ``{"refused": {code, message, remedy}, "detail"}``; paths are relative to the
home, and ``notebook`` is empty where the kit has none. Done again, it changes nothing, or goes on where it was killed.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from campus_base.errors import CampusError
from extensions.apps import store
from extensions.kits.session.git import environment, git
from extensions.kits.session.pull import BROUGHT, KitPuller, remove

_NAME = r"[a-z0-9][a-z0-9-]{0,39}"
_PATIENCE = 120.0  # seconds for another that brings the same kit
_ROOM = 3  # times the repository's size: it, its files, and new versions beside them
_FULL = (errno.ENOSPC, errno.EDQUOT)
_CHANGED_SAYS = ("would be overwritten", "not uptodate")
_FULL_SAYS = ("No space left on device", "Disk quota exceeded")


def bring(name: str, repositories: Path, home: Path, notebook: str = "") -> dict[str, Any]:
    """See the module. Raises CampusError."""
    repository = repositories / f"{name}.git"
    if not re.fullmatch(_NAME, name) or not repository.is_dir():
        raise CampusError("no-kit", "There is no such starter kit.", "Choose one on Home.")
    if not shutil.which("git"):
        raise CampusError("no-git", "This node lacks git, by which kits are brought.", "Tell an operator.")
    folder = store.kits(home) / name
    try:
        with tempfile.TemporaryDirectory() as private, _alone(folder):
            variables = environment(os.environ, Path(private) / "gitconfig", repository)
            os.environ.clear()
            os.environ.update(variables)
            _look(folder)
            _have_room(folder.parent, repository)
            aside = _pull(f"file://{repository}", folder)
    except OSError as error:
        raise _of_disk(error, home) from error
    found = _first(folder, notebook)
    return {
        "folder": str(folder.relative_to(home)),
        "notebook": str(found.relative_to(home)) if found else "",
        "set_aside": aside,
    }


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Only one brings this kit, in all sessions of this person."""
    folder.parent.mkdir(mode=0o700, exist_ok=True)
    lock = os.open(folder.with_name(f".{folder.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        patience = time.monotonic() + _PATIENCE
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > patience:
                    raise CampusError(
                        "kit-coming", "This kit is being brought already.", "Wait a minute, and try again."
                    ) from None
                time.sleep(0.1)
        yield
    finally:
        os.close(lock)


def _look(folder: Path) -> None:
    """Raises CampusError where something of the person's is in the way."""
    name = f"kits/{folder.name}"
    rename = "Rename or move it, and open the kit again."
    if folder.is_symlink():
        raise CampusError("in-the-way", f"{name} in your home is a link to something else.", rename)
    if not folder.exists():
        return
    if not folder.is_dir():
        raise CampusError("in-the-way", f"{name} in your home is a file.", rename)
    with contextlib.suppress(OSError):
        folder.rmdir()  # an empty one is in nobody's way
        return
    try:
        if not (folder / ".git").is_dir():
            raise FileNotFoundError
        git(folder, "rev-parse", "--verify", "--quiet", BROUGHT)
    except (FileNotFoundError, subprocess.CalledProcessError):
        raise CampusError(
            "in-the-way", f"{name} in your home is a folder of yours that no kit was brought into.", rename
        ) from None


def _have_room(parent: Path, repository: Path) -> None:
    """Raises OSError where the disk or the quota has not the room: better before than in the middle."""
    size = sum(file.stat().st_size for file in repository.rglob("*") if file.is_file())
    with tempfile.TemporaryFile(dir=parent) as trial:
        os.posix_fallocate(trial.fileno(), 0, _ROOM * size + (1 << 20))


def _pull(url: str, folder: Path) -> list[tuple[str, str]]:
    """What was set aside. Raises CampusError."""
    for last in (False, True):
        puller, said = None, []
        try:
            puller = KitPuller(url, folder)
            for line in puller.pull():
                said.append(line)
            return puller.set_aside
        except subprocess.CalledProcessError as error:
            told = "".join([*said, *(part for part in (error.stdout, error.stderr) if isinstance(part, str))])
            # A document that JupyterLab saves just now comes between: the next look takes it as changed.
            if last or not any(words in told for words in _CHANGED_SAYS):
                raise _of_git(told, folder) from error
        except CampusError:
            raise
        except Exception as error:  # nbgitpuller's own are of several classes
            raise _of_git(f"{''.join(said)}{error!r}", folder) from error
        finally:
            with contextlib.suppress(OSError):
                remove(folder.with_name(f".{folder.name}.coming"))
    raise AssertionError


def _of_git(told: str, folder: Path) -> CampusError:
    if any(words in told for words in _FULL_SAYS):
        return _no_room()
    return CampusError(
        "kit-not-brought",
        f"The kit's new version could not be brought into kits/{folder.name}; your files are as they were.",
        f"Rename the folder kits/{folder.name}, and open the kit again: it comes anew, and you have both.",
        told[-2000:],
    )


def _no_room() -> CampusError:
    return CampusError("full", "There is no room left in your home.", "Delete what you do not need, and try again.")


def _of_disk(error: OSError, home: Path) -> CampusError:
    if error.errno in _FULL:
        return _no_room()
    path = os.path.relpath(error.filename or home, home)
    if isinstance(error, FileExistsError | NotADirectoryError) or error.errno == errno.ELOOP:
        return CampusError("in-the-way", f"{path} in your home is not a folder.", "Rename it, and try again.")
    return CampusError("disk", f"{path} cannot be read or written: {error.strerror}.", "See to it, and try again.")


def _first(folder: Path, stem: str) -> Path | None:
    """The notebook to begin with: that named ``stem``, else the first by its name; no app, no version set aside."""
    books = sorted(folder.glob("notebooks/*.ipynb")) or sorted(folder.glob("*.ipynb"))
    books = [book for book in books if book.name != "app.ipynb" and "(new version" not in book.name]
    return next((book for book in books if book.stem == stem), books[0] if books else None)


def main() -> None:
    # Only the answer goes to where the server reads; what git says on its own goes to the session's log.
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    name, repositories, *notebook = sys.argv[1:]
    os.umask(0o077)
    try:
        said = bring(name, Path(repositories), Path.home(), *notebook)
    except CampusError as error:
        said = {"refused": error.as_dict(), "detail": error.detail}
    print(json.dumps(said), file=answer, flush=True)


if __name__ == "__main__":
    main()
