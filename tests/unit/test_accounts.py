"""The demo site's people as Unix accounts, with fakes for the machine's accounts and its useradd."""

from __future__ import annotations

import os
import pwd
from pathlib import Path
from typing import Any

import pytest

from campus_base.errors import CampusError
from campus_base.process import Result
from hub_config import accounts
from hub_config.accounts import (
    check_account,
    ensure_account,
    ensure_accounts,
    ensure_secret,
    password_of,
    remove_accounts,
)
from hub_config.paths import Paths
from hub_config.site import Account, Site
from hub_config.site_file import LOCAL, read_site

NAMES = ["trainee1", "trainee2", "instructor1", "startup1", "operator1"]


@pytest.fixture
def site() -> Site:
    return read_site(LOCAL)


class Machine:
    """The accounts of a machine: name to home; useradd and userdel change them, and nothing else may run."""

    def __init__(self) -> None:
        self.homes: dict[str, Path] = {}
        self.uid = 1000
        self.ran: list[list[str]] = []

    def getpwnam(self, name: str) -> Any:
        home = str(self.homes[name])  # KeyError, as pwd.getpwnam
        return pwd.struct_passwd((name, "x", self.uid, self.uid, "", home, "/bin/bash"))

    def run_sync(self, argv: list[str], **_: Any) -> Result:
        self.ran.append(argv)
        match argv[0]:
            case "useradd":
                home = next(Path(a.partition("=")[2]) for a in argv if a.startswith("--home-dir="))
                home.mkdir()
                self.homes[argv[-1]] = home
            case "userdel":
                assert argv == ["userdel", argv[-1]], "homes stay"
                del self.homes[argv[-1]]
            case _:
                raise AssertionError(f"nobody expected {argv}")
        return Result(0, "", "")


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    found = Machine()
    monkeypatch.setattr(accounts.pwd, "getpwnam", found.getpwnam)
    monkeypatch.setattr(accounts, "run_sync", found.run_sync)
    return found


# ---------------------------------------------------------------- accounts


def test_an_account_is_missing_ours_or_taken(machine: Machine, tmp_path: Path) -> None:
    home = tmp_path / "home" / "anna"
    assert check_account("anna", home) is False
    machine.homes["anna"] = home
    assert check_account("anna", home) is True
    machine.homes["anna"] = Path("/home/anna")
    with pytest.raises(CampusError) as refused:
        check_account("anna", home)
    assert refused.value.code == "account-taken"
    assert refused.value.message == f"The account anna exists already, with the home /home/anna instead of {home}."
    assert "userdel anna" in refused.value.remedy


def test_root_by_another_name_is_never_ours(machine: Machine, tmp_path: Path) -> None:
    machine.homes["toor"] = tmp_path
    machine.uid = 0
    with pytest.raises(CampusError, match="toor exists already"):
        check_account("toor", tmp_path)


def test_missing_accounts_are_made_once(machine: Machine, site: Site, tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    machine.homes["trainee2"] = paths.homes / "trainee2"
    assert ensure_accounts(site, paths) == 4
    assert sorted(machine.homes) == sorted(NAMES)
    for argv in machine.ran:
        assert argv[0] == "useradd"
        assert not [a for a in argv if "password" in a], "they are signed in to through Campus only"
        assert {"--create-home", "--user-group", "--shell=/bin/bash"} <= set(argv)
        home = paths.homes / argv[-1]
        assert f"--home-dir={home}" in argv
        assert home.stat().st_mode & 0o777 == 0o700
    assert ensure_accounts(site, paths) == 0
    assert len(machine.ran) == 4


def test_an_account_that_lost_its_home_gets_an_empty_one(
    machine: Machine, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = Paths(tmp_path)
    given: list[tuple[str, int, int]] = []
    monkeypatch.setattr(accounts.os, "chown", lambda path, uid, gid: given.append((path.name, uid, gid)))
    ensure_accounts(site, paths)
    home = paths.homes / "trainee1"
    home.rmdir()
    assert ensure_accounts(site, paths) == 0
    assert home.stat().st_mode & 0o777 == 0o700
    entry = machine.getpwnam("trainee1")
    assert given == [(".trainee1.new", entry.pw_uid, entry.pw_gid)]
    assert sorted(home.name for home in paths.homes.iterdir()) == sorted(NAMES)


def test_none_is_made_when_one_is_taken(machine: Machine, site: Site, tmp_path: Path) -> None:
    machine.homes["operator1"] = Path("/home/operator1")
    with pytest.raises(CampusError, match="operator1 exists already"):
        ensure_accounts(site, Paths(tmp_path))
    assert machine.ran == []
    assert list(tmp_path.iterdir()) == []


def test_a_home_that_was_kept_gets_its_owner_back(
    machine: Machine, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody(uid: int) -> Any:
        raise KeyError(uid)

    monkeypatch.setattr(accounts.pwd, "getpwuid", nobody)
    home = Paths(tmp_path).homes / "trainee1"
    home.mkdir(parents=True)
    argv = accounts._uid_option("trainee1", home)
    assert argv == [f"--uid={home.stat().st_uid}"]
    assert accounts._uid_option("trainee2", home.with_name("trainee2")) == []


def test_a_home_of_somebody_else_is_never_handed_on(machine: Machine, site: Site, tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    (paths.homes / "operator1").mkdir(parents=True)
    owner = pwd.getpwuid(os.getuid()).pw_name
    with pytest.raises(CampusError, match=f"belongs to the account {owner}") as refused:
        ensure_accounts(site, paths)
    assert refused.value.code == "home-taken"
    assert machine.ran == []


def test_only_our_accounts_are_removed(machine: Machine, site: Site, tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    machine.homes |= {"trainee1": paths.homes / "trainee1", "operator1": Path("/home/operator1"), "ivo": tmp_path}
    remove_accounts(site, paths)
    assert sorted(machine.homes) == ["ivo", "operator1"]
    assert machine.ran == [["userdel", "trainee1"]]


def test_a_grader_is_made_once_and_goes_with_the_others(machine: Machine, site: Site, tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    home = paths.homes / "grader-dl"
    ensure_account("grader-dl", home)
    ensure_account("grader-dl", home)
    assert [argv[0] for argv in machine.ran] == ["useradd"]
    assert home.stat().st_mode & 0o777 == 0o700
    machine.homes["grader-other"] = Path("/home/grader-other")
    (paths.homes / "grader-other").mkdir()
    with pytest.raises(
        CampusError, match=r"exists already, with the home /home/grader-other .* Give the course another"
    ):
        ensure_account("grader-other", paths.homes / "grader-other")
    remove_accounts(site, paths)
    assert list(machine.homes) == ["grader-other"], "another prefix's stays"


# ---------------------------------------------------------------- secrets


def test_a_secret_is_made_once_and_for_root_alone(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    old = os.umask(0)
    try:
        ensure_secret(secret, lambda: "first")
    finally:
        os.umask(old)
    assert secret.read_text() == "first\n"
    assert secret.stat().st_mode & 0o777 == 0o600
    ensure_secret(secret, lambda: pytest.fail("made anew"))
    assert secret.read_text() == "first\n"


def test_an_empty_secret_is_none(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.touch(0o600)
    ensure_secret(secret, lambda: "first")
    assert secret.read_text() == "first\n"


def test_an_empty_secret_that_others_can_read_is_closed(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.touch()
    secret.chmod(0o644)
    ensure_secret(secret, lambda: "first")
    assert secret.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("role", "password"),
    [("trainee", "for all"), ("startup", "for all"), ("instructor", "for all"), ("operator", "for operators")],
)
def test_operators_have_a_password_of_their_own(role: Any, password: str, tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    paths.secrets.mkdir(parents=True)
    paths.secret("demo-password").write_text("for all\n")
    paths.secret("operator-password").write_text("for operators\n")
    account = Account(name="anna", role=role, course="dl" if role == "instructor" else None)
    assert password_of(account, paths) == password
