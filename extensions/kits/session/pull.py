"""nbgitpuller's way of bringing a repository's later versions into a folder in which a person works, for kits.

What is different from nbgitpuller's own (1.3, ``pull.py``), which merges line by line and renames the person's files:

- a file that both have changed stays the person's as a whole, and the new one is put beside it;
- nothing that the person has made is renamed, and a kit's renaming of a file never renames theirs;
- what was brought last is remembered here (``refs/campus/brought``), so a kit whose history was begun anew comes in
  like any other version;
- a lock that a pull left behind when it was killed is taken away at once.

Where it is killed, doing it again goes on: each file on disk is the old or the new one, and both are understood.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from nbgitpuller.pull import GitPuller, execute_cmd

from campus_base.errors import CampusError
from extensions.kits.session.git import blob, git, names

BROUGHT = "refs/campus/brought"
_NEW = "The kit's new version"
_STALE = 600  # seconds after which a lock of somebody else's is taken for left behind, as nbgitpuller does
_LOCK_PATIENCE = 10.0  # seconds


class KitPuller(GitPuller):
    """``pull()`` yields lines of progress; ``set_aside`` are then pairs of paths, the person's and the new version."""

    repo_dir: str

    def __init__(self, url: str, folder: Path, branch: str | None = None) -> None:
        super().__init__(url, str(folder), branch=branch, depth=0)
        self.folder = folder
        self.set_aside: list[tuple[str, str]] = []

    def initialize_repo(self) -> Iterator[str]:
        """Clone beside, and move into place as a whole."""
        final, coming = self.repo_dir, self.folder.with_name(f".{self.folder.name}.coming")
        remove(coming)
        self.repo_dir = str(coming)
        yield from super().initialize_repo()
        git(coming, "update-ref", BROUGHT, "HEAD")
        os.rename(coming, final)
        self.repo_dir = final

    def update(self) -> Iterator[str]:
        git(self.folder, "remote", "set-url", "origin", self.git_url)
        self._take_away_dead_locks()
        marker = self.folder / ".git" / "campus-pull"
        marker.touch()
        yield from super().update()
        marker.unlink()

    def rename_local_untracked(self) -> Iterator[str]:
        """Not here: merge() takes them as changed by both."""
        yield from ()

    def ensure_lock(self) -> Iterator[str]:
        """Wait for the person's own git. Raises CampusError."""
        lock = self.folder / ".git" / "index.lock"
        patience = time.monotonic() + _LOCK_PATIENCE
        with contextlib.suppress(FileNotFoundError):
            while time.time() - lock.stat().st_mtime < _STALE:
                if time.monotonic() > patience:
                    raise CampusError(
                        "git-at-work",
                        f"Another git command is at work in kits/{self.folder.name}.",
                        f"Wait until it has ended; if there is none, delete kits/{self.folder.name}/.git/index.lock.",
                    )
                time.sleep(0.2)
            lock.unlink()
        yield from ()

    def merge(self) -> Iterator[str]:
        new = self._what_is_new()
        if new is None:
            return
        self._take_in_untracked(new)
        if git(self.folder, "status", "--porcelain", "--untracked-files=no"):
            yield from self.commit_all()
        self.set_aside = self._put_beside(new)
        yield from self._three_ways(new)
        merged = git(self.folder, "write-tree").strip()
        parents = ("-p", "HEAD", "-p", new)
        git(self.folder, "update-ref", "HEAD", git(self.folder, "commit-tree", merged, *parents, "-m", _NEW).strip())
        git(self.folder, "update-ref", BROUGHT, new)

    def _three_ways(self, new: str) -> Iterator[str]:
        """Each file for itself, by its name (git-read-tree(1)): what one side changed comes in, else the person's.

        ``git merge`` would take a file for renamed, and merge lines. What is deleted by one and changed by the other
        stays where the person has it. Nothing is done where a file was changed since it was last looked at.
        """
        yield from execute_cmd(
            ["git", "read-tree", "-m", "-u", "--aggressive", BROUGHT, "HEAD", new], cwd=self.repo_dir
        )
        unsettled = names(self.folder, "ls-files", "--unmerged")
        for path in {line.split("\t", 1)[1] for line in unsettled}:
            git(self.folder, "reset", "--quiet", "HEAD", "--", path)

    def _what_is_new(self) -> str | None:
        """A commit with the kit's new files on top of those brought last; None where they are the same."""
        origin = f"origin/{self.branch_name}"
        files = [git(self.folder, "rev-parse", f"{commit}^{{tree}}").strip() for commit in (BROUGHT, origin)]
        if files[0] == files[1]:
            return None
        return git(self.folder, "commit-tree", files[1], "-p", BROUGHT, "-m", _NEW).strip()

    def _take_in_untracked(self, new: str) -> None:
        """Have git know of files of the person's that lie where the kit has new ones; ignored ones, too."""
        for path in names(self.folder, "diff", "--name-only", "--diff-filter=A", "HEAD", new):
            if os.path.lexists(self.folder / path) and not (self.folder / path).is_dir():
                git(self.folder, "add", "--force", "--", path)

    def _put_beside(self, new: str) -> list[tuple[str, str]]:
        """Before the merge, so that no version is lost where that is killed."""
        theirs = set(names(self.folder, "diff", "--name-only", "--diff-filter=d", BROUGHT, new))
        ours = set(names(self.folder, "diff", "--name-only", BROUGHT, "HEAD"))
        pairs = []
        for path in sorted(theirs & ours):
            kept, coming = blob(self.folder, "HEAD", path), blob(self.folder, new, path)
            if kept is not None and coming is not None and kept != coming:
                pairs.append((path, _beside(self.folder, path, coming)))
        return pairs

    def _take_away_dead_locks(self) -> None:
        """Those of a pull that was killed; the caller sees to it that no other is at work."""
        if (self.folder / ".git" / "campus-pull").exists():
            for lock in (self.folder / ".git").rglob("*.lock"):
                lock.unlink(missing_ok=True)


def _beside(folder: Path, path: str, content: bytes) -> str:
    """Write the new version; its path. One that is there with this content serves."""
    stem, ending = os.path.splitext(path)
    number = 1
    while True:
        name = f"{stem} (new version{f' {number}' if number > 1 else ''}){ending}"
        file = folder / name
        if not os.path.lexists(file):
            _write(file, content)
            return name
        if file.is_file() and file.read_bytes() == content:
            return name
        number += 1


def _write(file: Path, content: bytes) -> None:
    descriptor, draft = tempfile.mkstemp(prefix=".", dir=file.parent)
    try:
        with open(descriptor, "wb") as out:
            out.write(content)
        os.rename(draft, file)
    except BaseException:
        os.unlink(draft)
        raise


def remove(folder: Path) -> None:
    """A folder that this module has made, or half made."""
    if folder.is_symlink():
        folder.unlink()
    elif folder.exists():
        shutil.rmtree(folder)
