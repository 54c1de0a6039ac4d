"""A grader that is killed, at whatever moment, leaves nothing of its sandboxes behind."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.support.course import NOBODY
from tests.support.person import wait_for

LATE = """#!/bin/sh
# bubblewrap, on a machine so busy that whoever started it has gone before it does anything
echo $$ > "$0.pid"
while [ -e /proc/$PPID ]; do sleep 0.01; done
exec bwrap "$@"
"""
GRADER = """
import shutil, sys, time
from pathlib import Path
from extensions.grading.sandbox import forkserver, rooms
from extensions.grading.sandbox.limits import Limits
how, folder, bwrap = sys.argv[1:]
if bwrap:
    shutil.which = lambda *_, **__: bwrap
if how == "alone":
    rooms.alone({}, b"", Limits())
server = forkserver.ForkServer(Path(folder), 1)
if how == "loaded":
    server.load(["json"])
    print("loaded", flush=True)
time.sleep(600)
"""


@pytest.fixture
def folder(base: Path, request: pytest.FixtureRequest) -> Path:
    """The grader's own."""
    made = base / request.node.name
    made.mkdir()
    if os.getuid() == 0:
        os.chown(made, NOBODY, NOBODY)
    return made


@contextlib.contextmanager
def grader(environment: Path, how: str, folder: Path, bwrap: str = "") -> Iterator[subprocess.Popen[bytes]]:
    become: dict[str, Any] = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.getuid() == 0 else {}
    python = str(environment / "bin" / "python")
    with subprocess.Popen(
        [python, "-I", "-c", GRADER, how, str(folder), bwrap],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder)},
        stdout=subprocess.PIPE,
        **become,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def lives(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.status() != psutil.STATUS_ZOMBIE
    return False


def wait_for_end(sandbox: list[psutil.Process]) -> None:
    """Until all of them have ended; those that do not are ended here."""
    try:
        wait_for("the sandbox to end", lambda: not any(map(lives, sandbox)))
    finally:
        for process in filter(lives, sandbox):
            for each in (*process.children(recursive=True), process):
                with contextlib.suppress(psutil.NoSuchProcess):
                    each.kill()


@pytest.mark.parametrize("how", ["server", "alone"])
def test_before_its_sandbox_has_begun(how: str, environment: Path, folder: Path) -> None:
    late, pid = folder / "late", folder / "late.pid"
    late.write_text(LATE)
    late.chmod(0o755)
    with grader(environment, how, folder, str(late)) as process:
        wait_for("bubblewrap to be started", lambda: pid.exists() and pid.read_text().strip())
        sandbox = psutil.Process(int(pid.read_text()))
        process.kill()
        process.wait()
    wait_for_end([sandbox])


def test_once_its_fork_server_has_loaded(environment: Path, folder: Path) -> None:
    with grader(environment, "loaded", folder) as process:
        assert process.stdout
        assert process.stdout.readline() == b"loaded\n"
        sandbox = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        process.wait()
    assert len(sandbox) == 3
    wait_for_end(sandbox)
