from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from campus_base.process import ProgramFailed, Result, run
from spawners.life.failure import Ended, autopsy, explain
from spawners.slurm import JobState, logs
from spawners.slurm.cli import CliTransport


@pytest.mark.parametrize(
    ("state", "code", "log", "cause", "says"),
    [
        (JobState.TIMEOUT, 0, "", "timeout", "reached its time limit"),
        (JobState.OUT_OF_MEMORY, 0, "", "out-of-memory", "more memory than it asked for"),
        (JobState.NODE_FAIL, None, "", "node-fail", "node that the session ran on failed"),
        (JobState.PREEMPTED, 0, "", "preempted", "made room"),
        (JobState.CANCELLED, 0, "", "cancelled", "cancelled outside Campus"),
        (JobState.UNKNOWN, None, "", "unknown", "no longer knows"),
        (JobState.FAILED, 1, "OSError: [Errno 122] Disk quota exceeded: 'x'", "quota", "home folder is full"),
        (JobState.FAILED, 1, "OSError: [Errno 28] No space left on device", "quota", "home folder is full"),
        (JobState.FAILED, 1, "ModuleNotFoundError: No module named 'jupyterlab'", "environment", "software"),
        (JobState.FAILED, 127, "slurm_script: 7: python3: not found", "environment", "software"),
        (JobState.FAILED, 1, "slurmstepd: error: Detected 1 oom-kill event(s)", "out-of-memory", "more memory"),
        (JobState.FAILED, 3, "odd", "failed", "stopped with an error (exit code 3)"),
        (JobState.FAILED, -9, "", "failed", "stopped with an error (signal 9)"),
        (JobState.FAILED, None, "", "failed", "stopped with an error."),
        (JobState.COMPLETED, 0, "", "completed", "The session ended by itself."),
        (JobState.COMPLETED, 0, "ImportError, which it caught", "completed", "The session ended by itself."),
        (JobState.RUNNING, 0, "", "no-answer", "did not answer on its node"),
        (JobState.RUNNING, 0, "ModuleNotFoundError: No module named 'x'", "environment", "software"),
        (JobState.COMPLETING, None, "", "completing", "has ended; Slurm is still taking it down"),
    ],
)
def test_a_cause_in_words(state: JobState, code: int | None, log: str, cause: str, says: str) -> None:
    found = explain(state, code, "7", log)
    assert found.cause == cause
    assert says in found.sentence


def test_the_end_of_a_log_is_short_and_escaped() -> None:
    found = explain(JobState.FAILED, 1, "7", "\n".join(f"line {n}" for n in range(100)) + "\n\n<b>" + "x" * 5000)
    assert len(found.log) == 15
    assert found.log[-1].startswith("<b>x")
    assert max(map(len, found.log)) <= 300
    assert "<b>" not in found.html
    assert "&lt;b&gt;" in found.html


def test_a_failure_survives_the_hub() -> None:
    found = explain(JobState.FAILED, 1, "7", "a\nb")
    assert Ended.from_dict(json.loads(json.dumps(found.as_dict()))) == found


async def test_a_look_at_what_cannot_be_read_raises_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def silent(self: CliTransport, job_id: int) -> int:
        raise ProgramFailed("Asking", "no answer")

    monkeypatch.setattr(CliTransport, "exit_code", silent)
    found = await autopsy(CliTransport(), JobState.FAILED, 7, str(tmp_path / "none.log"), None)
    assert (found.cause, found.log) == ("failed", ())


async def test_the_log_is_read_whatever_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def three(self: CliTransport, job_id: int) -> int:
        return 3

    monkeypatch.setattr(CliTransport, "exit_code", three)
    log = tmp_path / "-f $(id); 'é\n.log"
    log.write_bytes(b"first\nlast \xff\n")
    found = await autopsy(CliTransport(), JobState.FAILED, 7, str(log), None)
    assert found.log == ("first", "last \ufffd")
    assert "exit code 3" in found.sentence


async def test_without_a_log_only_slurm_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    async def three(self: CliTransport, job_id: int) -> int:
        return 3

    async def never(*_: Any, **__: Any) -> Result:
        raise AssertionError("nothing is there to be read")

    monkeypatch.setattr(CliTransport, "exit_code", three)
    monkeypatch.setattr(logs, "run", never)
    found = await autopsy(CliTransport(), JobState.FAILED, 7, "", None)
    assert (found.cause, found.job_id, found.log) == ("failed", "7", ())
    assert "exit code 3" in found.sentence


async def test_of_a_log_of_any_size_and_without_lines_little_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []

    async def counting(*given: Any, **more: Any) -> Result:
        done = await run(*given, **more)
        read.append(len(done.stdout))
        return done

    async def one(self: CliTransport, job_id: int) -> int:
        return 1

    monkeypatch.setattr(CliTransport, "exit_code", one)
    monkeypatch.setattr(logs, "run", counting)
    log = tmp_path / "session-7.log"
    log.write_text("x" * 5_000_000 + "\nDisk quota exceeded\n")
    found = await autopsy(CliTransport(), JobState.FAILED, 7, str(log), None)
    assert read == [16384]
    assert (found.cause, found.log[-1]) == ("quota", "Disk quota exceeded")
    assert len(found.log) == 2
