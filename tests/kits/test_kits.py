"""Every starter kit runs from top to bottom, a new one too; one that does not do what it says is told so."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from campus_base.errors import CampusError
from extensions.kits.check import check
from extensions.kits.kit import KitFolder, kits_in
from extensions.kits.verdict import judge
from hub_config.kits.new import new_kit
from hub_config.kits.publish import publish
from hub_config.kits.sources import LIBRARY, OURS
from hub_config.kits.trial import Room, _app, _facts, _notebooks, _tests, room, session_python, try_kit
from hub_config.paths import Paths
from hub_config.site import Site
from hub_config.site_file import LOCAL, read_site


@pytest.fixture(scope="session")
def paths() -> Paths:
    return Paths(Path(os.environ["CAMPUS_PREFIX"]))


@pytest.fixture(scope="session")
def site() -> Site:
    return read_site(LOCAL)


@pytest.fixture
def kit(tmp_path: Path, site: Site) -> Path:
    """A new kit that does next to nothing, quickly."""
    made = new_kit(f"{tmp_path}/health", site)
    (made / "notebooks" / "02_train.py").write_text("# %%\nprint(1)\n")
    (made / "notebooks" / "01_data.py").write_text("# %%\nprint(1)\n")
    return made


def words(kit: Path, site: Site, paths: Paths, step: str) -> str:
    """What a step says of a kit that fails at it."""
    steps = {"notebooks": _notebooks, "app": _app, "tests": _tests, "facts": _facts, "all": try_kit}
    folder = KitFolder(kit)
    with room(folder, site, paths) as (made, built), pytest.raises(CampusError) as refused:
        list(steps[step](folder, made, built))
    return str(refused.value)


@pytest.mark.parametrize("path", kits_in(OURS), ids=lambda path: path.name)
def test_a_kit_does_what_it_says(path: Path, site: Site, paths: Paths) -> None:
    folder = KitFolder(path)
    lines = list(check(folder, LIBRARY))
    with room(folder, site, paths) as (made, kit):
        for line in try_kit(folder, made, kit):
            print(line)
            lines.append(line)
    assert any(line.startswith("  tracking: ") for line in lines)


def test_a_new_kit_does_too_and_is_shown_as_it_ran(tmp_path: Path, site: Site, paths: Paths) -> None:
    made = new_kit(f"{tmp_path}/health", site)
    own = Paths(tmp_path / "prefix")
    own.prefix.mkdir()
    own.session_env.symlink_to(session_python(site, paths).parent.parent)
    lines = list(publish(made, site, own, run=True))
    assert lines[-1] == "health: Forecast a sensor; published."
    entry = own.kit_catalogue / "health"
    said = json.loads((entry / "kit.json").read_text())
    judge(KitFolder(made).kit, "health", said["figures"])
    assert "data:image/png" in (entry / "notebooks" / "02_train.html").read_text()
    assert "computed when it runs" not in (entry / "card.html").read_text()


def test_what_all_kits_use(site: Site, paths: Paths, tmp_path: Path) -> None:
    shutil.copytree(LIBRARY, tmp_path / "kitlib", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("home", "run", "tmp"):
        (tmp_path / name).mkdir()
    made = Room(tmp_path, [], session_python(site, paths))
    done = made.run(["-m", "pytest", "-q", "-p", "no:cacheprovider", "kitlib/tests"], "kitlib", 300, tmp_path)
    assert done.status == 0, done.stdout


def test_a_notebook_that_raises_is_told_with_its_cell(kit: Path, site: Site, paths: Paths) -> None:
    (kit / "notebooks" / "02_train.py").write_text("# %%\n1\n# %%\nraise ValueError('no such thing')\n# %%\n2\n")
    said = words(kit, site, paths, "notebooks")
    assert said.startswith("health: 02_train.py stops at its code cell 2: ValueError: no such thing.")


def test_a_notebook_finds_no_network(kit: Path, site: Site, paths: Paths) -> None:
    code = "# %%\nimport urllib.request\nurllib.request.urlopen('https://www.example.org', timeout=5)\n"
    (kit / "notebooks" / "01_data.py").write_text(code)
    assert "01_data.py stops at its code cell 1: URLError" in words(kit, site, paths, "notebooks")


def test_an_app_that_raises_is_told(kit: Path, site: Site, paths: Paths) -> None:
    (kit / "app.py").write_text("# %%\nraise ValueError('no such thing')\n")
    said = words(kit, site, paths, "app")
    assert "the app does not open" in said
    assert "no such thing" in said


def test_a_package_whose_tests_fail_is_told(kit: Path, site: Site, paths: Paths) -> None:
    (kit / "tests" / "test_sensor.py").write_text("def test_it():\n    assert 1 == 2\n")
    assert "FAILED tests/test_sensor.py::test_it" in words(kit, site, paths, "tests")


def test_a_kit_without_a_model_or_a_margin_is_told(kit: Path, site: Site, paths: Paths) -> None:
    assert "register no model" in words(kit, site, paths, "facts")
    first = '# %%\nimport sys\n\nsys.path.insert(0, "..")\nfrom kitlib import figures\n'
    (kit / "notebooks" / "01_data.py").write_text(f"{first}\nfigures.keep(baseline=0.2, model=0.3)\n")
    (kit / "app.py").write_text("# %%\nimport ipywidgets\n\nipywidgets.IntSlider()\n")
    assert "is better than its baseline by -0.1, and kit.toml asks for 0.002" in words(kit, site, paths, "all")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become nobody")
def test_a_kit_runs_as_nobody(kit: Path, site: Site, paths: Paths, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("x")
    secret.chmod(0o600)
    (kit / "notebooks" / "01_data.py").write_text(f"# %%\nopen({str(secret)!r})\n")
    assert "PermissionError" in words(kit, site, paths, "notebooks")
