"""Slurm's commands through sudo: the same questions and orders, as whom, and with nothing on a command line."""

from __future__ import annotations

import json
from typing import Any

import pytest

from campus_base.process import ProgramFailed, Secret
from spawners.slurm import ControllerSilent, Refused
from spawners.slurm.cli import CliTransport
from spawners.slurm.cli.queries import everybody_query, jobs_query, nodes_query
from spawners.slurm.cli.transport import submit_command
from spawners.slurm.logs import end_of
from spawners.slurm.sudo import SudoTransport
from spawners.slurm.sudo.transport import NotPermitted
from spawners.slurm.sudo.wrapper import REFUSED
from tests.unit.test_commands import ALICE, JOB, NODE, SILENCE, Call, Programs, failing, job, printing
from tests.unit.test_metrics import Moved

WRAPPER = "/opt/campus/libexec/campus-slurm"
SLURM = SudoTransport("/etc/slurm/slurm.conf", 5, WRAPPER, "slurm")
PERSON = ("sudo", "--non-interactive", "--user=#1001", "--", WRAPPER)
OPERATOR = ("sudo", "--non-interactive", "--user=slurm", "--", WRAPPER)


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> Programs:
    return Programs(monkeypatch)


def answer(programs: Programs, whom: tuple[str, ...], command: str, says: Any) -> None:
    programs.answer(" ".join((*whom, command)), says)


def asked(call: Call) -> tuple[list[str], dict[str, str], str]:
    request = json.loads(call.stdin)
    assert request.keys() == {"arguments", "environment", "input"}
    return request["arguments"], request["environment"], request["input"]


async def test_a_job_is_tested_submitted_and_cancelled_as_the_person(programs: Programs) -> None:
    answer(programs, PERSON, "sbatch", printing("4711\n", "sbatch: Job 19 to start at 1795551645 using 1 processors\n"))
    answer(programs, PERSON, "scancel", printing())
    assert await SLURM.test(job(), ALICE) == 1795551645
    assert await SLURM.submit(job(), {"HOME": "/home/alice", "PATH": "/env/bin"}, ALICE) == 4711
    await SLURM.cancel(4711, ALICE)
    test, submit, cancel = programs.calls
    assert [call.argv for call in programs.calls] == [(*PERSON, "sbatch"), (*PERSON, "sbatch"), (*PERSON, "scancel")]
    assert asked(test) == (["--test-only", *submit_command(job())[3:]], {}, job().script)
    assert asked(submit) == (submit_command(job())[1:], {"HOME": "/home/alice", "PATH": "/env/bin"}, job().script)
    assert asked(cancel) == (["4711"], {}, "")
    # sudo itself becomes them: the hub may not.
    assert not any({"user", "group", "extra_groups"} & call.options.keys() for call in programs.calls)


async def test_secrets_are_in_what_it_reads_only(programs: Programs) -> None:
    answer(programs, PERSON, "sbatch", printing("1\n"))
    await SLURM.submit(job(), {"JUPYTERHUB_API_TOKEN": Secret("hunter2")}, ALICE)
    (call,) = programs.calls
    assert asked(call)[1] == {"JUPYTERHUB_API_TOKEN": "hunter2"}
    assert "hunter2" not in f"{call.argv} {call.options}"


async def test_everybodys_jobs_are_looked_at_as_the_operator_and_nodes_as_the_hub(programs: Programs) -> None:
    answer(programs, OPERATOR, "squeue", printing(JOB))
    programs.answer("sinfo", printing(NODE))
    assert (await SLURM.jobs("campus"))[7].uid == 1001
    assert (await SLURM.nodes())["n1"].gpus == {"": 4}
    look, nodes = programs.calls
    assert asked(look)[0] == jobs_query("campus")[1:]
    assert nodes.argv == tuple(nodes_query())
    answer(programs, OPERATOR, "squeue", printing())
    for claims in (False, True):
        assert (await SLURM.everybody((), claims)).queue == ()
        assert asked(programs.calls[-1])[0] == everybody_query(claims)[1:]


async def test_time_is_given_and_strays_are_cancelled_as_the_operator(programs: Programs) -> None:
    answer(programs, OPERATOR, "scontrol", printing())
    answer(programs, OPERATOR, "scancel", printing())
    await SLURM.set_time_limit(7, 90)
    await SLURM.cancel(7, None)
    assert [asked(call)[0] for call in programs.calls] == [["update", "JobId=7", "TimeLimit=90"], ["7"]]


async def test_a_log_is_read_as_its_owner(programs: Programs) -> None:
    answer(programs, PERSON, "tail", printing("the end"))
    assert await SLURM.log_end("/home/alice/.campus/logs/session-7.log", ALICE) == "the end"
    assert asked(programs.calls[0])[0] == end_of("/home/alice/.campus/logs/session-7.log")[1:]


@pytest.mark.parametrize(
    "says",
    [
        failing("sudo: a password is required\n"),
        failing("sudo: unknown user #1001\nsudo: error initializing audit plugin sudoers_audit\n"),
        failing("campus-slurm: sbatch may not have the argument '--wrap=id'\n", REFUSED),
    ],
)
async def test_what_sudo_or_the_wrapper_refuses_is_no_answer_of_slurms(says: Any, programs: Programs) -> None:
    answer(programs, PERSON, "sbatch", says)
    for order in (SLURM.test(job(), ALICE), SLURM.submit(job(), {}, ALICE)):
        with pytest.raises(NotPermitted) as refused:
            await order
        assert refused.value.detail == says.stderr.strip()
        assert "alice" not in str(refused.value)
        assert "sudo" not in str(refused.value)


async def test_what_slurm_refuses_is_said_in_its_words(programs: Programs) -> None:
    answer(programs, PERSON, "sbatch", failing("sbatch: error: Batch job submission failed: Invalid account\n"))
    with pytest.raises(Refused, match="Invalid account"):
        await SLURM.submit(job(), {}, ALICE)
    answer(
        programs, PERSON, "scancel", failing("scancel: error: Kill job error on job id 7: Invalid job id specified\n")
    )
    await SLURM.cancel(7, ALICE)


@pytest.mark.parametrize("silence", SILENCE)
async def test_a_silent_slurm_is_silent_here_as_well(silence: Any, programs: Programs) -> None:
    answer(programs, PERSON, "sbatch", silence)
    with pytest.raises(ControllerSilent):
        await SudoTransport("", 0.02, WRAPPER, "slurm").submit(job(), {}, ALICE)


async def test_commands_are_counted_by_slurms_names(programs: Programs) -> None:
    answer(programs, PERSON, "sbatch", printing("1\n"))
    answer(programs, OPERATOR, "squeue", printing())
    test, squeue, other = (Moved("campus_slurm_requests_total", command=c) for c in ("sbatch-test", "squeue", "other"))
    await SLURM.test(job(), ALICE)
    await SLURM.jobs("campus")
    assert (test(), squeue(), other()) == (1, 1, 0)


async def test_a_command_that_the_hub_may_not_kill_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async def start(*_: Any, **__: Any) -> Any:
        return Foreign()

    class Foreign:
        returncode = None

        async def communicate(self, stdin: bytes) -> tuple[bytes, bytes]:
            raise TimeoutError

        def kill(self) -> None:
            raise PermissionError(1, "Operation not permitted")

        async def wait(self) -> None:
            pass

    monkeypatch.setattr("campus_base.process.asyncio.create_subprocess_exec", start)
    with pytest.raises(ProgramFailed, match="no answer within 5 seconds"):
        await SLURM.jobs("campus")


def test_two_ways_are_told_apart() -> None:
    """The hub's one watch is found by its transport."""
    settings = ("/etc/slurm/slurm.conf", 5)
    ways = [
        SudoTransport(*settings, WRAPPER, "slurm"),
        SudoTransport(*settings, WRAPPER, "ops"),
        CliTransport(*settings),
    ]
    assert len({SLURM, *ways}) == 3
