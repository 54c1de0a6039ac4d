"""How a session ended: the plain cause, the end of its log, and what it was asked for with, to have it again."""

from __future__ import annotations

import contextlib
import re
from dataclasses import asdict, dataclass, field
from typing import Any

from markupsafe import Markup

from campus_base.errors import CampusError
from campus_base.process import Identity
from spawners.life.idle import Verdict
from spawners.outlook.sizes import words
from spawners.slurm import JobState, Transport

LOG_LINES = 15
_LONGEST_LINE = 300  # characters


@dataclass(frozen=True)
class Ended:
    """``cause`` is a label from a fixed set, for metrics; ``sentence`` and ``log`` are for the person.

    ``options`` are the raw ones that the session was asked for with, so that it can be resumed.
    """

    cause: str
    sentence: str
    job_id: str
    log: tuple[str, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"log": list(self.log)}

    @classmethod
    def from_dict(cls, kept: dict[str, Any]) -> Ended:
        return cls(kept["cause"], kept["sentence"], kept["job_id"], tuple(kept["log"]), kept.get("options", {}))

    @property
    def html(self) -> Markup:
        """As an HTML fragment; every part is escaped, and templates take it as it is."""
        said = Markup("<p>{}</p>").format(self.sentence)
        if not self.log:
            return said
        lines = Markup("<details open><summary>The end of its log</summary><pre>{}</pre></details>")
        return said + lines.format("\n".join(self.log))


# What the log of a session that failed says -> cause and sentence. The first that fits counts.
_FROM_LOG = (
    (
        re.compile(r"Disk quota exceeded|No space left on device"),
        "quota",
        "Your home folder is full. Remove what you no longer need, then start again.",
    ),
    (
        re.compile(r"oom-kill|Out Of Memory|MemoryError|Cannot allocate memory"),
        "out-of-memory",
        "The session needed more memory than it asked for. Choose a larger size.",
    ),
    (
        re.compile(r"ModuleNotFoundError|ImportError|bad interpreter|: not found|No such file or directory.*python"),
        "environment",
        "The session's software could not be loaded. Undo what you changed in your environment, or ask an operator.",
    ),
)
_FROM_STATE = {
    JobState.COMPLETED: "The session ended by itself.",
    JobState.COMPLETING: "The session has ended; Slurm is still taking it down.",
    JobState.CANCELLED: "The session was cancelled outside Campus, by you or by an operator.",
    JobState.TIMEOUT: "The session reached its time limit. What was saved is in your home folder.",
    JobState.OUT_OF_MEMORY: "The session needed more memory than it asked for. Choose a larger size.",
    JobState.NODE_FAIL: "The node that the session ran on failed. Start it again: it goes to another one.",
    JobState.PREEMPTED: "The session made room for work of higher priority. Start it again when there is room.",
    JobState.UNKNOWN: "Slurm no longer knows this session. Start it again.",
}


def explain(state: JobState, exit_code: int | None, job_id: str, log: str) -> Ended:
    """Why a job is over that nobody stopped, or is given up while it runs.

    ``exit_code`` is the job's, negative for a signal, None where unknown; ``log`` the end of the session's own log.
    """
    lines = [line[:_LONGEST_LINE] for line in log.splitlines() if line.strip()][-LOG_LINES:]
    if state in _FROM_STATE:
        return Ended(state.value, _FROM_STATE[state], job_id, tuple(lines))
    for pattern, cause, sentence in _FROM_LOG:
        if any(pattern.search(line) for line in lines):
            return Ended(cause, sentence, job_id, tuple(lines))
    if state is JobState.RUNNING:
        silent = "JupyterLab did not answer on its node, so the session was given up. Start it again."
        return Ended("no-answer", silent, job_id, tuple(lines))
    how = "" if not exit_code else f" (signal {-exit_code})" if exit_code < 0 else f" (exit code {exit_code})"
    return Ended("failed", f"The session stopped with an error{how}.", job_id, tuple(lines))


_IDLE = {
    "gpu": "its GPU had done nothing",
    "session": "nothing had been done in it",
    "silent": "nothing had been heard of it",
}


def stopped(job_id: str, idle: Verdict | None) -> Ended:
    """A session that the hub stopped: for being idle, or since somebody asked for it."""
    if idle is None:
        return Ended("stopped", "The session was stopped.", job_id)
    return Ended(
        "idle", f"The session ended because it was idle: {_IDLE[idle.because]} for {words(idle.idle)}.", job_id
    )


async def autopsy(slurm: Transport, state: JobState, job_id: int, log: str, identity: Identity | None) -> Ended:
    """Look at a job that is over: how Slurm says it ended, and the end of its log (a path, read as the person).

    Raises nothing: what cannot be had is left out.
    """
    exit_code, said = None, ""
    with contextlib.suppress(CampusError, ValueError):
        exit_code = await slurm.exit_code(job_id)
    with contextlib.suppress(CampusError):
        said = await slurm.log_end(log, identity) if log else ""
    return explain(state, exit_code, str(job_id), said)
