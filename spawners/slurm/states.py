"""What state a job is in: one enum, and one map from Slurm's names."""

from __future__ import annotations

import logging
from enum import StrEnum

log = logging.getLogger("campus.slurm")


class JobState(StrEnum):
    """A job's state as Campus acts on it. UNKNOWN is never taken for "ended"."""

    PENDING = "pending"
    CONFIGURING = "configuring"
    RUNNING = "running"
    SUSPENDED = "suspended"
    COMPLETING = "completing"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    FAILED = "failed"
    TIMEOUT = "timeout"
    OUT_OF_MEMORY = "out-of-memory"
    NODE_FAIL = "node-fail"
    PREEMPTED = "preempted"
    UNKNOWN = "unknown"

    @property
    def over(self) -> bool:
        """Nothing of the session runs any more, or it is being taken down."""
        return self in _OVER

    @property
    def holds(self) -> bool:
        """It has what it asked for, or waits for it: limits count it. What is being taken down still has it."""
        return not self.over or self is JobState.COMPLETING


_OVER = frozenset(
    {
        JobState.COMPLETING,
        JobState.COMPLETED,
        JobState.CANCELLED,
        JobState.FAILED,
        JobState.TIMEOUT,
        JobState.OUT_OF_MEMORY,
        JobState.NODE_FAIL,
        JobState.PREEMPTED,
    }
)

# Names: squeue(1), JOB STATE CODES.
_FROM_SLURM = {
    "BOOT_FAIL": JobState.NODE_FAIL,
    "CANCELLED": JobState.CANCELLED,
    "COMPLETED": JobState.COMPLETED,
    "COMPLETING": JobState.COMPLETING,
    "CONFIGURING": JobState.CONFIGURING,
    "DEADLINE": JobState.TIMEOUT,
    "FAILED": JobState.FAILED,
    "LAUNCH_FAILED": JobState.FAILED,
    "NODE_FAIL": JobState.NODE_FAIL,
    "OUT_OF_MEMORY": JobState.OUT_OF_MEMORY,
    "PENDING": JobState.PENDING,
    "POWER_UP_NODE": JobState.CONFIGURING,
    "PREEMPTED": JobState.PREEMPTED,
    "RECONFIG_FAIL": JobState.FAILED,
    "REQUEUED": JobState.PENDING,
    "REQUEUE_FED": JobState.PENDING,
    "REQUEUE_HOLD": JobState.PENDING,
    "RESIZING": JobState.RUNNING,
    "RESV_DEL_HOLD": JobState.PENDING,
    "REVOKED": JobState.CANCELLED,
    "RUNNING": JobState.RUNNING,
    "SIGNALING": JobState.RUNNING,
    "SPECIAL_EXIT": JobState.PENDING,
    "STAGE_OUT": JobState.COMPLETING,
    "STOPPED": JobState.SUSPENDED,
    "SUSPENDED": JobState.SUSPENDED,
    "TIMEOUT": JobState.TIMEOUT,
}


def job_state(slurm_name: str) -> JobState:
    """The state behind one of Slurm's names; a name not in squeue(1) is UNKNOWN, and logged."""
    state = _FROM_SLURM.get(slurm_name)
    if state is None:
        log.warning("Slurm names a job state that is not in its manual: %r", slurm_name)
        return JobState.UNKNOWN
    return state
