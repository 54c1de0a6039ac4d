"""A bare repository with what was published, from which sessions take it: read by all, written by root."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from campus_base.process import run_sync

BRANCH = "main"
_GIT_SECONDS = 120
_WHO = {
    "GIT_AUTHOR_NAME": "Campus",
    "GIT_AUTHOR_EMAIL": "campus@localhost",
    "GIT_COMMITTER_NAME": "Campus",
    "GIT_COMMITTER_EMAIL": "campus@localhost",
}


def commit(built: Path, repository: Path, message: str) -> tuple[str, bool]:
    """Make the files in a folder the branch's next commit, where they are others than before.

    Commits are added and never rewritten: people's copies follow them. Returns the tree's id, and whether there is a
    new commit. Raises ProgramFailed.
    """
    with tempfile.TemporaryDirectory(prefix="campus-kit-index-") as top:
        git = _Git(repository, built, Path(top) / "index")
        if not (repository / "HEAD").exists():
            repository.mkdir(parents=True, exist_ok=True)
            git("init", "--quiet", "--bare", f"--initial-branch={BRANCH}", str(repository), bare=True)
            (repository / "hooks").mkdir(exist_ok=True)
        git("add", "--all", "--force", ".")
        tree = git("write-tree")
        before = git("rev-parse", "--verify", "--quiet", f"refs/heads/{BRANCH}", check=False)
        if before and git("rev-parse", f"{before}^{{tree}}") == tree:
            return tree, False
        made = git("commit-tree", tree, *(["-p", before] if before else []), "-m", message)
        git("update-ref", f"refs/heads/{BRANCH}", made, before)
    _let_all_read(repository)
    return tree, True


class _Git:
    """git with nobody's settings but ours, for one repository, one folder and an index of its own."""

    def __init__(self, repository: Path, folder: Path, index: Path) -> None:
        self._folder = folder
        self._where = [f"--git-dir={repository}", f"--work-tree={folder}"]
        self._environment = {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "HOME": str(index.parent),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_SYSTEM": os.devnull,
            "GIT_INDEX_FILE": str(index),
            **_WHO,
        }

    def __call__(self, *arguments: str, bare: bool = False, check: bool = True) -> str:
        argv = ["git", *([] if bare else self._where), "-c", "core.autocrlf=false", "-c", "gc.auto=0", *arguments]
        done = run_sync(
            argv,
            what=f"git {arguments[0]}",
            timeout=_GIT_SECONDS,
            env=self._environment,
            cwd=str(self._folder),
            check=check,
        )
        return done.stdout.strip()


def _let_all_read(repository: Path) -> None:
    """Whatever root's umask was."""
    for path in (repository, *repository.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
