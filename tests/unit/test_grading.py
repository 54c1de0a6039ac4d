"""The parts of grading that need no nbgrader; the whole is tested in tests/session."""

from __future__ import annotations

import errno
import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from traitlets.config import Config

from campus_base.errors import CampusError
from extensions.grading import faults, slurm
from extensions.grading.faults import Cause, fault
from extensions.grading.pool import Crashed, Pool
from extensions.grading.progress import Progress
from extensions.grading.sandbox import forkserver, frames, outer, room, server, watch
from extensions.grading.sandbox.limits import Limits
from extensions.grading.sandbox.watch import memory_mib
from extensions.grading.settings import Array, Sandbox
from spawners.slurm.states import JobState

# ---------------------------------------------------------------- workers


def work(job: Any, slot: int) -> Any:
    kind, value = job
    if kind == "dies":
        os.kill(os.getpid(), signal.SIGKILL)
    if kind == "dies-once" and not Path(value).exists():
        Path(value).touch()
        os._exit(3)
    if kind == "raises":
        raise CampusError("code", "It failed.", "Do this.", f"detail {value}")
    return value, slot


def test_every_job_has_its_result_and_slots_are_used() -> None:
    found = dict(Pool(3, work).run(("plain", number) for number in range(40)))
    assert {job[1] for job in found} == set(range(40))
    assert all(job[1] == value for job, (value, _) in found.items())
    assert {slot for _, slot in found.values()} == {0, 1, 2}


def test_a_job_that_takes_its_worker_down_costs_no_other() -> None:
    jobs = [("plain", 0), ("dies", 0), ("plain", 1), ("dies", 1), ("plain", 2)]
    found = dict(Pool(2, work).run(jobs))
    assert {job: isinstance(result, Crashed) for job, result in found.items()} == {
        job: job[0] == "dies" for job in jobs
    }


def test_a_worker_that_died_of_something_else_is_tried_again(tmp_path: Path) -> None:
    mark = str(tmp_path / "died")
    ((_, result),) = Pool(1, work).run([("dies-once", mark)])
    assert result == (mark, 0)


def test_an_error_for_people_comes_through_whole() -> None:
    ((_, error),) = Pool(1, work).run([("raises", 7)])
    assert isinstance(error, CampusError)
    assert (error.code, error.message, error.remedy, error.detail) == ("code", "It failed.", "Do this.", "detail 7")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EMFILE, errno.EACCES])
def test_what_the_machine_lacks_is_no_submissions_fault(number: int) -> None:
    def lacks(job: Any, slot: int) -> Any:
        raise OSError(number, os.strerror(number), "result.json")

    ((_, error),) = Pool(1, lacks).run([1])
    assert isinstance(error, CampusError)
    assert error.message == f"Grading failed on this machine: {os.strerror(number)}."
    assert "result.json" in error.detail


def test_a_submission_that_needs_more_memory_than_a_worker_has_is_at_fault() -> None:
    def needs(job: Any, slot: int) -> Any:
        raise OSError(errno.ENOMEM, "no memory")

    ((_, result),) = Pool(1, needs).run([1])
    assert isinstance(result, Crashed)


def test_jobs_are_taken_as_they_are_needed() -> None:
    taken = []

    def jobs() -> Iterator[tuple[str, int]]:
        for number in range(10):
            taken.append(number)
            yield "plain", number

    run = Pool(1, work).run(jobs())
    next(run)
    assert len(taken) <= 3
    run.close()


def test_workers_end_with_the_one_that_started_them(tmp_path: Path) -> None:
    mark = tmp_path / "worker"
    program = f"""
import os, time
from pathlib import Path
from extensions.grading.pool import Pool
def work(job, slot):
    Path({str(mark)!r}).write_text(str(os.getpid()))
    time.sleep(600)
list(Pool(1, work).run([1]))
"""
    root = Path(__file__).resolve().parents[2]
    parent = subprocess.Popen([sys.executable, "-c", program], cwd=root)
    deadline = time.monotonic() + 60
    while not (mark.exists() and mark.read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    worker = int(mark.read_text())
    parent.kill()
    parent.wait()
    while Path(f"/proc/{worker}").exists() and "Z" not in Path(f"/proc/{worker}/stat").read_text().split(") ")[1][0]:
        assert time.monotonic() < deadline
        time.sleep(0.02)


# ---------------------------------------------------------------- frames


def test_frames_come_out_as_they_went_in_and_end_with_the_other_end() -> None:
    here, there = socket.socketpair()
    body = os.urandom(3 * 2**20)
    sender = threading.Thread(
        target=lambda: (frames.send(here, {"a": [1]}), frames.send_bytes(here, body), here.close())
    )
    sender.start()
    assert frames.receive(there) == {"a": [1]}
    assert frames.receive_bytes(there) == body
    assert frames.receive(there) == {}
    sender.join()


def test_a_frame_that_breaks_off_is_none() -> None:
    here, there = socket.socketpair()
    here.sendall(b"\0\0\0\x10half")
    here.close()
    assert frames.receive_bytes(there) == b""


# ---------------------------------------------------------------- faults


def output(why: faults.Fault, name: str = faults.NOT_GRADED) -> Any:
    return SimpleNamespace(output_type="error", ename=name, evalue=why.sentence, traceback=[])


OURS = [
    fault(Cause.MEMORY, memory_mib=2048),
    fault(Cause.TIME, seconds=600),
    fault(Cause.STUCK, seconds=30),
    fault(Cause.OUTPUT, output_mib=20),
    fault(Cause.GARBLED),
    *(fault(Cause.DIED, end=end.format(status=3, signal="SIGKILL")) for end in faults.ENDINGS),
    *(fault(Cause.SCORE, value=value, points=2.5) for value in (float("nan"), float("inf"), -1.0, 7.25)),
]


@pytest.mark.parametrize("why", OURS, ids=lambda why: why.sentence)
def test_our_own_words_may_be_shown(why: faults.Fault) -> None:
    assert faults.is_ours(output(why))
    assert faults.is_ours(output(why, faults.SCORE_ERROR))
    assert not faults.is_ours(output(why, "AssertionError"))


@pytest.mark.parametrize("why", OURS, ids=lambda why: why.sentence)
def test_what_only_looks_like_them_may_not(why: faults.Fault) -> None:
    secret = "assert answer == 42"
    for forged in (f"{why.sentence} {secret}", f"{why.sentence}\n{secret}", re.sub(r"\d[\d.]*", secret, why.sentence)):
        if forged != why.sentence:
            changed = SimpleNamespace(output_type="error", ename=faults.NOT_GRADED, evalue=forged)
            assert not faults.is_ours(changed)


def test_a_reason_that_names_a_file_is_never_shown_to_trainees() -> None:
    assert not faults.is_ours(output(fault(Cause.UNREADABLE, reason="'<script>' is a link")))


# ---------------------------------------------------------------- progress


def test_progress_is_one_json_object_on_each_line(tmp_path: Path) -> None:
    said: list[str] = []
    progress = Progress(tmp_path / "progress.jsonl", said.append, as_json=False)
    progress.start("a1", 2, 5, "here")
    died = fault(Cause.DIED, end=faults.ENDINGS[0], notebook="ps1", cell="t1", log="the\nend")
    progress.graded("ada", {"score": 1.5, "max_score": 3.0, "needs_manual_grade": False}, [died], 0.25)
    progress.failed("bob", CampusError("task-lost", "Slurm ended it.", "Again."))
    progress.end()
    events = [json.loads(line) for line in (tmp_path / "progress.jsonl").read_text().splitlines()]
    assert [e["event"] for e in events] == ["start", "graded", "failed", "end"]
    assert events[1] | {"time": 0, "eta_seconds": 0} == {
        "time": 0,
        "event": "graded",
        "student": "ada",
        "score": 1.5,
        "max_score": 3.0,
        "needs_manual_grade": False,
        "seconds": 0.25,
        "faults": [{"cause": "died", "sentence": died.sentence, "notebook": "ps1", "cell": "t1", "log": "the\nend"}],
        "done": 1,
        "failed": 0,
        "total": 2,
        "eta_seconds": 0,
    }
    assert events[2]["remedy"] == "Again."
    assert (events[3]["causes"], events[3]["done"], events[3]["failed"]) == ({"died": 1}, 1, 1)
    assert said[1] == f"[1/2] ada: 1.5 of 3\n      {died.sentence}"


# ---------------------------------------------------------------- settings

GRADING = Path(__file__).resolve().parents[2] / "docs" / "grading.md"


@pytest.mark.parametrize("table", [Sandbox, Array])
def test_every_setting_is_documented_with_its_default(table: type) -> None:
    rows = [line for line in GRADING.read_text().splitlines() if line.startswith("| `")]
    for name, trait in table().traits(config=True).items():
        row = next((row for row in rows if f"`{table.__name__}.{name}`" in row.split("|")[1]), "")
        assert row, f"docs/grading.md has no row for {table.__name__}.{name}"
        if isinstance(trait.default_value, int):
            assert row.split("|")[2].strip() == str(trait.default_value)


def test_every_cause_is_documented() -> None:
    rows = [line.split("|")[1].strip() for line in GRADING.read_text().splitlines() if line.startswith("| `")]
    assert {f"`{cause}`" for cause in Cause} <= set(rows)


def test_a_task_asks_slurm_for_all_that_its_submissions_may_use() -> None:
    config = Config()
    config.Sandbox.memory_mib, config.Sandbox.disk_mib, config.Sandbox.cpus, config.Sandbox.seconds = 3000, 200, 2, 100
    config.Array.partition = "cpu"
    options = Array(config=config).options(7, 16, Path("/x/task-%a.log"))
    assert {"--array=0-6%32", "--cpus-per-task=4", "--mem=7424M", "--partition=cpu", "--time=19"} <= set(options)
    alone = Array(config=config).options(7, 1, Path("/x"))
    assert {"--cpus-per-task=2", "--mem=4224M", "--time=7"} <= set(alone)
    assert not [option for option in options if option.startswith("--account")]


# ---------------------------------------------------------------- array

SQUEUE = """#!/bin/sh
case "$4" in
  *=1) printf '0 RUNNING\\n1 COMPLETED\\n';;
  *=2) echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1;;
  *=3) echo 'slurm_load_jobs error: Unable to contact slurm controller (connect failure)' >&2; exit 1;;
esac
"""


@pytest.fixture
def squeue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As Slurm answers of an array that it knows (1), has forgotten (2), and cannot be asked for (3)."""
    program = tmp_path / "bin" / "squeue"
    program.parent.mkdir()
    program.write_text(SQUEUE)
    program.chmod(0o755)
    monkeypatch.setattr(slurm.sys, "prefix", str(tmp_path))


def test_a_task_that_slurm_has_forgotten_is_not_waited_for(squeue: None) -> None:
    assert slurm.ended(1, 3) == {1: JobState.COMPLETED, 2: JobState.UNKNOWN}
    assert slurm.ended(2, 2) == dict.fromkeys(range(2), JobState.UNKNOWN)


def test_nothing_is_known_of_tasks_while_slurm_does_not_answer(squeue: None) -> None:
    assert slurm.ended(3, 2) == {}


# ---------------------------------------------------------------- limits, walls


def test_a_link_in_a_sockets_place_is_no_socket(tmp_path: Path) -> None:
    listeners = []
    for name in room._SOCKETS:
        listeners.append(socket.socket(socket.AF_UNIX))
        listeners[-1].bind(str(tmp_path / name))
    assert room.are_sockets(str(tmp_path))
    outside = tmp_path / "outside"
    (tmp_path / "k-1").rename(outside)
    assert not room.are_sockets(str(tmp_path))
    (tmp_path / "k-1").symlink_to(outside)
    assert not room.are_sockets(str(tmp_path))


def test_a_fork_that_fails_is_told_and_the_server_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> int:
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr(server.os, "fork", fails)
    ours, theirs = socket.socketpair()
    frames.send(ours, {"connection": {}})
    server.answer(theirs, theirs, SimpleNamespace())  # type: ignore[arg-type]
    assert frames.receive(ours) == {"event": "refused", "reason": "Resource temporarily unavailable"}
    frames.send(ours, {"load": ["a"]})
    server.answer(theirs, theirs, SimpleNamespace(load=lambda modules: modules[0]))  # type: ignore[arg-type]
    assert frames.receive(ours) == {"unfit": "a"}


def test_what_a_killed_grader_left_is_removed_and_what_a_living_one_has_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    program = """
import sys
from extensions.grading.sandbox.forkserver import _own_folder
with _own_folder() as folder:
    (folder / "server.sock").touch()
    print(folder, flush=True)
    sys.stdin.read()
"""
    with subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=GRADING.parents[1],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as grader:
        assert grader.stdout
        folder = Path(grader.stdout.readline().strip())
        forkserver.remove_left_over()
        assert (folder / "server.sock").exists()
        grader.kill()
    forkserver.remove_left_over()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("ends", ["before", "written", "closed"])
def test_a_process_ends_with_its_pipe_whatever_it_is_doing(ends: str) -> None:
    """The interpreter runs no handler of a signal within this power, as within a module that is being loaded."""
    program = """
import sys
from extensions.grading.sandbox import linux
sys.stdin.buffer.raw.read(1)
linux.die_with_pipe(0)
print("lives", flush=True)
pow(3, 10**10)
"""
    with subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=GRADING.parents[1],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
    ) as process:
        assert process.stdin
        assert process.stdout
        if ends == "before":
            process.stdin.close()
        else:
            process.stdin.write(b"1")
            assert process.stdout.readline() == b"lives\n"
        if ends == "written":
            process.stdin.write(b"end")
            assert process.wait(60) == -signal.SIGKILL
        process.stdin.close()
        assert process.wait(60) == -signal.SIGKILL


def test_a_process_whose_parent_has_ended_already_ends() -> None:
    program = f"from extensions.grading.sandbox import linux; linux.die_with_parent({os.getpid()}); print('lives')"
    argv = [sys.executable, "-c", program]
    child = subprocess.run(argv, cwd=GRADING.parents[1], stdout=subprocess.PIPE, check=True)
    assert child.stdout == b"lives\n"
    grandchild = ["sh", "-c", '"$@"; exit $?', "sh", *argv]
    assert subprocess.run(grandchild, cwd=GRADING.parents[1], check=False).returncode == 128 + signal.SIGKILL


def test_a_room_whose_kernel_writes_without_end_ends_with_its_connection() -> None:
    ours, theirs = socket.socketpair()
    _, woken = socket.socketpair()
    with open("/dev/zero", "rb") as said:
        keeper = room._Keeper(theirs, 0, said.fileno(), woken.fileno())
        watching = threading.Thread(target=keeper.watch_over, daemon=True)
        watching.start()
        ours.close()
        watching.join(60)
        assert not watching.is_alive()


def test_memory_of_a_process_and_what_it_started_is_counted_together() -> None:
    program = """
import os, time
took = bytearray(40 << 20)
os.fork() or time.sleep(600)
print(1, flush=True)
time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout
            process.stdout.readline()
            both = list(watch.processes(process.pid))
            assert len(both) == 2
            assert watch.memory_mib(process.pid) >= 80  # twice, since a fork shares it
            assert 40 <= watch.share_mib(process.pid) < 75
        finally:
            for pid in both:
                os.kill(pid, signal.SIGKILL)


def test_limits_hold_for_a_process_and_its_children() -> None:
    limits = Limits(memory_mib=300, disk_mib=2, processes=50, seconds=7)
    kinds = ", ".join(f"r.RLIMIT_{name}" for name in ("DATA", "FSIZE", "NPROC", "CPU", "CORE"))
    code = f"import resource as r; print([r.getrlimit(x)[1] for x in ({kinds})])"
    done = subprocess.run(
        [sys.executable, "-c", code], preexec_fn=limits.apply, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == [300 * 2**20, 2 * 2**20, 50, 7, 0]
    assert resource.getrlimit(resource.RLIMIT_CPU)[1] == resource.RLIM_INFINITY


def test_there_is_no_way_around_the_wall(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outer.shutil, "which", lambda *_, **__: None)
    with pytest.raises(CampusError, match="bubblewrap"):
        outer.command(["true"])
    monkeypatch.setattr(outer.shutil, "which", lambda *_, **__: "/usr/bin/bwrap")
    monkeypatch.setattr(outer.os, "geteuid", lambda: 0)
    with pytest.raises(CampusError, match="never run by root"):
        outer.command(["true"])


def test_the_wall_shows_programs_read_only_and_nothing_of_a_persons(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outer.shutil, "which", lambda *_, **__: "/usr/bin/bwrap")
    monkeypatch.setattr(outer.os, "geteuid", lambda: 1000)
    argv = outer.command(["true"])
    assert "--bind" not in argv
    assert "--share-net" not in argv
    assert {"--unshare-all", "--new-session", "--cap-drop", "--remount-ro"} <= set(argv)
    shown = {argv[at + 1] for at, word in enumerate(argv) if word in ("--ro-bind", "--ro-bind-try")}
    assert not {"/", "/home", "/root", "/etc", "/run", "/var", "/tmp"} & shown
    assert {"/usr", sys.prefix} <= shown | {"/usr"}


def test_a_process_with_a_name_that_is_no_text_is_measured_all_the_same() -> None:
    """Else whoever names himself so would be free of his limits."""
    name = "import ctypes, sys; ctypes.CDLL(None).prctl(15, b'\\xff\\xfe'); print(flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", name], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as odd:
        assert odd.stdout
        odd.stdout.readline()
        assert Path(f"/proc/{odd.pid}/comm").read_bytes() == b"\xff\xfe\n"
        assert memory_mib(odd.pid) > 0
        odd.communicate()
