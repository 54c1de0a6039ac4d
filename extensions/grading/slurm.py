"""What grading asks of Slurm, as the grader: an array of tasks, and which of them have ended."""

from __future__ import annotations

import contextlib
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from campus_base.errors import CampusError
from campus_base.process import ProgramFailed, run_sync
from spawners.slurm.states import JobState, job_state

_COMMAND_SECONDS = 60
_FORGOTTEN = "Invalid job id"  # slurm_strerror(3), ESLURM_INVALID_JOB_ID
_PASSED_ON = ("HOME", "USER", "LOGNAME", "LANG", "SLURM_CONF")


def submit(options: Sequence[str], folder: Path) -> int:
    """Submit the array; returns its number. Raises CampusError."""
    run = [sys.executable, "-m", "extensions.grading", f"--task={folder}"]
    script = folder / "task.sh"
    script.write_text(f"#!/bin/sh\nexec {shlex.join(run)}\n")
    argv = ["sbatch", "--parsable", "--export=ALL", f"--chdir={os.getcwd()}", *options, str(script)]
    said = _slurm(argv, "Submitting the grading")
    number = said.strip().partition(";")[0]
    if not number.isdecimal():
        raise CampusError("slurm-unreadable", "sbatch did not say the job's number.", "Try again.", said)
    return int(number)


def cancel(number: int) -> None:
    """End what is left of an array."""
    with contextlib.suppress(ProgramFailed):  # it may have ended by itself
        _slurm(["scancel", str(number)], "Cancelling what is left of the array")


def ended(number: int, tasks: int) -> dict[int, JobState]:
    """Which of so many tasks have ended, and how; UNKNOWN for one that Slurm has forgotten, some minutes after its end.

    Empty while Slurm does not answer, which says nothing of them.
    """
    argv = ["squeue", "--noheader", "--array", "--states=all", f"--jobs={number}", "--format=%K %T"]
    try:
        said = _slurm(argv, "Asking Slurm for the tasks")
    except CampusError as error:
        if _FORGOTTEN not in error.detail:
            return {}
        said = ""
    rows = [line.split() for line in said.splitlines()]
    known = {int(row[0]): job_state(row[1]) for row in rows if len(row) == 2 and row[0].isdecimal()}
    over = {task for task, state in known.items() if state.over}
    return {task: known.get(task, JobState.UNKNOWN) for task in range(tasks) if task in over or task not in known}


def _slurm(argv: list[str], what: str) -> str:
    kept = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    environment = {**kept, "PATH": f"{sys.prefix}/bin:/usr/local/bin:/usr/bin:/bin"}
    return run_sync(argv, what=what, timeout=_COMMAND_SECONDS, env=environment).stdout
