"""Every call of the transport as one of Slurm's commands; none of them touches a shell."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from campus_base.errors import CampusError
from campus_base.process import Identity, ProgramFailed, Result
from campus_base.process import run as run_program
from spawners import metrics
from spawners.slurm.bookings import Booking, NotBooked
from spawners.slurm.cli.queries import (
    everybody_query,
    exit_code_query,
    jobs_query,
    nodes_query,
    parse_everybody,
    parse_jobs,
    parse_nodes,
)
from spawners.slurm.cli.reservations import book_command, book_for_command, unbook_command
from spawners.slurm.cli.rules import ask_rules
from spawners.slurm.errors import ControllerSilent, Refused, Unreadable
from spawners.slurm.facts import Everybody, Job, JobRequest, Node
from spawners.slurm.logs import read_end
from spawners.slurm.rules import Rules

_PREFIX = re.compile(r"^(sbatch: |slurm_update )?(error: )?(allocation failure: |Batch job submission failed: )?")
_LONGEST_REFUSAL = 300  # characters
_CLOCK = re.compile(r"Configuration data as of (\d+)")
_TEST_START = re.compile(r"to start at (\d+)")

run_counted = metrics.counted(run_program)


@dataclass(frozen=True)
class CliTransport:
    """One Slurm: ``conf`` is its slurm.conf (empty for Slurm's default), ``timeout`` seconds a command may take."""

    conf: str = ""
    timeout: float = 20.0
    books: ClassVar[bool] = True

    @property
    def environment(self) -> dict[str, str]:
        """What Slurm's commands need; times come as seconds since the epoch."""
        env = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8", "SLURM_TIME_FORMAT": "%s"}
        return env | ({"SLURM_CONF": self.conf} if self.conf else {})

    async def run(
        self,
        argv: Sequence[str],
        what: str,
        identity: Identity | None = None,
        env: Mapping[str, str] | None = None,
        stdin: str = "",
    ) -> Result:
        """Run one of Slurm's commands as the hub, or as a person, who needs root for it. Raises ProgramFailed.

        ``env`` goes along with what Slurm's commands need, and may have a PATH of its own.
        """
        env = env or {}
        whole = {**env, **self.environment, "PATH": env.get("PATH", self.environment["PATH"])}
        return await run_counted(argv, what=what, timeout=self.timeout, env=whole, identity=identity, stdin=stdin)

    async def jobs(self, job_name: str) -> dict[int, Job]:
        """Every job of that name. Raises ProgramFailed or Unreadable."""
        done = await self.run(jobs_query(job_name), "Asking Slurm for its jobs")
        return parse_jobs(done.stdout)

    async def nodes(self) -> dict[str, Node]:
        """Every node. Raises ProgramFailed or Unreadable."""
        done = await self.run(nodes_query(), "Asking Slurm for its nodes")
        return parse_nodes(done.stdout)

    async def everybody(self, ours: Collection[int], claims: bool) -> Everybody:
        """All jobs; ``ours`` are our jobs' ids. Raises ProgramFailed or Unreadable."""
        done = await self.run(everybody_query(claims), "Asking Slurm for everybody's jobs")
        return await asyncio.to_thread(parse_everybody, done.stdout, claims, ours)

    async def rules(self) -> Rules:
        """What Slurm lets people use; without an answer of slurmdbd no accounts. Raises ProgramFailed or Unreadable."""
        return await ask_rules(self._ask)

    async def _ask(self, query: list[str], what: str) -> str:
        return (await self.run(query, what)).stdout

    async def exit_code(self, job_id: int) -> int | None:
        """How a job that is over ended (negative for a signal); None where Slurm does not say. Raises ProgramFailed."""
        done = await self.run(exit_code_query(job_id), "Asking Slurm how the session ended")
        status = done.stdout.strip()
        return os.waitstatus_to_exitcode(int(status)) if status.isascii() and status.isdigit() else None

    async def log_end(self, path: str, identity: Identity | None) -> str:
        """The end of a session's log, read as its owner. Raises ProgramFailed."""
        return await read_end(path, identity)

    async def test(self, job: JobRequest, identity: Identity) -> int | None:
        """When Slurm would start this job (seconds since the epoch), None where it does not say.

        Source: sbatch(1), ``--test-only``. Raises Refused or ControllerSilent.
        """
        argv = ["sbatch", "--test-only", *sbatch_options(job)]
        try:
            done = await self.run(argv, "Asking Slurm about this session", identity, stdin=job.script)
        except ProgramFailed as error:
            raise _refusal(error) from error
        start = _TEST_START.search(done.stderr)
        return int(start.group(1)) if start else None

    async def submit(self, job: JobRequest, env: Mapping[str, str], identity: Identity) -> int:
        """Submit and return the job's id. ``env`` becomes the job's whole environment.

        The environment travels in sbatch's own, never on its command line. Raises Refused or ControllerSilent.
        """
        try:
            done = await self.run(submit_command(job), "Submitting the session", identity, env, job.script)
        except ProgramFailed as error:
            raise _refusal(error) from error
        number = done.stdout.strip().split(";")[0]
        if not (number.isascii() and number.isdigit()):
            raise ControllerSilent(f"sbatch printed {done.stdout[:200]!r}")
        return int(number)

    def drawing(self, job: JobRequest, env: Mapping[str, str], person: str) -> Iterator[str]:
        """The command, its standard input, and the names of the variables."""
        yield f"# The command, run as {person}:"
        yield " \\\n    ".join(shlex.quote(argument) for argument in submit_command(job))
        yield ""
        yield "# The script, which it reads from its standard input:"
        yield job.script
        yield "# The names of its environment's variables, and so of the job's:"
        yield from sorted(env.keys() | self.environment.keys())

    async def set_time_limit(self, job_id: int, minutes: int) -> None:
        """Change how long a job may run in all (scontrol(1), update); Slurm lets operators lengthen it only.

        Raises Refused or ControllerSilent.
        """
        try:
            await self.run(["scontrol", "update", f"JobId={job_id}", f"TimeLimit={minutes}"], "Extending the session")
        except ProgramFailed as error:
            raise _refusal(error) from error

    async def cancel(self, job_id: int, identity: Identity | None) -> None:
        """Cancel a job; one that has ended already is no error. Raises Refused or ControllerSilent."""
        try:
            await self.run(["scancel", str(job_id)], "Cancelling the session", identity)
        except ProgramFailed as error:
            if "Invalid job id" not in error.detail:
                raise _refusal(error) from error

    async def book(self, booking: Booking) -> None:
        """Make a reservation. Raises NotBooked or ControllerSilent."""
        await self._order(book_command(booking), "Booking a class")

    async def book_for(self, name: str, users: Sequence[str]) -> None:
        """Change whose a reservation is. Raises NotBooked or ControllerSilent."""
        await self._order(book_for_command(name, users), "Changing whose a class is")

    async def unbook(self, name: str) -> None:
        """Remove a reservation; jobs in it go on. Raises NotBooked or ControllerSilent."""
        await self._order(unbook_command(name), "Calling off a class")

    async def _order(self, argv: Sequence[str], what: str) -> None:
        try:
            await self.run(argv, what)
        except ProgramFailed as error:
            raise _refusal(error, NotBooked) from error

    async def clock(self) -> int:
        """slurmctld's own time (scontrol(1), show config). Raises ProgramFailed or Unreadable."""
        done = await self.run(["scontrol", "show", "config"], "Asking slurmctld for its time")
        said = _CLOCK.match(done.stdout)
        if not said:
            raise Unreadable(done.stdout)
        return int(said[1])


def submit_command(job: JobRequest) -> list[str]:
    """The command that submits a job, one argument each; it reads the job's script."""
    return ["sbatch", "--parsable", "--export=ALL", *sbatch_options(job)]


def sbatch_options(job: JobRequest) -> list[str]:
    """sbatch's options for a job, one argument each (sbatch(1))."""
    return [
        f"--job-name={job.name}",
        f"--comment={job.mark}",
        f"--partition={job.partition}",
        "--nodes=1",
        "--ntasks=1",
        f"--cpus-per-task={job.cpus}",
        f"--mem={job.memory_mib}M",
        f"--time={max(1, job.seconds // 60)}",
        f"--chdir={job.folder}",
        # The job writes its own log, as the person, once it runs: a missing folder must not fail the job.
        "--output=/dev/null",
        "--no-requeue",
        *([f"--gres={job.gres}"] if job.gres else []),
        *([f"--account={job.account}"] if job.account else []),
        *([f"--qos={job.qos}"] if job.qos else []),
        *([f"--reservation={job.reservation}"] if job.reservation else []),
    ]


_SILENT = (
    *("Unable to contact slurm controller", "Connection refused", "Socket timed out", "Zero Bytes"),
    *("Connection reset by peer", "Broken pipe"),
    "Message receive failure",  # what answered was no controller
)


def _refusal(error: ProgramFailed, kind: type[Refused | NotBooked] = Refused) -> CampusError:
    if error.result is None or any(phrase in error.detail for phrase in _SILENT):
        return ControllerSilent(error.detail)
    # A site's own plug-in (job_submit) explains itself on the lines before Slurm's last one.
    lines = [_PREFIX.sub("", line).strip().rstrip(".") for line in error.detail.splitlines()]
    says = ". ".join(dict.fromkeys(line for line in lines if line)) or "no reason given"
    return kind(says[:_LONGEST_REFUSAL], error.detail)
