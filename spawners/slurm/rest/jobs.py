"""Jobs, as slurmrestd answers them."""

from __future__ import annotations

import os
import re
from collections.abc import Collection

from pydantic import Field

from spawners.slurm.facts import Claim, Everybody, Job, Queued, in_order
from spawners.slurm.rest.answers import Answer, Number, Part, Text, Words
from spawners.slurm.states import JobState, job_state
from spawners.slurm.text import tres


class JobPart(Part):
    """A job. What its owner may write (name, comment) is compared with our name, and not read any further."""

    job_id: int
    user_id: int
    name: Text
    job_state: Words
    state_reason: Text
    partition: Text
    batch_host: Text
    start_time: Number
    end_time: Number
    priority: Number
    account: Text
    qos: Text
    tres_req_str: Text
    tres_alloc_str: Text
    array_task_string: Text

    @property
    def state(self) -> JobState:
        # As squeue does: a flag says more than the state that it is of.
        return job_state(next((flag for flag in _JOB_FLAGS if flag in self.job_state), self.job_state[0]))

    def fact(self) -> Job:
        return Job(
            id=self.job_id,
            uid=self.user_id,
            state=self.state,
            reason=self.state_reason,
            node=self.batch_host,
            start=self.start_time or None,
            end=self.end_time or None,
        )

    def queued(self) -> Queued:
        return Queued(id=self.job_id, partition=self.partition, priority=self.priority or 0, reason=self.state_reason)

    def claims(self) -> list[Claim]:
        """One for each task that waits, where it is an array that waits."""
        runs = self.state is not JobState.PENDING
        claim = Claim(
            id=self.job_id,
            uid=self.user_id,
            account=self.account,
            qos=self.qos,
            partition=self.partition,
            runs=runs,
            tres=tres(self.tres_alloc_str or self.tres_req_str),
        )
        return [claim] * (1 if runs else _tasks(self.array_task_string))


def _tasks(text: str) -> int:
    """How many tasks ``1,4-9,20-30:2%5`` has, and at least 1; Slurm cuts long lists, and the rest is lost."""
    found = 0
    for first, last, step in re.findall(r"(\d+)(?:-(\d+)(?::(\d+))?)?", text.partition("%")[0]):
        found += len(range(int(first), int(last or first) + 1, int(step or 1) or 1))
    return max(1, found)


# Source: slurm's job_state_string(), in its order.
_JOB_FLAGS = (
    *("COMPLETING", "STAGE_OUT", "CONFIGURING", "RESIZING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD"),
    *("SPECIAL_EXIT", "STOPPED", "REVOKED", "RESV_DEL_HOLD", "SIGNALING", "POWER_UP_NODE"),
)


class Jobs(Answer):
    jobs: list[JobPart]

    def facts(self, job_name: str) -> dict[int, Job]:
        """Those of that name."""
        return {part.job_id: part.fact() for part in self.jobs if part.name == job_name}

    def everybody(self, ours: Collection[int], claims: bool) -> Everybody:
        """All of them; ``ours`` are our jobs' ids."""
        return Everybody(
            jobs={part.job_id: part.fact() for part in self.jobs if part.job_id in ours},
            queue=in_order(part.queued() for part in self.jobs if part.state is JobState.PENDING),
            claims=tuple(claim for part in self.jobs if claims and part.state.holds for claim in part.claims()),
        )


class _Signal(Part):
    id: Number = None


class _ExitCode(Part):
    return_code: Number = None
    signal: _Signal = _Signal()


class _Ended(Part):
    user_id: int
    exit_code: int | _ExitCode


class Ended(Answer):
    """A job, for whose it is and how it ended."""

    jobs: list[_Ended] = Field(min_length=1)

    @property
    def uid(self) -> int:
        return self.jobs[0].user_id

    @property
    def exit_code(self) -> int | None:
        """Negative for a signal; None where it is not known."""
        code = self.jobs[0].exit_code
        if isinstance(code, int):
            return os.waitstatus_to_exitcode(code) if 0 <= code < 2**16 else None
        return -code.signal.id if code.signal.id else code.return_code
