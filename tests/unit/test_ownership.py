"""Whose the hub's state is: given to whoever the hub runs as, and nothing that lies elsewhere along with it."""

from __future__ import annotations

import os
import pwd
from pathlib import Path
from typing import Any

import pytest

from campus_base.errors import CampusError
from campus_base.process import Result
from hub_config import ownership
from hub_config.ownership import belongs_to, check_readable, give, share
from hub_config.site_file import LOCAL, SITE_FILE
from tests.support.ada import ADA, ada_has_an_account

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="giving files away needs root")


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A hub's state, made by root."""
    ada_has_an_account(monkeypatch)
    folder = tmp_path / "hub"
    (folder / "certificates" / "hub-ca").mkdir(parents=True)
    for name in ("jupyterhub.sqlite", "certificates/certipy.json", "certificates/hub-ca/hub-ca.key"):
        (folder / name).write_text(name)
        (folder / name).chmod(0o600)
    return folder


def owners(folder: Path) -> set[tuple[int, int]]:
    found = [folder, *folder.rglob("*")]
    return {(path.lstat().st_uid, path.lstat().st_gid) for path in found if not path.is_symlink()}


@as_root
def test_all_of_it_changes_hands_and_back(state: Path) -> None:
    before = {path: path.stat().st_mode for path in state.rglob("*")}
    give(state, "ada")
    assert owners(state) == {(ADA.pw_uid, ADA.pw_gid)}
    assert belongs_to(state, "ada")
    give(state, "root")
    assert owners(state) == {(0, 0)}
    assert belongs_to(state, "root")
    assert not belongs_to(state, "ada")
    assert {path: path.stat().st_mode for path in state.rglob("*")} == before
    assert state.stat().st_mode & 0o777 == 0o700


@as_root
def test_what_was_half_done_is_finished(state: Path) -> None:
    os.chown(state / "jupyterhub.sqlite", ADA.pw_uid, ADA.pw_gid)
    assert not belongs_to(state, "ada")
    give(state, "ada")
    assert owners(state) == {(ADA.pw_uid, ADA.pw_gid)}
    # As a backup that root copied back leaves it.
    (state / "jupyterhub.sqlite").unlink()
    (state / "jupyterhub.sqlite").write_text("restored")
    give(state, "ada")
    assert owners(state) == {(ADA.pw_uid, ADA.pw_gid)}


@as_root
def test_nothing_that_lies_elsewhere_is_given_away(state: Path, tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    shadow = tmp_path / "etc" / "shadow"
    shadow.write_text("root's")
    (state / "a-link").symlink_to(shadow)
    (state / "a-folder").symlink_to(shadow.parent)
    (state / "certificates" / "hub-ca" / "hub-ca.key").unlink()
    (state / "certificates" / "hub-ca" / "hub-ca.key").hardlink_to(shadow)
    os.mkfifo(state / "a-pipe")
    give(state, "ada")
    assert (shadow.stat().st_uid, shadow.parent.stat().st_uid) == (0, 0)
    assert (state / "a-link").lstat().st_uid == 0
    assert (state / "a-pipe").stat().st_uid == 0
    assert (state / "jupyterhub.sqlite").stat().st_uid == ADA.pw_uid


def test_a_folder_that_is_not_there_is_made(tmp_path: Path) -> None:
    me = pwd.getpwuid(os.getuid()).pw_name
    assert not belongs_to(tmp_path / "var" / "hub", me)
    give(tmp_path / "var" / "hub", me)
    assert belongs_to(tmp_path / "var" / "hub", me)
    assert (tmp_path / "var" / "hub").stat().st_mode & 0o777 == 0o700


@as_root
def test_secrets_stay_roots_and_the_hub_may_read_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ada_has_an_account(monkeypatch)
    secret = tmp_path / "cookie-secret"
    secret.write_text("secret")
    for account, group, modes in (("ada", ADA.pw_gid, (0o750, 0o640)), ("root", 0, (0o700, 0o600))):
        share(tmp_path, account)
        assert [(p.stat().st_uid, p.stat().st_gid) for p in (tmp_path, secret)] == [(0, group)] * 2
        assert tuple(p.stat().st_mode & 0o777 for p in (tmp_path, secret)) == modes


@pytest.mark.parametrize("closed", ["oidc-client-secret", "database-password", "ca.pem", ""])
def test_a_file_of_the_sites_that_the_hub_cannot_read_is_named(closed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text = LOCAL.with_name("example.toml").read_text()
    text = text.replace("[slurm]", '[slurm]\ntransport = "sudo"')
    text = text.replace('#ca_file = "/etc/ssl/certs/example-ca.pem"', 'ca_file = "/etc/campus/ca.pem"')
    tried: list[str] = []

    def run(argv: list[str], **_: Any) -> Result:
        assert argv[:-1] == [*("setpriv", "--reuid=campus-hub", "--regid=campus-hub", "--init-groups", "test", "-r")]
        tried.append(Path(argv[-1]).name)
        return Result(int(tried[-1] == closed), "", "")

    monkeypatch.setattr(ownership, "run_sync", run)
    site = SITE_FILE.parse(text, LOCAL)
    if not closed:
        check_readable(site)
        assert set(tried) == {"oidc-client-secret", "database-password", "ca.pem"}
        return
    with pytest.raises(CampusError, match=f"campus-hub cannot read .*/{closed}") as refused:
        check_readable(site)
    assert "chgrp campus-hub" in refused.value.remedy
