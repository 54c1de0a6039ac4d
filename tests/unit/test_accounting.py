"""The embedded Slurm's accounting: its settings, its database, and who is entered with which account."""

from __future__ import annotations

import os
import pwd
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from campus_base.errors import CampusError
from campus_base.process import ProgramFailed, Result
from hub_config import accounting, associations
from hub_config.accounting import (
    accounting_settings,
    ensure_accounting,
    mariadb_command,
    slurmdbd_command,
    slurmdbd_conf,
    slurmdbd_environment,
)
from hub_config.associations import ACCOUNTS, Known, ensure_associations, missing_associations
from hub_config.paths import Paths
from hub_config.site import Site
from hub_config.site_file import LOCAL, SITE_FILE, read_site

SITE = read_site(LOCAL)


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    found = Paths(tmp_path)
    found.slurm_conf.parent.mkdir(parents=True)
    found.slurm_state.mkdir(parents=True)
    return found


def people_elsewhere() -> Site:
    """The embedded cluster for the machine's own accounts."""
    text = LOCAL.read_text().partition("[[accounts]]")[0].replace('method = "demo"', 'method = "pam"')
    return SITE_FILE.parse(text + '[[access]]\nrole = "trainee"\ngroup = "people"\n', LOCAL)


# ---------------------------------------------------------------- settings and commands


def test_people_are_held_to_associations_where_up_makes_them(paths: Paths) -> None:
    assert accounting_settings(SITE, paths)["AccountingStorageEnforce"] == "associations,limits,qos"
    assert "AccountingStorageEnforce" not in accounting_settings(people_elsewhere(), paths)


def test_slurmdbd_listens_on_loopback_and_tells_nobody_of_others(paths: Paths) -> None:
    found = dict(line.split("=", 1) for line in slurmdbd_conf(SITE, paths).splitlines())
    assert (found["DbdAddr"], found["DbdPort"]) == ("127.0.0.1", "16822")
    assert found["CommunicationParameters"] == "NoInAddrAny"
    assert found["AuthInfo"] == f"socket={paths.munge_socket}"
    assert set(found["PrivateData"].split(",")) == {"accounts", "jobs", "usage", "users"}
    assert "StoragePass" not in found
    assert accounting_settings(SITE, paths)["AccountingStoragePort"] == 16822


def test_the_database_has_a_socket_and_no_port(paths: Paths) -> None:
    command = mariadb_command(paths)
    assert command[:5] == ["setpriv", "--reuid=slurm", "--regid=slurm", "--init-groups", "--pdeathsig=TERM"]
    assert {"--no-defaults", "--skip-networking"} <= set(command)
    # No file of the machine's is used, and none outside the prefix.
    files = [option.partition("=")[2] for option in command if "=/" in option]
    assert files
    assert all(Path(file).is_relative_to(paths.prefix) for file in files)


def test_slurmdbd_finds_the_database_by_its_socket(paths: Paths) -> None:
    socket = next(o.partition("=")[2] for o in mariadb_command(paths) if o.startswith("--socket="))
    assert dict(slurmdbd_environment(paths)) == {"SLURM_CONF": str(paths.slurm_conf), "MYSQL_UNIX_PORT": socket}
    command = slurmdbd_command(paths)
    assert "--pdeathsig=TERM" in command
    assert command[-3:] == [socket, "slurmdbd", "-D"]


# ---------------------------------------------------------------- files


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The folders in which a database was made; the accounts need not exist."""
    found: list[Path] = []

    def run_sync(argv: list[str], **_: Any) -> Result:
        assert "mariadb-install-db" in argv
        folder = Path(next(a for a in argv if a.startswith("--datadir=")).partition("=")[2])
        found.append(folder)
        (folder / "mysql").mkdir()
        return Result(0, "", "")

    monkeypatch.setattr(accounting, "run_sync", run_sync)
    monkeypatch.setattr(accounting.shutil, "chown", lambda *_: None)
    monkeypatch.setattr(accounting, "_ACCOUNT", pwd.getpwuid(os.geteuid()).pw_name)
    return found


def test_the_database_is_made_once(paths: Paths, made: list[Path]) -> None:
    assert ensure_accounting(SITE, paths)
    assert not ensure_accounting(SITE, paths)
    database = paths.slurm_state / "database"
    assert made == [database.with_name("database.new")]
    assert database.stat().st_mode & 0o777 == 0o700
    for name in ("slurmdbd.conf", "database.sql"):
        assert paths.slurm_conf.with_name(name).stat().st_mode & 0o777 == 0o600


def test_a_database_that_was_cut_off_is_made_anew(
    paths: Paths, made: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any, what: str, **__: Any) -> Result:
        raise ProgramFailed(what, "no space left")

    with monkeypatch.context() as patched:
        patched.setattr(accounting, "run_sync", fails)
        with pytest.raises(ProgramFailed):
            ensure_accounting(SITE, paths)
    assert not (paths.slurm_state / "database").exists()
    ensure_accounting(SITE, paths)
    assert (paths.slurm_state / "database" / "mysql").is_dir()


# ---------------------------------------------------------------- people


PAIRS = {
    *(("root", user) for user in ("", "root")),
    *(("training", user) for user in ("", "trainee1", "trainee2", "instructor1", "operator1")),
    *(("startups", user) for user in ("", "startup1")),
}
EVERYBODY = Known(frozenset(PAIRS), frozenset({"normal", "long"}))
NOBODY = Known(frozenset({("root", "")}), frozenset({"normal"}))


def test_everybody_is_entered_once() -> None:
    first = [command[:3] for command in missing_associations(SITE, NOBODY)]
    assert first == [
        ("add", "qos", "long"),
        ("add", "account", "training"),
        ("add", "user", "trainee1,trainee2,instructor1,operator1"),
        ("add", "account", "startups"),
        ("add", "user", "startup1"),
    ]
    assert list(missing_associations(SITE, EVERYBODY)) == []


def test_a_quality_of_service_that_is_there_is_not_added_again() -> None:
    cut_off = replace(EVERYBODY, pairs=EVERYBODY.pairs - {("startups", ""), ("startups", "startup1")})
    assert [command[:3] for command in missing_associations(SITE, cut_off)] == [
        ("add", "account", "startups"),
        ("add", "user", "startup1"),
    ]


def test_who_is_new_is_added_and_the_others_stay_as_they_are() -> None:
    (command,) = missing_associations(SITE, replace(EVERYBODY, pairs=EVERYBODY.pairs - {("training", "trainee2")}))
    assert command[:5] == ("add", "user", "trainee2", "account=training", "DefaultAccount=training")


def test_every_role_has_an_account() -> None:
    roles = [role for account in ACCOUNTS for role in account.roles]
    assert sorted(roles) == ["instructor", "operator", "startup", "trainee"]


def test_without_demo_accounts_nobody_is_entered() -> None:
    assert list(missing_associations(people_elsewhere(), NOBODY)) == []


class Sacctmgr:
    """Answers ``list`` with these, in turn, and keeps what it was told to change."""

    def __init__(self, *answers: str) -> None:
        self.answers, self.changes = list(answers), list[list[str]]()
        self.pings, self.deaf = 0, 0

    def run_sync(self, argv: list[str], *, what: str, env: dict[str, str], **_: Any) -> Result:
        if argv == ["scontrol", "ping"]:
            self.pings += 1
            if self.pings <= self.deaf:
                raise ProgramFailed(what, "DOWN")
            return Result(0, "UP", "")
        assert argv[0] == "sacctmgr"
        if "list" not in argv:
            self.changes.append(argv)
            return Result(0, "", "")
        if "qos" in argv:
            return Result(0, "normal\n", "")
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer == "fails":
            raise ProgramFailed(what, "Connection refused")
        return Result(0, answer, "")


@pytest.fixture
def no_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 10_000, 7))
    patched = SimpleNamespace(monotonic=lambda: next(clock), sleep=lambda _: None)
    monkeypatch.setattr(associations, "time", patched)


def test_slurmdbd_is_waited_for(no_clock: None, paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    slurm = Sacctmgr("fails", "", "root|\nroot|root\n")
    monkeypatch.setattr(associations, "run_sync", slurm.run_sync)
    assert ensure_associations(SITE, paths) == 5
    assert len(slurm.changes) == 5
    assert all("--immediate" in change for change in slurm.changes)


def test_nothing_is_added_that_slurmctld_would_not_hear(
    no_clock: None, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    slurm = Sacctmgr("root|\nroot|root\n")
    slurm.deaf = 2
    monkeypatch.setattr(associations, "run_sync", slurm.run_sync)
    assert ensure_associations(SITE, paths) == 5
    assert slurm.pings == 3


@pytest.mark.parametrize(("answer", "detail"), [("fails", "Connection refused"), ("", "no association")])
def test_a_slurmdbd_that_does_not_come_is_named(
    answer: str, detail: str, no_clock: None, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(associations, "run_sync", Sacctmgr(answer).run_sync)
    with pytest.raises(CampusError) as silent:
        ensure_associations(SITE, paths)
    assert silent.value.code == "no-accounting"
    assert silent.value.detail == detail
    assert "./campus logs slurmdbd" in silent.value.remedy
