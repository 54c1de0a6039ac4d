"""Publishes "Your first hour", the notebook that Home offers to beginners, as sessions fetch it: a bare git repository.

A new version adds a commit, so that it merges into what people changed in theirs (nbgitpuller).
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import jupytext
import nbformat

from campus_base.process import run_sync
from hub_config.environments import CHECKOUT
from hub_config.paths import Paths

NAME = "first-hour"
SOURCE = CHECKOUT / "starter_kits" / NAME / "notebooks" / "first_hour.py"
BRANCH = "main"
_WHO = ("-c", "user.name=Campus", "-c", "user.email=campus@localhost")


def built() -> str:
    """The notebook, as JSON; the same text gives the same bytes."""
    notebook = jupytext.reads(SOURCE.read_text(), fmt="py:percent")
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number}"
        cell.metadata = nbformat.NotebookNode()
    notebook.metadata = nbformat.from_dict(
        {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    )
    return nbformat.writes(notebook, version=4) + "\n"


def publish(paths: Paths) -> bool:
    """Whether there was a new version to publish. Without git there is no first hour. Raises CampusError."""
    if not shutil.which("git"):
        return False
    repository = paths.kits / "repositories" / f"{NAME}.git"
    if not (repository / "HEAD").exists():
        repository.mkdir(parents=True, exist_ok=True)
        _git(repository, "init", "--quiet", "--bare", f"--initial-branch={BRANCH}")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "notebooks" / "first_hour.ipynb"
        file.parent.mkdir()
        file.write_text(built())
        tree = ("-c", "core.bare=false", f"--work-tree={folder}")
        _git(repository, *tree, "add", "--all")
        if not _git(repository, *tree, "status", "--porcelain"):
            return False
        _git(repository, *_WHO, *tree, "commit", "--quiet", "--message=Your first hour")
    _let_everybody_read(paths.kits)
    return True


def _git(repository: Path, *arguments: str) -> str:
    argv = ["git", f"--git-dir={repository}", *arguments]
    # Nobody's own settings, which may ask for a signature.
    env = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
    return run_sync(argv, what="Publishing the first hour", timeout=60, env=env).stdout.strip()


def _let_everybody_read(kits: Path) -> None:
    for folder in (kits, kits / "repositories"):
        folder.chmod(0o755)
    for path in (kits / "repositories" / f"{NAME}.git").rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    (kits / "repositories" / f"{NAME}.git").chmod(0o755)
