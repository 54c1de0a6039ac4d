"""Bringing a kit into a home, with real git, as the account that does not own the kit's repository."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.session.conftest import NOBODY, Session, running

FIRST = {
    "kit.toml": 'title = "Finance"\n',
    "README.md": "first\n",
    "app.ipynb": '{"cells": []}\n',
    "notebooks/01_data.ipynb": '{"cells": [1]}\n',
    "notebooks/02_model.ipynb": '{"cells": [2]}\n',
    "data/rows.csv": "a,b\n1,2\n3,4\n5,6\n7,8\n9,10\n",
    "pictures/result.png": "\x89 first",
    ".gitattributes": "*.png binary\n",
    ".gitignore": "results/\n",
}
NEW = "notebooks/01_data (new version).ipynb"


class Kit:
    """A kit's bare repository, another's, and the home it comes into."""

    def __init__(self, environment: Path, base: Path, name: str = "finance") -> None:
        self.environment, self.name = environment, name
        self.repositories, self.work, self.home = base / "repositories", base / "work", base / "home"
        self.folder = self.home / "kits" / name
        for folder in (self.repositories, self.work, self.home):
            folder.mkdir(parents=True)
        self.own(self.home)
        self.publish(FIRST)

    def own(self, *paths: Path) -> None:
        for path in paths if os.getuid() == 0 else ():
            os.chown(path, NOBODY, NOBODY, follow_symlinks=False)

    def git(self, *arguments: str) -> str:
        own = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "PATH": os.environ["PATH"]}
        argv = ["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments]
        return subprocess.run(argv, cwd=self.work, env=own, capture_output=True, text=True, check=True).stdout

    def publish(self, files: dict[str, str | None], anew: bool = False) -> None:
        """A version with these files besides those before it; None deletes one. ``anew`` begins another history."""
        if anew:
            shutil.rmtree(self.work / ".git")
        if not (self.work / ".git").exists():
            self.git("init", "-q", "-b", "main")
        for name, text in files.items():
            path = self.work / name
            path.parent.mkdir(exist_ok=True)
            path.unlink(missing_ok=True) if text is None else path.write_text(text)
        self.git("add", "-A")
        self.git("commit", "-qm", "a version")
        bare = self.repositories / f"{self.name}.git"
        shutil.rmtree(bare, ignore_errors=True)
        self.git("clone", "-q", "--bare", ".", str(bare))
        for path in (bare, *bare.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)

    def command(self, name: str = "", *more: str) -> list[str]:
        python = str(self.environment / "bin" / "python")
        return [python, "-I", "-m", "extensions.kits.session.bring", name or self.name, str(self.repositories), *more]

    def start(self, name: str = "", *more: str) -> subprocess.Popen[str]:
        account: dict[str, Any] = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.getuid() == 0 else {}
        variables = {"HOME": str(self.home), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
        pipe = subprocess.PIPE
        return subprocess.Popen(
            self.command(name, *more), cwd=self.home, env=variables, stdout=pipe, stderr=pipe, text=True, **account
        )

    def bring(self, name: str = "", *more: str) -> dict[str, Any]:
        out, err = self.start(name, *more).communicate(timeout=60)
        assert out, err
        return dict(json.loads(out))

    def refusal(self) -> str:
        said = self.bring()["refused"]
        assert said["message"]
        assert said["remedy"]
        return str(said["code"])

    def write(self, name: str, text: str) -> None:
        """As the person does it."""
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.unlink(missing_ok=True)
        path.write_text(text)
        self.own(path.parent, path)

    def files(self) -> dict[str, str]:
        found = [p for p in self.folder.rglob("*") if p.is_file() and ".git" not in p.relative_to(self.folder).parts]
        return {str(path.relative_to(self.folder)): path.read_text(errors="replace") for path in found}


@pytest.fixture
def kit(environment: Path, base: Path, request: pytest.FixtureRequest) -> Kit:
    return Kit(environment, base / request.node.name.replace("/", "-"))


def test_it_comes_and_says_where_to_begin(kit: Kit) -> None:
    assert kit.bring() == {
        "folder": "kits/finance",
        "notebook": "kits/finance/notebooks/01_data.ipynb",
        "set_aside": [],
    }
    assert kit.files() == {k: v for k, v in FIRST.items()} | {"pictures/result.png": "\x89 first"}
    assert kit.bring("", "02_model")["notebook"] == "kits/finance/notebooks/02_model.ipynb"
    assert {p.name for p in (kit.home / "kits").iterdir()} == {"finance", ".finance.lock"}
    assert (kit.home / "kits").stat().st_mode & 0o077 == 0


def test_a_later_version_comes_in_and_what_the_person_changed_stays(kit: Kit) -> None:
    kit.bring()
    kit.write("notebooks/02_model.ipynb", '{"cells": ["mine"]}\n')
    kit.write("notes.txt", "mine")
    kit.publish({"notebooks/01_data.ipynb": '{"cells": ["new"]}\n', "notebooks/03_new.ipynb": "{}\n"})
    assert kit.bring()["set_aside"] == []
    files = kit.files()
    assert files["notebooks/01_data.ipynb"] == '{"cells": ["new"]}\n'
    assert files["notebooks/02_model.ipynb"] == '{"cells": ["mine"]}\n'
    assert files["notebooks/03_new.ipynb"] == "{}\n"
    assert files["notes.txt"] == "mine"


def test_a_file_that_both_changed_stays_whole_and_the_new_one_is_beside_it(kit: Kit) -> None:
    kit.bring()
    # Two lines far apart, which a merge by lines would put together.
    kit.write("data/rows.csv", FIRST["data/rows.csv"].replace("1,2", "mine"))
    kit.write("notebooks/01_data.ipynb", "mine")
    kit.write("pictures/result.png", "mine")
    coming = FIRST["data/rows.csv"].replace("9,10", "new")
    kit.publish({"data/rows.csv": coming, "notebooks/01_data.ipynb": "new\n", "pictures/result.png": "new"})
    assert kit.bring()["set_aside"] == [
        ["data/rows.csv", "data/rows (new version).csv"],
        ["notebooks/01_data.ipynb", NEW],
        ["pictures/result.png", "pictures/result (new version).png"],
    ]
    files = kit.files()
    assert files["data/rows.csv"] == FIRST["data/rows.csv"].replace("1,2", "mine")
    assert files["data/rows (new version).csv"] == coming
    assert (files["notebooks/01_data.ipynb"], files[NEW]) == ("mine", "new\n")
    assert (files["pictures/result.png"], files["pictures/result (new version).png"]) == ("mine", "new")
    assert kit.bring()["set_aside"] == []  # it is told once
    assert kit.files() == files
    kit.write(NEW, "mine, too")
    kit.publish({"notebooks/01_data.ipynb": "newer\n"})
    assert kit.bring()["set_aside"] == [["notebooks/01_data.ipynb", "notebooks/01_data (new version 2).ipynb"]]
    assert kit.files()[NEW] == "mine, too"


def test_what_was_deleted_comes_back_as_it_is_now(kit: Kit) -> None:
    kit.bring()
    shutil.rmtree(kit.folder / "notebooks")
    (kit.folder / "README.md").unlink()
    assert kit.bring()["notebook"] == "kits/finance/notebooks/01_data.ipynb"
    (kit.folder / "README.md").unlink()
    kit.publish({"README.md": "new\n", "notebooks/02_model.ipynb": None})
    kit.bring()
    assert kit.files()["README.md"] == "new\n"
    assert "notebooks/02_model.ipynb" not in kit.files()


def test_what_the_kit_deleted_stays_where_the_person_changed_it(kit: Kit) -> None:
    kit.bring()
    kit.write("notebooks/01_data.ipynb", "mine")
    kit.publish({"notebooks/01_data.ipynb": None, "notebooks/01_start.ipynb": FIRST["notebooks/01_data.ipynb"]})
    kit.bring()
    assert kit.files()["notebooks/01_data.ipynb"] == "mine"
    assert kit.files()["notebooks/01_start.ipynb"] == FIRST["notebooks/01_data.ipynb"]


@pytest.mark.parametrize("name", ["notebooks/03_new.ipynb", "results/figures.json"])
def test_a_file_of_the_persons_in_the_place_of_a_new_one_stays(name: str, kit: Kit) -> None:
    kit.bring()
    kit.write(name, "mine")
    (kit.work / ".gitignore").write_text("")
    kit.publish({name: "new\n"})
    ((mine, new),) = kit.bring()["set_aside"]
    assert (mine, kit.files()[name], kit.files()[new]) == (name, "mine", "new\n")


def test_commits_of_the_persons_stay(kit: Kit) -> None:
    kit.bring()
    kit.write("notebooks/01_data.ipynb", "mine")
    account: dict[str, Any] = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.getuid() == 0 else {}
    own = {"HOME": str(kit.home), "PATH": "/usr/bin:/bin"}
    argv = ["git", "-c", "user.name=me", "-c", "user.email=me@b", "commit", "-qam", "my own work"]
    subprocess.run(argv, cwd=kit.folder, env=own, check=True, **account)
    kit.publish({"README.md": "new\n", "notebooks/01_data.ipynb": "new\n"})
    kit.bring()
    log = subprocess.run(
        ["git", "log", "--format=%s"], cwd=kit.folder, env=own, check=True, capture_output=True, text=True, **account
    )
    assert "my own work" in log.stdout
    assert (kit.files()["notebooks/01_data.ipynb"], kit.files()["README.md"]) == ("mine", "new\n")


def test_a_kit_whose_history_began_anew_comes_in_like_any_other(kit: Kit) -> None:
    kit.bring()
    kit.write("README.md", "mine\n")
    for number in ("second", "third"):
        kit.publish({"notebooks/01_data.ipynb": number, "kit.toml": f'title = "{number}"\n'}, anew=True)
        assert kit.bring()["set_aside"] == []
        assert kit.files()["notebooks/01_data.ipynb"] == number
        assert kit.files()["README.md"] == "mine\n"


@pytest.mark.parametrize("what", ["a file", "a link", "a folder", "a repository", "a file for all"])
def test_what_is_in_the_way_is_told_and_left_alone(what: str, kit: Kit) -> None:
    kit.folder.parent.mkdir()
    match what:
        case "a file":
            kit.folder.write_text("mine")
        case "a link":
            kit.folder.symlink_to(kit.work)
        case "a folder":
            kit.folder.mkdir()
            (kit.folder / "notes.txt").write_text("mine")
        case "a repository":
            subprocess.run(["git", "init", "-q", str(kit.folder)], check=True)
        case "a file for all":
            kit.folder.parent.rmdir()
            kit.folder.parent.write_text("mine")
    kit.own(kit.home, *kit.home.rglob("*"))
    before = sorted(str(path) for path in kit.home.rglob("*") if path.name != ".finance.lock")
    assert kit.refusal() == "in-the-way"
    assert sorted(str(path) for path in kit.home.rglob("*") if path.name != ".finance.lock") == before


def test_an_empty_folder_is_in_nobodys_way(kit: Kit) -> None:
    kit.folder.mkdir(parents=True)
    kit.own(kit.folder.parent, kit.folder)
    assert kit.bring()["notebook"]


@pytest.mark.parametrize("name", ["nothing", "../repositories/finance", "", "-x", "finance.git"])
def test_a_name_of_no_kit_is_refused(name: str, kit: Kit) -> None:
    said = kit.bring(name or "No")
    assert said["refused"]["code"] == "no-kit"
    assert not (kit.home / "kits").exists()


def test_a_lock_of_a_pull_that_was_killed_is_taken_away(kit: Kit) -> None:
    kit.bring()
    for name in ("campus-pull", "index.lock", "refs/heads/main.lock"):
        (kit.folder / ".git" / name).touch()
        kit.own(kit.folder / ".git" / name)
    kit.publish({"README.md": "new\n"})
    assert "refused" not in kit.bring()
    assert kit.files()["README.md"] == "new\n"


def test_a_lock_of_the_persons_own_git_is_waited_for(kit: Kit) -> None:
    kit.bring()
    lock = kit.folder / ".git" / "index.lock"
    lock.touch()
    kit.write("README.md", "mine")
    kit.publish({"kit.toml": "new\n"})
    pulling = kit.start()
    time.sleep(1.5)
    assert pulling.poll() is None
    lock.unlink()
    out, err = pulling.communicate(timeout=60)
    assert "refused" not in json.loads(out), err
    assert kit.files()["kit.toml"] == "new\n"


def test_two_at_once_both_end_well(kit: Kit) -> None:
    both = [kit.start(), kit.start()]
    said = [json.loads(each.communicate(timeout=60)[0]) for each in both]
    assert said[0] == said[1]
    assert said[0]["notebook"]


@pytest.mark.parametrize("seconds", [0.45, 0.6, 0.75, 0.9])
def test_killed_at_any_moment_the_next_one_goes_on(seconds: float, kit: Kit) -> None:
    kit.bring()
    kit.write("notebooks/01_data.ipynb", "mine")
    kit.publish({"notebooks/01_data.ipynb": "new\n", "README.md": "new\n", "notebooks/03_new.ipynb": "{}\n"})
    killed = kit.start()
    time.sleep(seconds)
    killed.kill()
    killed.communicate()
    time.sleep(0.3)  # a git that it started may be at its end
    assert "refused" not in kit.bring()
    files = kit.files()
    assert (files["notebooks/01_data.ipynb"], files[NEW]) == ("mine", "new\n")
    assert (files["README.md"], files["notebooks/03_new.ipynb"]) == ("new\n", "{}\n")
    assert len(files) == len(FIRST) + 2


def test_a_full_disk_is_told_and_changes_nothing(kit: Kit) -> None:
    if os.getuid() != 0:
        pytest.skip("only root mounts a small disk")
    kits = kit.home / "kits"
    kits.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2M,mode=777", "tmpfs", str(kits)], check=True)
    try:
        kit.own(kits)
        kit.bring()
        kit.write("README.md", "mine")
        kit.write("large", "x" * 1_500_000)
        before = kit.files()
        kit.publish({"README.md": "new\n", "data/more.csv": "1,2\n" * 200_000})
        assert kit.refusal() == "full"
        assert kit.files() == before
        (kit.folder / "large").unlink()
        kit.publish({"data/more.csv": None})
        assert kit.bring()["set_aside"]
    finally:
        subprocess.run(["umount", "-l", str(kits)], check=True)


# ------------------------------------------------------------------------------------------------ the page


@pytest.fixture(scope="module")
def open_kit(environment: Path, base: Path) -> Iterator[tuple[Session, Kit]]:
    kit = Kit(environment, base / "page")
    with running(
        environment, None, CAMPUS_KITS=str(kit.repositories), CAMPUS_HOME_URL="http://home.test/x/"
    ) as session:
        kit.home, kit.folder = session.home, session.home / "kits" / kit.name
        yield session, kit


def xsrf(session: Session) -> dict[str, Any]:
    page = session.request("GET", "/campus/kit?name=finance")
    token = page.text.split('name="_xsrf" value="')[1].split('"')[0]
    return {"data": {"name": "finance", "_xsrf": token}, "cookies": page.cookies}


def test_the_page_brings_the_kit_and_leads_to_its_first_notebook(open_kit: tuple[Session, Kit]) -> None:
    session, kit = open_kit
    page = session.request("GET", "/campus/kit?name=finance")
    assert page.status_code == 200
    assert not kit.folder.exists()  # to look changes nothing
    answer = session.request("POST", "/campus/kit", **xsrf(session))
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/user/alice/lab/tree/kits/finance/notebooks/01_data.ipynb"
    assert (kit.folder / "notebooks" / "01_data.ipynb").exists()
    kit.write("README.md", "mine")
    kit.publish({"README.md": "new\n"})
    kept = session.request("POST", "/campus/kit", **xsrf(session))
    assert kept.status_code == 200
    assert "README (new version).md" in kept.text


@pytest.mark.parametrize(
    ("headers", "at_once"),
    [
        ({}, True),
        ({"Sec-Fetch-Site": "none"}, True),
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "same-site", "Referer": "http://home.test/courses"}, True),
        ({"Sec-Fetch-Site": "same-site", "Referer": "http://mallory.home.test/"}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "cross-site", "Referer": "http://home.test/"}, False),
    ],
)
def test_a_link_from_elsewhere_has_to_be_pressed_on(
    headers: dict[str, str], at_once: bool, open_kit: tuple[Session, Kit]
) -> None:
    page = open_kit[0].request("GET", f"/campus/kit?{urlencode({'name': 'finance'})}", headers=headers).text
    assert (" data-at-once>" in page) is at_once


def test_another_sites_form_is_refused(open_kit: tuple[Session, Kit]) -> None:
    session, _ = open_kit
    wish = xsrf(session)
    answer = session.request(
        "POST", "/campus/kit", headers={"Origin": "http://mallory.test", "Authorization": ""}, **wish
    )
    assert answer.status_code == 403


def test_the_first_hour_has_an_address_of_its_own(open_kit: tuple[Session, Kit]) -> None:
    answer = open_kit[0].request("GET", "/campus/first-hour")
    assert (answer.status_code, answer.headers["Location"]) == (302, "kit?name=first-hour")


def test_a_refusal_is_a_page(open_kit: tuple[Session, Kit]) -> None:
    session, _ = open_kit
    wish = xsrf(session)
    wish["data"]["name"] = "no-such"
    answer = session.request("POST", "/campus/kit", **wish)
    assert answer.status_code == 409
    assert "There is no such starter kit." in answer.text
