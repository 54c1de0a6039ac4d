from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jinja2 import UndefinedError

from spawners.allowed.request import SessionSize
from spawners.job.script import render_job_script

SIZE = SessionSize(
    "gpu1",
    "One GPU",
    "Courses and starter kits.",
    "gpu",
    1,
    None,
    2,
    4096,
    seconds=3600,
    max_seconds=7200,
    account=None,
)
EXTENDS = '{% extends "job_script.sh.j2" %}\n'

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
    done = run_script(render_job_script([str(python)], f"{odd}/logs", SIZE), home)
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
    done = run_script(render_job_script([str(interpreter(home.parent / "python"))], "logs", SIZE), odd_home)
    assert (done.returncode, done.stderr) == (7, "")
    assert (odd_home / "logs" / "session-4711.log").exists()
    assert [p.name for p in odd_home.iterdir()] == ["logs"]


def test_what_the_session_leaves_is_its_owners_only(home: Path) -> None:
    python = interpreter(home.parent / "python")
    before = os.umask(0)
    try:
        run_script(render_job_script([str(python)], ".campus/logs", SIZE), home)
    finally:
        os.umask(before)
    folder = home / ".campus" / "logs"
    assert [oct(p.stat().st_mode & 0o777) for p in (folder.parent, folder, folder / "session-4711.log")] == [
        *("0o700", "0o700", "0o600")
    ]
    assert said(folder / "session-4711.log")[2] == 0o077


def test_the_session_takes_the_scripts_place_so_that_it_gets_slurms_signals(home: Path) -> None:
    python = interpreter(home.parent / "python")
    script = render_job_script([str(python)], "logs", SIZE).replace("umask 077", 'umask 077\necho $$ >"$HOME/pid"')
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
    done = run_script(render_job_script([str(interpreter(home.parent / "python"))], "logs", SIZE), home)
    assert done.returncode == 7
    assert json.loads(done.stdout.splitlines()[0])[0][1:] == ["-I", "-m", "spawners.session"]


def test_each_job_has_a_log_of_its_own(home: Path) -> None:
    script = render_job_script([str(interpreter(home.parent / "python"))], "logs", SIZE)
    for job in ("1", "2", "2"):
        run_script(script, home, SLURM_JOB_ID=job)
    assert sorted(p.name for p in (home / "logs").iterdir()) == ["session-1.log", "session-2.log"]


def test_the_script_is_one_that_slurm_takes() -> None:
    script = render_job_script(["/opt/campus/session/bin/python"], ".campus/logs", SIZE)
    assert script.startswith("#!/bin/sh\n")
    assert script.endswith("exec /opt/campus/session/bin/python -I -m spawners.session\n")
    assert "#SBATCH" not in script
    assert subprocess.run(["sh", "-n"], input=script, text=True, check=False).returncode == 0


# ------------------------------------------------------------------------------------------------ a site's template


def rendered(*blocks: str) -> str:
    return render_job_script(["/opt/a b/python"], "logs", SIZE, EXTENDS + "\n".join(blocks))


def block(name: str, text: str) -> str:
    return f"{{% block {name} %}}{text}{{% endblock %}}"


def test_directives_come_first_and_the_prologue_writes_to_the_log(home: Path) -> None:
    script = rendered(
        block("directives", "\n#SBATCH --constraint=a100\n#SBATCH --licenses=tool:{{ size.gpus }}\n"),
        block("prologue", "\necho loading {{ size.name }}\nexport MODULES=loaded\n"),
        block("command", "env AROUND=it {{ super() }}"),
    )
    lines = script.splitlines()
    assert lines[2:4] == ["#SBATCH --constraint=a100", "#SBATCH --licenses=tool:1"]
    assert all(line.startswith("#") for line in lines[:4])
    assert lines[-1] == "exec env AROUND=it '/opt/a b/python' -I -m spawners.session"
    run_script(script.replace("'/opt/a b/python' -I -m spawners.session", "env"), home)
    log = (home / "logs" / "session-4711.log").read_text().splitlines()
    assert log[0] == "loading gpu1"
    assert {"MODULES=loaded", "AROUND=it"} <= set(log)


@pytest.mark.parametrize("around", ["{}", "\n{}", "\n\n{}\n\n"])
def test_a_block_takes_whole_lines_however_it_is_written(around: str) -> None:
    script = rendered(*(block(name, around.format(f": {name}")) for name in ("prologue", "command", "epilogue")))
    assert script.splitlines()[7:] == [
        ": prologue",
        "# Slurm ends all processes of a job at once: this one lives until the session has ended, and then goes on.",
        *("trap : TERM", ": command", "status=$?", ": epilogue", 'exit "$status"'),
    ]


def test_an_epilogue_runs_after_the_session_and_keeps_its_exit_status(home: Path) -> None:
    python = interpreter(home.parent / "python")
    epilogue = block("epilogue", "echo the status is $status")
    done = run_script(render_job_script([str(python)], "logs", SIZE, EXTENDS + epilogue), home)
    assert done.returncode == 7
    assert (home / "logs" / "session-4711.log").read_text().endswith("to stderr\nthe status is 7\n")


def test_an_epilogue_runs_when_slurm_ends_the_job(home: Path) -> None:
    """Every process of the job gets SIGTERM."""
    (home.parent / "python").write_text("#!/bin/sh\necho up\nexec sleep 60\n")
    (home.parent / "python").chmod(0o755)
    script = render_job_script([str(home.parent / "python")], "logs", SIZE, EXTENDS + block("epilogue", "echo over"))
    (home.parent / "script").write_text(script)
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(home), "SLURM_JOB_ID": "4711"}
    job = subprocess.Popen(["sh", str(home.parent / "script")], env=environment, start_new_session=True)
    log = home / "logs" / "session-4711.log"
    while not (log.exists() and "up" in log.read_text()):
        assert job.poll() is None
    os.killpg(job.pid, signal.SIGTERM)
    assert job.wait(30) == 128 + signal.SIGTERM
    assert log.read_text().endswith("over\n")


@pytest.mark.parametrize("odd", ODD)
def test_every_value_is_quoted_whether_the_template_does_or_not(odd: str, home: Path) -> None:
    size = replace(SIZE, title=odd)
    template = EXTENDS + block("prologue", 'printf "%s" {{ size.title }} {{ size.title ~ size.gpus }} >"$HOME/said"')
    run_script(render_job_script([str(interpreter(home.parent / "python"))], "logs", size, template), home)
    assert (home / "said").read_text() == f"{odd}{odd}1"
    assert not list(home.parent.rglob("hacked"))


@pytest.mark.parametrize(
    ("expression", "printed"),
    [("size.gpu_type", "''"), ("size.memory_mib // 1024", "4"), ("'a&b <c>'", "'a&b <c>'"), ("size.gpus > 0", "True")],
)
def test_what_a_value_prints(expression: str, printed: str) -> None:
    assert f"\n: {printed}\n" in rendered(block("prologue", f": {{{{ {expression} }}}}"))


def test_a_value_that_is_missing_is_an_error_and_no_empty_string() -> None:
    with pytest.raises(UndefinedError, match="image"):
        rendered(block("prologue", "{{ image }}"))
