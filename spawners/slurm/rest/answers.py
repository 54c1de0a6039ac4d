"""slurmrestd's answers: what of each is read, in the shapes of every version that Campus knows, and the facts in it.

Source: slurmrestd's own description of itself (``/openapi/v3``).
"""

from __future__ import annotations

import json
import os
from typing import Annotated, Any, TypeVar

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field

from spawners.slurm.facts import Job, Node, Queued
from spawners.slurm.gres import gpus_by_type
from spawners.slurm.states import JobState, job_state


def _number(value: Any) -> Any:
    """A number, or since v0.0.39 ``{"set": true, "infinite": false, "number": 60}``; None where it is not set."""
    if not isinstance(value, dict):
        return value
    return value.get("number") if value.get("set") is True and value.get("infinite") is False else None


def _words(value: Any) -> Any:
    """A word, or since v0.0.39 a list of a state and its flags."""
    return [value] if isinstance(value, str) else value


def _text(value: Any) -> Any:
    return "" if value is None else value


A = TypeVar("A", bound="Answer")
Number = Annotated[int | None, BeforeValidator(_number)]
Text = Annotated[str, BeforeValidator(_text)]
Words = Annotated[list[str], BeforeValidator(_words), Field(min_length=1)]


class _Part(BaseModel):
    """Of what slurmrestd sends, the fields that are read; these are as they should be."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)


class Problem(_Part):
    """One of an answer's errors; versions and calls differ in what they call its number (slurm_errno.h)."""

    code: int = Field(default=0, validation_alias=AliasChoices("error_number", "error_code", "errno", "code"))
    error: Text = Field(default="", validation_alias=AliasChoices("error", "message"))
    description: Text = ""

    @property
    def sentence(self) -> str:
        """Slurm's own, without its full stop."""
        return (self.error or self.description).strip().rstrip(".")


class Answer(_Part):
    errors: list[Problem] = []

    @property
    def problems(self) -> list[Problem]:
        """All that went wrong."""
        return self.errors


class JobPart(_Part):
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

    def queue(self) -> tuple[Queued, ...]:
        """Those that wait, the first to go first."""
        waiting = [part.queued() for part in self.jobs if part.state is JobState.PENDING]
        return tuple(sorted(waiting, key=lambda job: (-job.priority, job.id)))


class _Signal(_Part):
    id: Number = None


class _ExitCode(_Part):
    return_code: Number = None
    signal: _Signal = _Signal()


class _Ended(_Part):
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


class NodePart(_Part):
    name: str
    address: str
    state: Words
    state_flags: list[str] = []
    partitions: list[str]
    gres: Text
    gres_used: Text
    cpus_free: int = Field(validation_alias=AliasChoices("alloc_idle_cpus", "idle_cpus"))
    real_memory: int
    alloc_memory: int

    @property
    def word(self) -> str:
        """The state as sinfo says it (``StateLong``)."""
        state, *more = (word.upper() for word in (*self.state, *self.state_flags))
        if "DRAIN" in more:
            return "draining" if state in ("ALLOCATED", "MIXED") or "COMPLETING" in more else "drained"
        if "FAIL" in more:
            return "failing" if state in ("ALLOCATED", "MIXED") or "COMPLETING" in more else "fail"
        flag = next((flag for flag in _IDLE_FLAGS if flag in more), state) if state == "IDLE" else state
        return _IDLE_FLAGS.get(flag, flag.lower())

    def fact(self) -> Node:
        return Node(
            name=self.name,
            address=self.address,
            state=self.word,
            partitions=frozenset(self.partitions),
            gpus=gpus_by_type(self.gres),
            gpus_used=gpus_by_type(self.gres_used),
            cpus_free=self.cpus_free,
            memory_free_mib=max(0, self.real_memory - self.alloc_memory),
        )


# Flags of an idle node that sinfo names in the state's place.
_IDLE_FLAGS = {
    "COMPLETING": "completing",
    "MAINTENANCE": "maint",
    "RESERVED": "reserved",
    "PLANNED": "planned",
}


class Nodes(Answer):
    nodes: list[NodePart]

    def facts(self) -> dict[str, Node]:
        return {part.name: part.fact() for part in self.nodes}


class Submitted(Answer):
    """Slurm took the job, whatever else it says of it."""

    job_id: int = Field(gt=0)


class _Status(_Part):
    error: Problem


class Cancelled(Answer):
    """Since v0.0.41 what went wrong with the job stands apart from what went wrong with the request."""

    status: list[_Status] = []

    @property
    def problems(self) -> list[Problem]:
        return [*self.errors, *(status.error for status in self.status if status.error.code)]


class _Statistics(_Part):
    req_time: Annotated[int, BeforeValidator(_number)]


class Diagnosis(Answer):
    statistics: _Statistics


def parse_answer(kind: type[A], text: str) -> A | Answer | None:
    """The answer in a text; an Answer of no kind where it holds errors alone, None where it is no answer at all."""
    try:
        found = json.loads(text)
        failed = Answer.model_validate(found)
        # Errors beside a job's id: Slurm took the job, and says why it has to wait.
        return failed if failed.errors and not found.get("job_id") else kind.model_validate(found)
    except (ValueError, RecursionError):  # a ValidationError is a ValueError
        return None
