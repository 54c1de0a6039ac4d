"""Each test has a kit of its own, in a home of its own."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))


@pytest.fixture(autouse=True)
def kit(tmp_path, monkeypatch):
    """An empty kit's folder; the working folder is in it, as a notebook's is."""
    from kitlib import settings

    folder = tmp_path / "weather"
    (folder / "notebooks").mkdir(parents=True)
    (folder / "kit.toml").touch()
    monkeypatch.chdir(folder / "notebooks")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    for name in ("KIT_SCALE", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(settings, "__file__", str(tmp_path / "elsewhere" / "kitlib" / "settings.py"))
    return folder
