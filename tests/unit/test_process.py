"""The process runner: argument lists only, always a deadline, and no secret in sight."""

from __future__ import annotations

import asyncio
import logging
import os
import pwd
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from campus_base.process import Identity, ProgramFailed, Result, Secret, run, run_sync

ENV = {"PATH": "/usr/bin:/bin"}
WHAT = "Asking Slurm for the queue"
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="becoming another account needs root")


async def _sync(argv: Any, **options: Any) -> Result:
    return await asyncio.to_thread(run_sync, argv, **options)


both = pytest.mark.parametrize("program", [run, _sync], ids=["run", "run_sync"])


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_output_goes_to_a_file_as_it_is(tmp_path: Path) -> None:
    with open(tmp_path / "out", "w+b") as file:
        done = run_sync(["printf", r"\377\000"], what=WHAT, timeout=10, output=file)
        file.seek(0)
        assert file.read() == b"\xff\0"
    assert done.stdout == ""


# ------------------------------------------------------------------------------------------------ secrets


@pytest.mark.parametrize(
    "show",
    [
        str,
        repr,
        ascii,
        format,
        lambda s: f"{s}",
        lambda s: f"{s!r:>20}",
        lambda s: f"{s:>20}",
        lambda s: "{}".format(s),  # noqa: UP032
        lambda s: "%s" % s,  # noqa: UP031
        lambda s: "%r" % s,  # noqa: UP031
        lambda s: "%(s)s" % {"s": s},  # noqa: UP031
        lambda s: str([s]),
        lambda s: str({"token": s}),
        lambda s: str(ValueError(s)),
        lambda s: repr(ValueError(s)),
    ],
)
def test_a_secret_prints_as_stars(show: Callable[[Secret], str]) -> None:
    shown = show(Secret("hunter2"))
    assert "hunter2" not in shown
    assert "****" in shown


def test_a_secret_prints_as_stars_in_a_log(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("campus").warning("token %s", Secret("hunter2"))
    assert caplog.messages == ["token ****"]


def test_a_secret_reveals_itself_when_asked() -> None:
    secret = Secret("hunter2")
    assert secret.reveal() == "hunter2"
    assert type(secret.reveal()) is str


@both
async def test_a_secret_is_refused_as_an_argument(program: Callable[..., Any]) -> None:
    with pytest.raises(ValueError, match="may hold no secret") as caught:
        await program(["echo", Secret("hunter2")], what=WHAT, timeout=5, env=ENV)
    assert "hunter2" not in str(caught.value)


@both
async def test_a_secret_in_the_environment_reaches_the_program(program: Callable[..., Any]) -> None:
    done = await program(["env"], what=WHAT, timeout=5, env={**ENV, "TOKEN": Secret("hunter2")})
    assert "TOKEN=hunter2" in done.stdout.splitlines()


# ------------------------------------------------------------------------------------------------ arguments


@both
@pytest.mark.parametrize("argv", ["echo hello", "", [], ()])
async def test_only_an_argument_list_runs(program: Callable[..., Any], argv: Any) -> None:
    with pytest.raises(TypeError, match="argument list"):
        await program(argv, what=WHAT, timeout=5, env=ENV)


@both
async def test_a_null_byte_is_refused(program: Callable[..., Any]) -> None:
    with pytest.raises(ValueError, match="no null byte"):
        await program(["echo", "a\0b"], what=WHAT, timeout=5, env=ENV)


@both
async def test_no_shell_reads_the_arguments(program: Callable[..., Any]) -> None:
    odd = ["$(id)", "`id`", "; id", "*", "a b", "'\"", "ü\n"]
    done = await program(["printf", "%s|", *odd], what=WHAT, timeout=5, env=ENV)
    assert done == Result(0, "".join(f"{a}|" for a in odd), "")


@both
async def test_the_environment_is_what_was_given(program: Callable[..., Any]) -> None:
    done = await program(["env"], what=WHAT, timeout=5, env={**ENV, "A": "1"})
    assert set(done.stdout.split()) == {"PATH=/usr/bin:/bin", "A=1"}


def test_the_command_line_may_inherit_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAMPUS_TEST", "inherited")
    assert "CAMPUS_TEST=inherited" in run_sync(["env"], what=WHAT, timeout=5).stdout


@both
async def test_a_program_runs_in_the_root_folder_or_where_it_is_told(
    program: Callable[..., Any], tmp_path: Path
) -> None:
    assert (await program(["pwd"], what=WHAT, timeout=5, env=ENV)).stdout == "/\n"
    assert (await program(["pwd"], what=WHAT, timeout=5, env=ENV, cwd=str(tmp_path))).stdout == f"{tmp_path}\n"


async def test_stdin_is_text_or_empty() -> None:
    assert (await run(["cat"], what=WHAT, timeout=5, env=ENV, stdin="a\nü")).stdout == "a\nü"
    assert (await run(["cat"], what=WHAT, timeout=5, env=ENV)).stdout == ""
    assert run_sync(["cat"], what=WHAT, timeout=5, env=ENV).stdout == ""


async def test_stdin_that_nobody_reads_is_no_failure() -> None:
    done = await run(["true"], what=WHAT, timeout=5, env=ENV, stdin="x" * 1_000_000)
    assert done.status == 0


@both
async def test_much_output_and_odd_bytes_arrive(program: Callable[..., Any]) -> None:
    code = "import sys; sys.stdout.buffer.write(b'\\xff' + b'x' * 1000000); sys.stderr.write('e' * 1000000)"
    done = await program([sys.executable, "-c", code], what=WHAT, timeout=20, env=ENV)
    assert done.stdout == "\ufffd" + "x" * 1_000_000
    assert len(done.stderr) == 1_000_000


# ------------------------------------------------------------------------------------------------ failures


@both
async def test_a_failure_is_a_sentence_with_the_last_line_of_what_the_program_said(
    program: Callable[..., Any],
) -> None:
    argv = ["sh", "-c", "echo first >&2; echo 'slurm_load_jobs error: Unable to contact.' >&2; exit 3"]
    with pytest.raises(ProgramFailed) as caught:
        await program(argv, what=WHAT, timeout=5, env=ENV)
    error = caught.value
    assert error.code == "program-failed"
    assert error.message == f"{WHAT} failed: slurm_load_jobs error: Unable to contact."
    assert error.detail.startswith("first\n")
    assert error.result is not None
    assert error.result.status == 3


@both
async def test_a_silent_failure_says_its_status(program: Callable[..., Any]) -> None:
    with pytest.raises(ProgramFailed, match=r"failed: exit 1\."):
        await program(["false"], what=WHAT, timeout=5, env=ENV)


@both
async def test_a_failure_is_a_result_for_those_who_want_it(program: Callable[..., Any]) -> None:
    assert await program(["false"], what=WHAT, timeout=5, env=ENV, check=False) == Result(1, "", "")


@both
async def test_death_by_a_signal_is_a_failure(program: Callable[..., Any]) -> None:
    with pytest.raises(ProgramFailed) as caught:
        await program(["sh", "-c", "kill -9 $$"], what=WHAT, timeout=5, env=ENV)
    assert caught.value.result is not None
    assert caught.value.result.status == -9


@both
@pytest.mark.parametrize(
    ("name", "says"),
    [("/nonexistent/squeue", "No such file or directory"), ("/etc/passwd", "Permission denied")],
)
async def test_a_program_that_cannot_start(program: Callable[..., Any], name: str, says: str) -> None:
    with pytest.raises(ProgramFailed) as caught:
        await program([name, "--me"], what=WHAT, timeout=5, env=ENV)
    assert caught.value.message == f"{WHAT} failed: {name} cannot be started ({says})."
    assert caught.value.result is None


# ------------------------------------------------------------------------------------------------ deadlines


@both
async def test_a_program_past_its_deadline_is_killed(program: Callable[..., Any], tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    argv = ["sh", "-c", f"echo $$ >{pid_file}; exec sleep 60"]
    started = time.monotonic()
    with pytest.raises(ProgramFailed) as caught:
        await program(argv, what=WHAT, timeout=0.5, env=ENV)
    assert time.monotonic() - started < 5
    assert caught.value.message == f"{WHAT} failed: no answer within 0.5 seconds."
    assert caught.value.result is None
    assert not _alive(int(pid_file.read_text()))


async def test_a_program_whose_caller_is_cancelled_is_killed(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    argv = ["sh", "-c", f"echo $$ >{pid_file}; exec sleep 60"]
    task = asyncio.create_task(run(argv, what=WHAT, timeout=60, env=ENV))
    while not (pid_file.exists() and pid_file.read_text()):
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not _alive(int(pid_file.read_text()))


@pytest.mark.parametrize("cancelled", [False, True])
async def test_a_program_that_does_not_even_die_is_not_waited_for(
    cancelled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As in a dead file system: nobody comes back from there, not for a SIGKILL either.
    killed: list[asyncio.subprocess.Process] = []
    kill = asyncio.subprocess.Process.kill
    monkeypatch.setattr(asyncio.subprocess.Process, "kill", lambda process: killed.append(process))
    monkeypatch.setattr("campus_base.process._DYING", 0.2)
    started = time.monotonic()
    task = asyncio.create_task(run(["sleep", "60"], what=WHAT, timeout=60 if cancelled else 0.2, env=ENV))
    await asyncio.sleep(0.3)
    if cancelled:
        task.cancel()
    await asyncio.wait([task], timeout=5)
    for process in killed:
        kill(process)
        await process.wait()
    assert time.monotonic() - started < 5
    assert len(killed) == 1
    with pytest.raises(
        asyncio.CancelledError if cancelled else ProgramFailed, match=None if cancelled else "no answer"
    ):
        await task


async def test_other_work_goes_on_meanwhile() -> None:
    started = time.monotonic()
    await asyncio.gather(*(run(["sleep", "0.4"], what=WHAT, timeout=5, env=ENV) for _ in range(5)))
    assert time.monotonic() - started < 1.5


# ------------------------------------------------------------------------------------------------ accounts


@as_root
async def test_a_program_runs_as_the_account_it_is_given() -> None:
    nobody = pwd.getpwnam("nobody")
    become = Identity(nobody.pw_uid, nobody.pw_gid, (nobody.pw_gid, 12345))
    done = await run(["id"], what=WHAT, timeout=5, env=ENV, identity=become)
    assert f"uid={nobody.pw_uid}" in done.stdout
    assert f"gid={nobody.pw_gid}" in done.stdout
    assert "12345" in done.stdout
    assert "0(root)" not in done.stdout


@as_root
async def test_the_groups_of_the_hub_do_not_go_along() -> None:
    nobody = pwd.getpwnam("nobody")
    become = Identity(nobody.pw_uid, nobody.pw_gid)
    done = await run(["id", "-G"], what=WHAT, timeout=5, env=ENV, identity=become)
    assert done.stdout.split() == [str(nobody.pw_gid)]


async def test_without_an_identity_it_stays() -> None:
    done = await run(["id", "-u"], what=WHAT, timeout=5, env=ENV)
    assert done.stdout.strip() == str(os.geteuid())
