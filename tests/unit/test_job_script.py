from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jinja2 import UndefinedError

from spawners.job_script import _template, render_job_script

# Stands for the session environment's interpreter: says how it was called.
INTERPRETER = f"""#!{sys.executable} -I
import json, os, sys
print(json.dumps([sys.argv, os.getpid(), os.umask(0)]), flush=True)
print("to stderr", file=sys.stderr)
sys.exit(7)
"""

ODD = [
    "plain",
    "with space",
    "quo'te",
    'quo"te',
    "a;touch hacked;b",
    "a\ntouch hacked\nb",
    "$(touch hacked)",
    "`touch hacked`",
    "$HOME${IFS}*?[a]~",
    "back\\slash\\",
    "größe 火",
    "{{ 7 * 7 }}{% raw %}",
    "-n",
    "#hash",
    "&& touch hacked",
    "'; touch hacked; '",
    "\x1b[31m\ttab",
]


def run_script(script: str, home: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a script as slurmd does: a file, in the home folder."""
    file = home.parent / "slurm_script"
    file.write_text(script)
    file.chmod(0o700)
    return subprocess.run(
        [str(file)],
        cwd=home,
        env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": str(home), "SLURM_JOB_ID": "4711", **more},
        capture_output=True,
        text=True,
        check=False,
    )


def interpreter(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(INTERPRETER)
    path.chmod(0o755)
    return path


def said(log: Path) -> Any:
    return json.loads(log.read_text().splitlines()[0])


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    home.mkdir()
    return home


@pytest.mark.parametrize("odd", ODD)
def test_odd_paths_are_taken_as_they_are(odd: str, home: Path) -> None:
    python = interpreter(home.parent / "env" / odd / "python")
    done = run_script(render_job_script(str(python), f"{odd}/logs"), home)
    assert (done.returncode, done.stdout, done.stderr) == (7, "", "")
    log = home / odd / "logs" / "session-4711.log"
    assert said(log)[0] == [str(python), "-I", "-m", "spawners.session"]
    assert log.read_text().endswith("to stderr\n")
    assert [p.name for p in home.iterdir()] == [odd]
    assert not list(home.parent.rglob("hacked"))


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_home_is_taken_as_it_is(odd: str, home: Path) -> None:
    odd_home = home / odd
    odd_home.mkdir()
    done = run_script(render_job_script(str(interpreter(home.parent / "python")), "logs"), odd_home)
    assert (done.returncode, done.stderr) == (7, "")
    assert (odd_home / "logs" / "session-4711.log").exists()
    assert [p.name for p in odd_home.iterdir()] == ["logs"]


def test_what_the_session_leaves_is_its_owners_only(home: Path) -> None:
    python = interpreter(home.parent / "python")
    before = os.umask(0)
    try:
        run_script(render_job_script(str(python), ".campus/logs"), home)
    finally:
        os.umask(before)
    folder = home / ".campus" / "logs"
    assert [oct(p.stat().st_mode & 0o777) for p in (folder.parent, folder, folder / "session-4711.log")] == [
        *("0o700", "0o700", "0o600")
    ]
    assert said(folder / "session-4711.log")[2] == 0o077


def test_the_session_takes_the_scripts_place_so_that_it_gets_slurms_signals(home: Path) -> None:
    python = interpreter(home.parent / "python")
    script = render_job_script(str(python), "logs").replace("umask 077", 'umask 077\necho $$ >"$HOME/pid"')
    run_script(script, home)
    assert said(home / "logs" / "session-4711.log")[1] == int((home / "pid").read_text())


def a_file(home: Path) -> None:
    (home / "logs").write_text("a file")


def a_link_to_nowhere(home: Path) -> None:
    (home / "logs").symlink_to("/nonexistent/logs")


def a_full_disk(home: Path) -> None:
    (home / "logs").mkdir()
    (home / "logs" / "session-4711.log").symlink_to("/nonexistent/log")  # cannot be made, whoever tries


def a_folder(home: Path) -> None:
    (home / "logs" / "session-4711.log").mkdir(parents=True)


@pytest.mark.parametrize("in_the_way", [a_file, a_link_to_nowhere, a_full_disk, a_folder])
def test_a_log_that_cannot_be_written_stops_no_session(in_the_way: Callable[[Path], None], home: Path) -> None:
    in_the_way(home)
    done = run_script(render_job_script(str(interpreter(home.parent / "python")), "logs"), home)
    assert done.returncode == 7
    assert json.loads(done.stdout.splitlines()[0])[0][1:] == ["-I", "-m", "spawners.session"]


def test_each_job_has_a_log_of_its_own(home: Path) -> None:
    script = render_job_script(str(interpreter(home.parent / "python")), "logs")
    for job in ("1", "2", "2"):
        run_script(script, home, SLURM_JOB_ID=job)
    assert sorted(p.name for p in (home / "logs").iterdir()) == ["session-1.log", "session-2.log"]


def test_the_script_is_one_that_slurm_takes() -> None:
    script = render_job_script("/opt/campus/session/bin/python", ".campus/logs")
    assert script.startswith("#!/bin/sh\n")
    assert script.endswith("exec /opt/campus/session/bin/python -I -m spawners.session\n")
    assert "#SBATCH" not in script
    assert subprocess.run(["sh", "-n"], input=script, text=True, check=False).returncode == 0


def test_a_value_that_is_missing_is_an_error_and_no_empty_string() -> None:
    with pytest.raises(UndefinedError, match="log_folder"):
        _template().render(python="python")
