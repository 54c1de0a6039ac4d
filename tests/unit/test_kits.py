"""Starter kits: manifests and folders with mistakes, what is built, the data sheet, publishing, new kits."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

from campus_base.errors import CampusError
from campus_base.manifest_file import ManifestError
from extensions.kits import catalogue, croissant
from extensions.kits.build import build
from extensions.kits.check import check
from extensions.kits.kit import KIT_FILE, Data, Kit, KitFolder, NotebookFile, kits_in
from extensions.kits.verdict import figures, judge
from hub_config.environments import CHECKOUT
from hub_config.kits.new import new_kit
from hub_config.kits.publish import publish, publish_all, publish_of_site, repository
from hub_config.kits.sources import LIBRARY, OURS, kit_folders
from hub_config.paths import Paths
from hub_config.site import Site
from hub_config.site_file import LOCAL, read_site

TEMPLATE = OURS / "template"


@pytest.fixture
def kits(tmp_path: Path) -> Path:
    """A folder of kits with one in it, called ours."""
    shutil.copytree(TEMPLATE, tmp_path / "kits" / "ours", ignore=shutil.ignore_patterns("results", "__pycache__"))
    return tmp_path / "kits"


@pytest.fixture
def kit(kits: Path) -> Path:
    return kits / "ours"


@pytest.fixture
def site(kits: Path) -> Site:
    found = read_site(LOCAL)
    return found.model_copy(update={"content": found.content.model_copy(update={"starter_kits": kits})})


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path / "prefix")


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def mistake(kit: Path) -> str:
    with pytest.raises(CampusError) as refused:
        list(check(KitFolder(kit), LIBRARY))
    return str(refused.value)


# ---------------------------------------------------------------- the manifest


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('title = "Forecast a sensor"', 'titel = "x"', "titel: is no setting here; did you mean title?"),
        ("minutes = 20", 'minutes = "20"', 'minutes = "20": must be a whole number, without quotes'),
        ("minutes = 20", "minutes = 0", "minutes = 0: must be more than 0"),
        ('better = "lower"', 'better = "less"', "better = \"less\": must be 'higher' or 'lower'"),
        ("margin = 0.002", "margin = 0.0", "margin = 0.0: must be more than 0"),
        ('package = "sensor"', 'package = "kitlib"', "package: kitlib is taken in every kit"),
        ('package = "sensor"', 'package = "My-Code"', 'package = "My-Code": must be a package\'s name'),
        ('"pictures/result.png"', '"result.jpg"', 'picture = "result.jpg": must be a PNG in pictures/'),
        ('file = "01_data.py"', 'file = "data.py"', 'notebooks[1].file = "data.py": must be two digits, _ and a name'),
        ('file = "01_data.py"', 'file = "02_train.py"', "notebooks: has more than one named 02_train.py"),
        ('file = "01_data.py"', 'file = "03_data.py"', "notebooks: must stand in the order of their numbers"),
        ("personal = false\n", "", "data[1].personal: is missing; add it"),
    ],
)
def test_a_mistake_in_the_manifest_is_told_with_its_key(old: str, new: str, says: str) -> None:
    text = (TEMPLATE / "kit.toml").read_text()
    assert old in text
    with pytest.raises(ManifestError) as refused:
        KIT_FILE.parse(text.replace(old, new, 1), Path("starter_kits/ours/kit.toml"))
    assert says in str(refused.value)
    assert "starter_kits/ours/kit.toml" in str(refused.value)
    assert "./campus kit check ours" in str(refused.value)


@pytest.mark.parametrize("model", [Kit, NotebookFile, Data])
def test_every_key_is_explained_to_authors(model: type[Kit] | type[NotebookFile] | type[Data]) -> None:
    said = (CHECKOUT / "starter_kits" / "README.md").read_text()
    assert all(f"`{key}`" in said for key in model.model_fields)


# ---------------------------------------------------------------- the folder


def test_a_sound_kit_is_told_so(kit: Path) -> None:
    lines = list(check(KitFolder(kit), LIBRARY))
    assert lines[0] == "ours: Forecast a sensor (template, 20 minutes)"


def remove(name: str) -> Callable[[Path], None]:
    return lambda kit: (kit / name).unlink()


def add(name: str, content: bytes = b"x") -> Callable[[Path], None]:
    def doing(kit: Path) -> None:
        (kit / name).parent.mkdir(exist_ok=True)
        (kit / name).write_bytes(content)

    return doing


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (remove("model_card.md"), "model_card.md is missing. Add it"),
        (remove("notebooks/01_data.py"), "01_data.py is missing, and kit.toml names it"),
        (remove("sensor/__init__.py"), "sensor/__init__.py is missing, and kit.toml names it"),
        (remove("tests/test_sensor.py"), "tests has no test"),
        (add("notebooks/03_more.py"), "03_more.py is not in kit.toml. Add it there as [[notebooks]]"),
        (add("notes.txt"), "notes.txt is nothing that a kit has"),
        (add("other/code.py"), "code.py is nothing that a kit has. Move it into sensor/ or data/"),
        (add("pictures/large.png", bytes(200 * 1024)), "large.png has 200 KiB. Make it 150 KiB or less"),
        (add("data/large.csv", bytes(11 * 1024**2)), "Make it 10 MiB or less"),
        (add("data/table.csv"), "distribution does not name data/table.csv"),
        (lambda kit: (kit / "data" / "passwd").symlink_to("/etc/passwd"), "passwd is a link"),
        (add("sensor/broken.py", b"def f(:\n"), "broken.py, line 1: "),
        (add("sensor/own.py", b"import os\nimport mlflow\n"), "own.py, line 2, imports mlflow. Use tracking of kitlib"),
        (add("notebooks/01_data.py", b"# %% [markdown]\n# Words.\n"), "01_data.py has no cell with code"),
        (add("model_card.md", b"Intended use, data, limits."), "does not speak of the energy used, the EU AI Act"),
        (add("sensor/data.py", b"# another\n"), "sha256: sensor/data.py is another file than the sheet speaks of"),
    ],
)
def test_a_mistake_in_the_folder_is_told(kit: Path, change: Callable[[Path], None], says: str) -> None:
    change(kit)
    assert says in mistake(kit)


def test_what_a_run_left_is_no_part_of_a_kit(kit: Path) -> None:
    for name in ("results/figures.json", "sensor/__pycache__/data.pyc", ".git/HEAD"):
        (kit / name).parent.mkdir(exist_ok=True)
        (kit / name).write_text("x")
    assert not [file for file in KitFolder(kit).files() if file.parts[-2] in ("results", "__pycache__", ".git")]
    assert list(check(KitFolder(kit), LIBRARY))


# ---------------------------------------------------------------- what is built


def test_a_built_kit_stands_alone(kit: Path, tmp_path: Path) -> None:
    into = tmp_path / "built"
    into.mkdir()
    build(KitFolder(kit), into, LIBRARY)
    names = {str(file.relative_to(into)) for file in into.rglob("*") if file.is_file()}
    assert {"app.ipynb", "notebooks/01_data.ipynb", "kitlib/tracking.py", "settings.toml", ".gitignore"} <= names
    assert not [name for name in names if name.startswith("kitlib/tests") or name in ("app.py", "notebooks/01_data.py")]
    notebook = nbformat.read(into / "notebooks" / "01_data.ipynb", as_version=4)
    assert notebook.metadata.kernelspec.name == "python3"
    assert 'sys.path.insert(0, "..")' in next(cell for cell in notebook.cells if cell.cell_type == "code").source


def test_the_same_kit_gives_the_same_bytes(kit: Path, tmp_path: Path) -> None:
    found = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        build(KitFolder(kit), tmp_path / name, LIBRARY)
        found.append(
            {str(f.relative_to(tmp_path / name)): f.read_bytes() for f in (tmp_path / name).rglob("*.*") if f.is_file()}
        )
    assert found[0] == found[1]


# ---------------------------------------------------------------- the data sheet


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"license": None}, "license is missing; add it"),
        ({"@type": "sc:Thing"}, '@type = "sc:Thing": must be "sc:Dataset"'),
        ({"conformsTo": "1.1"}, 'conformsTo = "1.1": must be "http://mlcommons.org/croissant/1.0"'),
        ({"recordSet": [{"name": "sensor"}]}, "recordSet[1] has no field"),
        ({"recordSet": [{"field": [{"name": "x"}]}]}, "recordSet[1].field[1].description is missing"),
        ({"distribution": []}, "distribution must name at least one file"),
        ({"distribution": [{"name": "x"}]}, "distribution[1].contentUrl is missing; add it"),
        (
            {"distribution": [{"name": "x", "contentUrl": "../x", "encodingFormat": "text/csv", "sha256": "0" * 64}]},
            'contentUrl = "../x": must be a file of the kit',
        ),
        ({"license": "https://spdx.org/licenses/MIT"}, 'kit.toml has CC0-1.0 for "sensor", and license here is MIT'),
        ({"name": "other"}, 'kit.toml has the data set "sensor", and nothing here has that name'),
    ],
)
def test_a_mistake_in_the_data_sheet_is_told(kit: Path, change: dict[str, object], says: str) -> None:
    file = kit / croissant.SHEET
    sheet = json.loads(file.read_text()) | change
    file.write_text(json.dumps({key: value for key, value in sheet.items() if value is not None}))
    assert says in mistake(kit)


def test_a_sheet_that_is_no_json_is_told(kit: Path) -> None:
    (kit / croissant.SHEET).write_text("{")
    assert "it is not JSON" in mistake(kit)


def test_a_file_of_a_package_is_looked_for_when_the_kit_is_tried(kit: Path) -> None:
    file = kit / croissant.SHEET
    sheet = json.loads(file.read_text())
    digest = hashlib.sha256(b"x").hexdigest()
    row = {"name": "x", "contentUrl": "package:pvlib/data/x.csv", "encodingFormat": "text/csv", "sha256": digest}
    sheet["distribution"].append(row)
    file.write_text(json.dumps(sheet))
    folder = KitFolder(kit)
    assert "2 files as they are" in croissant.check(folder)
    assert croissant.packaged(folder) == {"pvlib/data/x.csv": digest}


# ---------------------------------------------------------------- figures


def test_figures_are_held_against_the_margin(kit: Path, tmp_path: Path) -> None:
    ours = KitFolder(kit).kit  # lower is better, by 0.002
    assert "better by 0.01" in judge(ours, "ours", {"baseline": 0.05, "model": 0.04})
    for model in (0.049, 0.06):
        with pytest.raises(CampusError, match=r"kit\.toml asks for 0\.002"):
            judge(ours, "ours", {"baseline": 0.05, "model": model})
    (tmp_path / "results").mkdir()
    for text, says in (("[", "is not JSON"), ('{"baseline": 1}', "no number model"), ('{"baseline": NaN}', "baseline")):
        (tmp_path / "results" / "figures.json").write_text(text)
        with pytest.raises(CampusError, match=says):
            figures(tmp_path, "ours")
    with pytest.raises(CampusError, match="keep no figures"):
        figures(tmp_path / "elsewhere", "ours")


# ---------------------------------------------------------------- publishing


def commits(name: str, paths: Paths) -> list[str]:
    git = ["git", f"--git-dir={repository(name, paths)}", "-c", "safe.directory=*", "log", "--format=%H", "main"]
    return subprocess.run(git, capture_output=True, text=True, check=True).stdout.split()


def test_what_did_not_change_is_not_published_again(kits: Path, kit: Path, site: Site, paths: Paths) -> None:
    first = list(publish(kit, site, paths))
    assert first == ["ours: Forecast a sensor; published."]
    before = (paths.kit_catalogue / "ours" / "kit.json").stat().st_mtime_ns
    assert list(publish(kit, site, paths)) == ["ours: as it was."]
    assert (paths.kit_catalogue / "ours" / "kit.json").stat().st_mtime_ns == before
    edit(kit / "README.md", "Forecast a sensor", "Forecast our sensor")
    assert list(publish(kit, site, paths)) == ["ours: Forecast a sensor; published."]
    assert len(commits("ours", paths)) == 2
    assert "Forecast our sensor" in (paths.kit_catalogue / "ours" / "readme.html").read_text()
    assert not list((paths.kits / "work").glob("*/")), "nothing is left of the work"


def test_everybody_reads_what_was_published(kit: Path, site: Site, paths: Paths, tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        list(publish(kit, site, paths))
    finally:
        os.umask(before)
    for path in (paths.kits, *repository("ours", paths).rglob("*"), *(paths.kit_catalogue / "ours").rglob("*")):
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o755 if path.is_dir() else 0o644), path
    for folder in (paths.kit_catalogue, repository("ours", paths).parent):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o755, folder
    clone = tmp_path / "clone"
    git = ["git", "-c", "safe.directory=*", "clone", "--quiet", str(repository("ours", paths)), str(clone)]
    subprocess.run(git, check=True, env={**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null"})
    assert (clone / "kitlib" / "card.py").is_file()


def test_home_gets_facts_and_pages_without_scripts(kit: Path, site: Site, paths: Paths) -> None:
    edit(kit / "notebooks" / "01_data.py", "# # Understand", "# # <script>alert(1)</script> Understand")
    list(publish(kit, site, paths))
    entry = paths.kit_catalogue / "ours"
    said = json.loads((entry / "kit.json").read_text())
    assert (said["name"], said["sector"], said["notebooks"][0]["file"]) == ("ours", "template", "01_data.py")
    assert said["figures"] is None
    names = {str(file.relative_to(entry)) for file in entry.rglob("*") if file.is_file()}
    assert {"notebooks/01_data.html", "card.html", "readme.html", "croissant.json", "pictures/result.png"} <= names
    page = (entry / "notebooks" / "01_data.html").read_text()
    assert "<script" not in page
    assert "from kitlib import compute" in page
    assert "{network" not in (entry / "card.html").read_text()


def test_outputs_are_shown_without_what_could_act() -> None:
    frame = '<style scoped>td {}</style><table onclick="x()"><td style="a">1</td></table><script>x</script>'
    outputs = [
        nbformat.v4.new_output("stream", name="stdout", text="a < b"),
        nbformat.v4.new_output("stream", name="stderr", text="warning"),
        nbformat.v4.new_output("display_data", data={"text/html": frame, "text/plain": "1"}),
        nbformat.v4.new_output("display_data", data={"image/png": "QUJD\n", "text/plain": "<Figure>"}),
    ]
    shown = "".join(catalogue._outputs(outputs))
    assert shown == (
        '<pre>a &lt; b</pre><table><td>1</td></table><img src="data:image/png;base64,QUJD" alt="What this cell draws">'
    )


def test_a_broken_kit_is_told_and_the_one_before_stays(kits: Path, kit: Path, site: Site, paths: Paths) -> None:
    shutil.copytree(kit, kits / "second")
    failed: list[str] = []
    list(publish_of_site(site, paths, failed))
    assert not failed
    edit(kit / "kit.toml", "minutes = 20", "minutes = -1")
    edit(kits / "second" / "README.md", "sensor", "probe")
    lines = list(publish_of_site(site, paths, failed))
    assert failed == ["ours"]
    assert "ours is not published; what was published before stays: " in lines[0]
    assert "minutes = -1: must be more than 0" in lines[0]
    assert lines[1] == "second: Forecast a sensor; published."
    assert json.loads((paths.kit_catalogue / "ours" / "kit.json").read_text())["minutes"] == 20
    assert len(commits("ours", paths)) == 1


def test_a_kit_that_is_gone_leaves_home_and_its_copies_stay(kits: Path, kit: Path, site: Site, paths: Paths) -> None:
    list(publish_of_site(site, paths, []))
    shutil.rmtree(kit)
    assert list(publish_of_site(site, paths, [])) == ["ours is no longer on Home; people's copies stay."]
    assert not (paths.kit_catalogue / "ours").exists()
    assert commits("ours", paths)


def test_publishing_that_was_killed_is_done_by_the_next(kit: Path, site: Site, paths: Paths) -> None:
    left = paths.kits / "work" / "ours" / "built"
    left.mkdir(parents=True)
    (left / "half").write_text("x")
    assert list(publish_all([kit], site, paths, [])) == ["ours: Forecast a sensor; published."]
    shutil.rmtree(paths.kit_catalogue / "ours")  # killed between the commit and the catalogue
    assert list(publish_all([kit], site, paths, [])) == ["ours: Forecast a sensor; shown anew, with the same files."]


# ---------------------------------------------------------------- finding and making kits


def test_the_template_is_no_kit_of_the_site() -> None:
    assert "template" not in {kit.name for kit in kits_in(OURS)}


def test_a_kit_that_is_not_there_is_told_with_those_that_are(kits: Path, site: Site) -> None:
    assert kit_folders([], site) == [kits / "ours"]
    assert kit_folders(["./a/b"], site) == [Path("a/b").absolute()]
    with pytest.raises(CampusError, match=r"There is no starter kit theirs .* There are: ours\."):
        kit_folders(["theirs"], site)


def test_a_new_kit_passes_and_is_of_its_own_sector(kits: Path, site: Site) -> None:
    made = new_kit("health", site)
    assert made == kits / "health"
    lines = list(check(KitFolder(made), LIBRARY))
    assert lines[0] == "health: Forecast a sensor (health, 20 minutes)"
    with pytest.raises(CampusError, match="already"):
        new_kit("health", site)
    for name in ("Health", "template", "../x_y"):
        with pytest.raises(CampusError, match="no name for a kit"):
            new_kit(name, site)
