"""The accounts of Campus's own daemons, with fakes for the machine's accounts and its useradd."""

from __future__ import annotations

import grp
import pwd
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from campus_base.errors import CampusError
from campus_base.manifest_file import ManifestError
from campus_base.process import Result
from hub_config import daemon_accounts
from hub_config.daemon_accounts import (
    as_account,
    check_daemon_account,
    ensure_daemon_accounts,
    remove_daemon_accounts,
)
from hub_config.paths import Paths
from hub_config.site_file import LOCAL, SITE_FILE, read_site

SITE = read_site(LOCAL)
PATHS = Paths(Path("/opt/campus"))


class Machine:
    """The accounts of a machine, by name: number, group and home."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.accounts: dict[str, tuple[int, str, str]] = {}
        self.ran: list[list[str]] = []
        monkeypatch.setattr(pwd, "getpwnam", self.getpwnam)
        monkeypatch.setattr(grp, "getgrgid", self.getgrgid)
        monkeypatch.setattr(daemon_accounts, "run_sync", self.run_sync)

    def getpwnam(self, name: str) -> Any:
        uid, _, home = self.accounts[name]
        return pwd.struct_passwd((name, "x", uid, uid, "", home, "/usr/sbin/nologin"))

    def getgrgid(self, gid: int) -> Any:
        return SimpleNamespace(gr_name=next(group for uid, group, _ in self.accounts.values() if uid == gid))

    def run_sync(self, argv: list[str], **_: Any) -> Result:
        self.ran.append(argv)
        if argv[0] == "useradd":
            home = next(a.partition("=")[2] for a in argv if a.startswith("--home-dir="))
            self.accounts[argv[-1]] = (990 - len(self.accounts), argv[-1], home)
        return Result(0, "", "")


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch)


def test_a_missing_account_is_made_once(machine: Machine) -> None:
    assert ensure_daemon_accounts(SITE, PATHS) == ["campus-proxy", "campus-exchange", "campus-home"]
    for argv in machine.ran:
        assert {"--system", "--user-group", "--no-create-home", "--shell=/usr/sbin/nologin"} <= set(argv)
    assert ensure_daemon_accounts(SITE, PATHS) == []
    assert len(machine.ran) == 3


@pytest.mark.parametrize(
    ("uid", "group"),
    # Root by another name, a person's, one in a group that has others.
    [(0, "campus-proxy"), (1000, "campus-proxy"), (70000, "campus-proxy"), (990, "users")],
)
def test_an_account_that_is_no_daemons_own_is_refused(uid: int, group: str, machine: Machine) -> None:
    machine.accounts["campus-proxy"] = (uid, group, "/")
    for check in (lambda: check_daemon_account("campus-proxy"), lambda: ensure_daemon_accounts(SITE, PATHS)):
        with pytest.raises(CampusError, match=f"has the uid {uid} and the group {group}") as refused:
            check()
        assert "useradd --system --user-group campus-proxy" in refused.value.remedy
    assert machine.ran == []


def test_an_operators_own_account_serves_and_is_not_removed(machine: Machine) -> None:
    machine.accounts["campus-proxy"] = (64001, "campus-proxy", "/nonexistent")
    machine.accounts["campus-exchange"] = (64002, "campus-exchange", "/nonexistent")
    machine.accounts["campus-home"] = (64003, "campus-home", "/nonexistent")
    assert ensure_daemon_accounts(SITE, PATHS) == []
    remove_daemon_accounts(SITE, PATHS)
    assert machine.ran == []


def test_accounts_that_up_made_for_this_prefix_are_removed(machine: Machine) -> None:
    ensure_daemon_accounts(SITE, PATHS)
    remove_daemon_accounts(SITE, Paths(Path("/opt/another")))
    remove_daemon_accounts(SITE, PATHS)
    assert machine.ran[3:] == [["userdel", f"campus-{name}"] for name in ("proxy", "exchange", "home")]
    machine.accounts.clear()
    remove_daemon_accounts(SITE, PATHS)
    assert len(machine.ran) == 6


def test_what_goes_before_a_command() -> None:
    assert as_account("www", "--no-new-privs") == [
        *("setpriv", "--reuid=www", "--regid=www", "--init-groups", "--no-new-privs")
    ]
    assert as_account("root", "--pdeathsig=TERM") == ["setpriv", "--pdeathsig=TERM"]


@pytest.mark.parametrize(
    ("account", "says"),
    [
        ("root", "must be an account of its own"),
        ("trainee1", "is a person in [[accounts]]"),
        ("a b", "an account name"),
    ],
)
def test_a_site_names_no_account_that_is_somebodys(account: str, says: str) -> None:
    with pytest.raises(ManifestError) as refused:
        SITE_FILE.parse(LOCAL.read_text() + f'[daemons]\nproxy_account = "{account}"\n', LOCAL)
    assert says in str(refused.value)
