"""Your first hour: the notebook reaches people without a version of it getting lost."""

from __future__ import annotations

import stat
import subprocess
from pathlib import Path

import nbformat
import pytest

from hub_config import first_hour
from hub_config.paths import Paths


def git(repository: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", f"--git-dir={repository}", *arguments], check=True, capture_output=True, text=True
    ).stdout


def test_it_is_published_once_and_a_new_version_adds_a_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = Paths(tmp_path)
    repository = paths.kits / "repositories" / "first-hour.git"
    assert first_hour.publish(paths)
    assert not first_hour.publish(paths)
    first = git(repository, "rev-parse", "main").strip()
    monkeypatch.setattr(first_hour, "built", lambda: '{"new": 1}\n')
    assert first_hour.publish(paths)
    assert git(repository, "rev-parse", "main~1").strip() == first
    assert git(repository, "show", "main:notebooks/first_hour.ipynb") == '{"new": 1}\n'
    assert stat.S_IMODE(repository.stat().st_mode) == 0o755
    for path in repository.rglob("*"):
        assert path.stat().st_mode & stat.S_IROTH, path
    copy = tmp_path / "copy"
    subprocess.run(["git", "clone", "--quiet", str(repository), str(copy)], check=True)
    assert (copy / "notebooks" / "first_hour.ipynb").exists()


def test_it_is_a_notebook_without_outputs() -> None:
    assert first_hour.built() == first_hour.built()
    notebook = nbformat.reads(first_hour.built(), as_version=4)
    nbformat.validate(notebook)
    assert notebook.cells[0].source.startswith("# Your first hour")
    assert not any(cell.get("outputs") for cell in notebook.cells)
