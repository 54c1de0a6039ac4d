from __future__ import annotations

import logging

import pytest

from spawners.slurm import JobState
from spawners.slurm.states import job_state

# squeue(1) of Slurm 22.05, JOB STATE CODES, and the names that later manuals add (job_state_codes.html).
NAMES = {
    "BOOT_FAIL": JobState.NODE_FAIL,
    "CANCELLED": JobState.CANCELLED,
    "COMPLETED": JobState.COMPLETED,
    "CONFIGURING": JobState.CONFIGURING,
    "COMPLETING": JobState.COMPLETING,
    "DEADLINE": JobState.TIMEOUT,
    "FAILED": JobState.FAILED,
    "NODE_FAIL": JobState.NODE_FAIL,
    "OUT_OF_MEMORY": JobState.OUT_OF_MEMORY,
    "PENDING": JobState.PENDING,
    "PREEMPTED": JobState.PREEMPTED,
    "RUNNING": JobState.RUNNING,
    "RESV_DEL_HOLD": JobState.PENDING,
    "REQUEUE_FED": JobState.PENDING,
    "REQUEUE_HOLD": JobState.PENDING,
    "REQUEUED": JobState.PENDING,
    "RESIZING": JobState.RUNNING,
    "REVOKED": JobState.CANCELLED,
    "SIGNALING": JobState.RUNNING,
    "SPECIAL_EXIT": JobState.PENDING,
    "STAGE_OUT": JobState.COMPLETING,
    "STOPPED": JobState.SUSPENDED,
    "SUSPENDED": JobState.SUSPENDED,
    "TIMEOUT": JobState.TIMEOUT,
    # later
    "LAUNCH_FAILED": JobState.FAILED,
    "POWER_UP_NODE": JobState.CONFIGURING,
    "RECONFIG_FAIL": JobState.FAILED,
}

ALIVE = {"PENDING", "CONFIGURING", "RUNNING", "SUSPENDED", "UNKNOWN"}


@pytest.mark.parametrize("name", NAMES)
def test_every_name_of_the_manual_has_a_state(name: str, caplog: pytest.LogCaptureFixture) -> None:
    assert job_state(name) is NAMES[name]
    assert not caplog.records


@pytest.mark.parametrize("name", ["", "running", "R", "RUNNING ", "CANCELLED by 0", "EXPLODED\n"])
def test_a_name_that_is_not_in_the_manual_is_unknown_and_logged(name: str, caplog: pytest.LogCaptureFixture) -> None:
    assert job_state(name) is JobState.UNKNOWN
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("campus.slurm", logging.WARNING)
    assert repr(name) in record.getMessage()


@pytest.mark.parametrize("state", JobState)
def test_which_states_are_over(state: JobState) -> None:
    assert state.over is (state.name not in ALIVE)
