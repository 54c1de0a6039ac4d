"""Files for daemons: whole or not at all, and theirs."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from hub_config.daemon_files import put_file


def test_a_file_that_is_right_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "slurm.conf"
    assert put_file(file, "a\n", 0o644)
    assert file.stat().st_mode & 0o777 == 0o644
    os.utime(file, (1, 1))
    assert not put_file(file, "a\n", 0o644)
    assert file.stat().st_mtime == 1
    assert put_file(file, "b\n", 0o644)
    assert file.read_text() == "b\n"


def test_a_run_that_was_cut_off_is_made_good(tmp_path: Path) -> None:
    file = tmp_path / "slurmdbd.conf"
    file.write_text("a\n")
    file.chmod(0o640)
    file.with_name(".slurmdbd.conf.new").write_text("half")
    assert put_file(file, "a\n", 0o600)
    assert file.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["slurmdbd.conf"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_file_that_is_somebody_elses_becomes_its_readers(tmp_path: Path) -> None:
    file = tmp_path / "database.sql"
    put_file(file, "a\n", 0o600)
    assert put_file(file, "a\n", 0o600, "nobody")
    assert file.stat().st_uid == pwd.getpwnam("nobody").pw_uid
    assert not put_file(file, "a\n", 0o600, "nobody")
