from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from campus_base.errors import CampusError
from campus_base.process import Identity, ProgramFailed, Result, Secret
from spawners.slurm import ControllerSilent, JobRequest, Refused
from spawners.slurm.cli import CliTransport
from spawners.slurm.cli.queries import Unreadable, everybody_query, jobs_query, nodes_query

SLURM = CliTransport(conf="/etc/slurm/slurm.conf", timeout=5)
ENVIRONMENT = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "LC_ALL": "C.UTF-8",
    "SLURM_TIME_FORMAT": "%s",
    "SLURM_CONF": "/etc/slurm/slurm.conf",
}
ALICE = Identity(1001, 1002, (1002, 44))
SCRIPT = "#!/bin/sh\nexec true\n"

Answer = Result | OSError | Callable[[], Awaitable[Result]]


@dataclass(frozen=True)
class Call:
    """A program as it was started, and what it was given to read."""

    argv: tuple[str, ...]
    options: dict[str, Any]
    stdin: str


class Programs:
    """Stands where programs are started: answers by the beginning of a command, knows no other command."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answers: dict[tuple[str, ...], Answer] = {}
        self.calls: list[Call] = []
        monkeypatch.setattr("campus_base.process.asyncio.create_subprocess_exec", self.start)

    def answer(self, command: str, answer: Answer) -> None:
        self.answers[tuple(command.split())] = answer

    def asked(self, program: str) -> int:
        """How often a program was run."""
        return sum(call.argv[0] == program for call in self.calls)

    async def start(self, *argv: str, stdin: int, stdout: int, stderr: int, **options: Any) -> Program:
        known = [words for words in self.answers if argv[: len(words)] == words]
        assert known, f"a command that nobody expects: {argv}"
        answer = self.answers[max(known, key=len)]
        if isinstance(answer, OSError):
            raise answer
        return Program(self, argv, options, answer)


class Program:
    """One that runs: ends when it has answered, or is killed."""

    def __init__(self, programs: Programs, argv: tuple[str, ...], options: dict[str, Any], answer: Any) -> None:
        self.programs, self.argv, self.options, self.answer = programs, argv, options, answer
        self.returncode: int | None = None

    async def communicate(self, stdin: bytes) -> tuple[bytes, bytes]:
        self.programs.calls.append(Call(self.argv, self.options, stdin.decode()))
        result = self.answer if isinstance(self.answer, Result) else await self.answer()
        self.returncode = result.status
        return result.stdout.encode(), result.stderr.encode()

    def kill(self) -> None:
        self.returncode = -9

    async def wait(self) -> int | None:
        return self.returncode


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> Programs:
    return Programs(monkeypatch)


def printing(stdout: str = "", stderr: str = "") -> Result:
    return Result(0, stdout, stderr)


def failing(stderr: str, status: int = 1) -> Result:
    return Result(status, "", stderr)


def job(**change: Any) -> JobRequest:
    asked = {"name": "campus", "mark": "alice/", "partition": "gpu", "gpus": 0, "gpu_type": None, "cpus": 2}
    asked |= {"memory_mib": 4096, "seconds": 3600, "account": None, "folder": "/home/alice"}
    asked |= {"script": SCRIPT}
    return JobRequest(**{**asked, **change})


OPTIONS = (
    "--job-name=campus",
    "--comment=alice/",
    "--partition=gpu",
    "--nodes=1",
    "--ntasks=1",
    "--cpus-per-task=2",
    "--mem=4096M",
    "--time=60",
    "--chdir=/home/alice",
    "--output=/dev/null",
    "--no-requeue",
)


async def orders(slurm: CliTransport, order: str) -> Any:
    """Give one of the three orders, as alice."""
    match order:
        case "test":
            return await slurm.test(job(), ALICE)
        case "submit":
            return await slurm.submit(job(), {}, ALICE)
        case "cancel":
            return await slurm.cancel(7, ALICE)


JOB = "7\x1f1001\x1fRUNNING\x1fNone\x1fn1\x1f100\x1f200\n"
NODE = "n1\x1f10.0.0.1\x1fidle\x1fgpu\x1fgpu:4\x1fgpu:0\x1f0/32/0/32\x1f1000\x1f0\x1f\n"

COMMANDS = {"test": "sbatch --test-only", "submit": "sbatch --parsable", "cancel": "scancel"}


# ------------------------------------------------------------------------------------------------ the commands


async def test_asking_about_a_job(programs: Programs) -> None:
    # As Slurm 22.05.8 prints it.
    says = "sbatch: Job 19 to start at 1795551645 using 1 processors on nodes gpu-node1 in partition gpu\n"
    programs.answer("sbatch --test-only", printing(stderr=says))
    assert await SLURM.test(job(), ALICE) == 1795551645
    (call,) = programs.calls
    assert call.argv == ("sbatch", "--test-only", *OPTIONS)
    assert call.stdin == SCRIPT


async def test_submitting_a_job(programs: Programs) -> None:
    programs.answer("sbatch --parsable", printing("4711\n"))
    assert await SLURM.submit(job(), {}, ALICE) == 4711
    (call,) = programs.calls
    assert call.argv == ("sbatch", "--parsable", "--export=ALL", *OPTIONS)
    assert call.stdin == SCRIPT


async def test_cancelling_a_job(programs: Programs) -> None:
    programs.answer("scancel", printing())
    await SLURM.cancel(4711, ALICE)
    assert [call.argv for call in programs.calls] == [("scancel", "4711")]


@pytest.mark.parametrize(
    ("change", "more"),
    [
        ({"gpus": 2}, ("--gres=gpu:2",)),
        ({"gpus": 1, "gpu_type": "a100"}, ("--gres=gpu:a100:1",)),
        ({"gpu_type": "a100"}, ()),
        ({"account": "p200001"}, ("--account=p200001",)),
        ({"gpus": 4, "account": "p200001"}, ("--gres=gpu:4", "--account=p200001")),
    ],
)
async def test_gpus_and_account_are_named_where_there_are_any(
    change: dict[str, Any], more: tuple[str, ...], programs: Programs
) -> None:
    programs.answer("sbatch", printing("1\n"))
    await SLURM.test(job(**change), None)
    await SLURM.submit(job(**change), {}, None)
    for call, first in zip(programs.calls, (2, 3), strict=True):
        assert call.argv[first:] == (*OPTIONS, *more)


@pytest.mark.parametrize(("seconds", "minutes"), [(1, 1), (59, 1), (60, 1), (119, 1), (120, 2), (86400, 1440)])
async def test_a_time_is_whole_minutes_and_at_least_one(seconds: int, minutes: int, programs: Programs) -> None:
    programs.answer("sbatch", printing("1\n"))
    await SLURM.submit(job(seconds=seconds), {}, None)
    assert f"--time={minutes}" in programs.calls[0].argv


async def test_each_value_is_one_argument_as_it_is(programs: Programs) -> None:
    odd = "a'b\" ; $(id) `id`\n--wrap=id ü"
    programs.answer("sbatch", printing("1\n"))
    await SLURM.submit(job(name=odd, mark=odd, partition=odd, account=odd, folder=odd), {}, None)
    argv = programs.calls[0].argv
    assert [a.partition("=")[0] for a in argv if odd in a] == [
        *("--job-name", "--comment", "--partition", "--chdir", "--account")
    ]
    assert all(a.endswith(f"={odd}") for a in argv if odd in a)


@pytest.mark.parametrize("order", COMMANDS)
async def test_an_order_is_given_as_the_person(order: str, programs: Programs) -> None:
    programs.answer(COMMANDS[order], printing("1\n"))
    await orders(SLURM, order)
    (call,) = programs.calls
    assert (call.options["user"], call.options["group"]) == (1001, 1002)
    assert call.options["extra_groups"] == [1002, 44]


async def test_questions_are_asked_as_the_hub(programs: Programs) -> None:
    programs.answer("squeue --noheader --states=all --name=campus", printing(JOB))
    waits = "9\x1f1001\x1fPENDING\x1fPriority\x1fn/a\x1fN/A\x1fN/A\x1fgpu\x1f5\x1f\n"
    programs.answer("squeue --noheader --states=all --Format", printing(waits))
    programs.answer("sinfo", printing(NODE))
    jobs, others, nodes = await SLURM.jobs("campus"), await SLURM.everybody((), claims=False), await SLURM.nodes()
    assert (jobs[7].uid, jobs[7].node) == (1001, "n1")
    assert [(q.id, q.partition) for q in others.queue] == [(9, "gpu")]
    assert (nodes["n1"].address, nodes["n1"].gpus) == ("10.0.0.1", {"": 4})
    assert [list(call.argv) for call in programs.calls] == [
        *(jobs_query("campus"), everybody_query(claims=False), nodes_query())
    ]
    assert [call.options for call in programs.calls] == [{"env": ENVIRONMENT, "cwd": "/"}] * 3


@pytest.mark.parametrize(
    ("says", "code"),
    # As Slurm 22.05.8 prints them: the status that wait(2) gives.
    [("0                   \n", 0), ("768                 \n", 3), ("9                   \n", -9)],
)
async def test_how_a_job_ended(says: str, code: int, programs: Programs) -> None:
    programs.answer("squeue", printing(says))
    assert await SLURM.exit_code(7) == code
    (call,) = programs.calls
    assert call.argv == ("squeue", "--noheader", "--states=all", "--jobs=7", "--Format=exit_code")
    assert call.options == {"env": ENVIRONMENT, "cwd": "/"}


@pytest.mark.parametrize("says", ["", "\n", "N/A\n", "(null)\n", "-1\n", "²\n", "0 0\n"])
async def test_how_a_job_ended_is_not_always_said(says: str, programs: Programs) -> None:
    programs.answer("squeue", printing(says))
    assert await SLURM.exit_code(7) is None


# ------------------------------------------------------------------------------------------------ environments


@pytest.mark.parametrize("order", ["test", "cancel"])
async def test_slurms_own_environment(order: str, programs: Programs) -> None:
    programs.answer(COMMANDS[order], printing())
    await orders(SLURM, order)
    await orders(CliTransport(), order)
    assert [call.options["env"] for call in programs.calls] == [
        ENVIRONMENT,
        {k: v for k, v in ENVIRONMENT.items() if k != "SLURM_CONF"},
    ]


async def test_a_jobs_environment_is_what_it_is_given_with_slurms_own(programs: Programs) -> None:
    programs.answer("sbatch", printing("1\n"))
    given = {"HOME": "/home/alice", "PATH": "/opt/env/bin:/bin", "SLURM_CONF": "/tmp/mine", "LC_ALL": "C"}
    await SLURM.submit(job(), given, ALICE)
    await SLURM.submit(job(), {}, ALICE)
    assert [call.options["env"] for call in programs.calls] == [
        {**ENVIRONMENT, "HOME": "/home/alice", "PATH": "/opt/env/bin:/bin"},
        ENVIRONMENT,
    ]


async def test_a_secret_is_in_the_environment_only(programs: Programs) -> None:
    programs.answer("sbatch", printing("1\n"))
    await SLURM.submit(job(), {"JUPYTERHUB_API_TOKEN": Secret("hunter2")}, ALICE)
    (call,) = programs.calls
    assert call.options.pop("env")["JUPYTERHUB_API_TOKEN"] == "hunter2"
    assert "hunter2" not in f"{call}"


# ------------------------------------------------------------------------------------------------ answers


@pytest.mark.parametrize("says", ["", "sbatch: Job 19 to start at N/A\n", "sbatch: Job 19 to start\n"])
async def test_a_start_that_slurm_does_not_say_is_none(says: str, programs: Programs) -> None:
    programs.answer("sbatch", printing(stderr=says))
    assert await SLURM.test(job(), ALICE) is None


async def test_an_id_may_come_with_a_clusters_name(programs: Programs) -> None:
    programs.answer("sbatch", printing("4711;meluxina\n"))
    assert await SLURM.submit(job(), {}, ALICE) == 4711


@pytest.mark.parametrize(
    "nonsense",
    [
        *("", "\n", ";campus\n", "Submitted batch job 5\n", "abc\n", "-5\n", "5.0\n", "5 6\n", "5\n6\n", "²\n"),
    ],
)
async def test_an_id_that_is_none_is_no_answer(nonsense: str, programs: Programs) -> None:
    programs.answer("sbatch", printing(nonsense))
    with pytest.raises(ControllerSilent) as caught:
        await SLURM.submit(job(), {}, ALICE)
    assert caught.value.detail == f"sbatch printed {nonsense!r}"


async def test_a_flood_instead_of_an_id_is_cut(programs: Programs) -> None:
    programs.answer("sbatch", printing("x" * 100_000))
    with pytest.raises(ControllerSilent) as caught:
        await SLURM.submit(job(), {}, ALICE)
    assert len(caught.value.detail) < 300


# ------------------------------------------------------------------------------------------------ refusals


@pytest.mark.parametrize("order", ["test", "submit"])
@pytest.mark.parametrize(
    ("stderr", "sentence"),
    [
        # As Slurm 22.05.8 prints them.
        (
            "sbatch: error: invalid partition specified: nope\n"
            "sbatch: error: Batch job submission failed: Invalid partition name specified\n",
            "invalid partition specified: nope. Invalid partition name specified",
        ),
        (
            "sbatch: error: invalid partition specified: nope\nallocation failure: Invalid partition name specified\n",
            "invalid partition specified: nope. Invalid partition name specified",
        ),
        (
            "allocation failure: Requested node configuration is not available\n",
            "Requested node configuration is not available",
        ),
        (
            "sbatch: error: Batch job submission failed: Pathname of a file, directory or other parameter too long\n",
            "Pathname of a file, directory or other parameter too long",
        ),
        # Others.
        (
            "sbatch: error: AssocMaxSubmitJobLimit\nsbatch: error: Batch job submission failed: Job violates "
            "accounting/QOS policy (job submit limit, user's size and/or time limits)\n\n",
            "AssocMaxSubmitJobLimit. Job violates accounting/QOS policy (job submit limit, user's size and/or "
            "time limits)",
        ),
        (
            "sbatch: error: Your project has no GPU hours left.\n"
            "sbatch: error: Batch job submission failed: Unspecified error\n",
            "Your project has no GPU hours left. Unspecified error",
        ),
        ("x" * 5000, "x" * 300),
        ("sbatch: error: Ends with a stop.\n", "Ends with a stop"),
        ("Größe; $(id) 'x'\n", "Größe; $(id) 'x'"),
        ("\n \n", "no reason given"),
        ("", "no reason given"),
    ],
)
async def test_a_refusal_is_slurms_own_sentence(order: str, stderr: str, sentence: str, programs: Programs) -> None:
    programs.answer(COMMANDS[order], failing(stderr))
    with pytest.raises(Refused) as caught:
        await orders(SLURM, order)
    assert caught.value.code == "slurm-refused"
    assert caught.value.message == f"Slurm does not accept this session: {sentence}."


async def forever() -> Result:
    await asyncio.Event().wait()
    raise AssertionError


SILENCE = [
    # As Slurm 22.05.8 prints it.
    failing("allocation failure: Unable to contact slurm controller (connect failure)\n"),
    failing("sbatch: error: Batch job submission failed: Unable to contact slurm controller (connect failure)\n"),
    failing("scancel: error: Kill job error on job id 3: Unable to contact slurm controller (connect failure)\n", 8),
    # Others.
    failing("sbatch: error: Batch job submission failed: Socket timed out on send/recv operation\n"),
    failing("sbatch: error: Batch job submission failed: Zero Bytes were transmitted or received\n"),
    failing(
        "sbatch: error: slurm_receive_msg [localhost]: Message receive failure\nallocation failure: Unspecified error\n"
    ),
    failing("sbatch: error: slurm_send_node_msg: Connection refused\nsbatch: error: and more\n"),
    failing("sbatch: error: Batch job submission failed: Connection reset by peer\n"),
    FileNotFoundError(2, "No such file or directory"),
    PermissionError(1, "Operation not permitted"),
    forever,
]


@pytest.mark.parametrize("order", COMMANDS)
@pytest.mark.parametrize("silence", SILENCE, ids=lambda s: getattr(s, "stderr", None) or getattr(s, "strerror", None))
async def test_a_controller_that_does_not_answer_is_no_refusal(order: str, silence: Answer, programs: Programs) -> None:
    programs.answer(COMMANDS[order], silence)
    with pytest.raises(ControllerSilent) as caught:
        await orders(CliTransport(timeout=0.02), order)
    assert caught.value.code == "slurm-silent"
    assert caught.value.detail
    assert caught.value.detail not in str(caught.value)


@pytest.mark.parametrize(
    "ask",
    [lambda s: s.jobs("campus"), lambda s: s.everybody((), True), lambda s: s.nodes()],
    ids=["jobs", "everybody", "nodes"],
)
@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (failing("slurm_load_jobs error: Unable to contact slurm controller (connect failure)\n"), ProgramFailed),
        (FileNotFoundError(2, "No such file or directory"), ProgramFailed),
        (forever, ProgramFailed),
        (printing("slurm_load_jobs error\n"), Unreadable),
    ],
)
async def test_a_question_without_an_answer_is_an_error(
    ask: Callable[[CliTransport], Awaitable[Any]], answer: Answer, error: type[CampusError], programs: Programs
) -> None:
    programs.answer("squeue", answer)
    programs.answer("sinfo", answer)
    with pytest.raises(error):
        await ask(CliTransport(timeout=0.02))


async def test_how_a_job_ended_is_an_error_where_slurm_does_not_answer(programs: Programs) -> None:
    # As Slurm 22.05.8 prints it for a job that it has forgotten.
    programs.answer("squeue", failing("slurm_load_jobs error: Invalid job id specified\n"))
    with pytest.raises(ProgramFailed):
        await SLURM.exit_code(7)


# ------------------------------------------------------------------------------------------------ ended jobs


async def test_cancelling_a_job_that_has_ended_is_no_error(programs: Programs) -> None:
    programs.answer("scancel", failing("scancel: error: Kill job error on job id 7: Invalid job id specified\n"))
    await SLURM.cancel(7, ALICE)


async def test_cancelling_somebody_elses_job_is_an_error(programs: Programs) -> None:
    programs.answer("scancel", failing("scancel: error: Kill job error on job id 7: Access/permission denied\n"))
    with pytest.raises(Refused) as caught:
        await SLURM.cancel(7, ALICE)
    assert "Access/permission denied" in caught.value.detail


# ------------------------------------------------------------------------------------------------ the fake itself


async def test_the_fake_knows_no_other_command(programs: Programs) -> None:
    programs.answer("sbatch --test-only", printing())
    with pytest.raises(AssertionError, match="nobody expects"):
        await SLURM.submit(job(), {}, ALICE)
