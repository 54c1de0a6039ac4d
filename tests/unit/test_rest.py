"""The transport rest, against answers that real slurmrestds gave (Slurm 22.05.8 and 24.11.5)."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from campus_base.process import Identity, Secret
from spawners.slurm import ControllerSilent, JobRequest, JobState, Refused
from spawners.slurm.rest import KeyFile, RestTransport, SlurmrestdClient, TokenFile
from spawners.slurm.rest.client import VERSIONS
from tests.support.restd import Asked, Restd

OLD, NEW = "v0.0.38", "v0.0.42"
ADA = Identity(1016, 1016, (), "ada")
JOB = JobRequest(
    name="campus-1a2b3c4d",
    mark="ada/",
    partition="gpu",
    gpus=1,
    gpu_type=None,
    cpus=2,
    memory_mib=1024,
    seconds=1800,
    account="proj",
    folder="/home/ada",
    script="#!/bin/sh\nexec true\n",
)
ENVIRONMENT = {"PATH": "/bin", "TOKEN": Secret('hush, "a"=b\nc')}
JOBS, NODES, SUBMIT = "GET /slurm/*/jobs", "GET /slurm/*/nodes", "POST /slurm/*/job/submit"


@pytest.fixture
async def old(tmp_path: Path) -> AsyncIterator[Restd]:
    async with Restd(OLD, tmp_path).serving() as restd:
        yield restd


@pytest.fixture(params=[OLD, NEW])
async def restd(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Restd]:
    async with Restd(request.param, tmp_path).serving() as restd:
        yield restd


def transport(restd: Restd, timeout: float = 20) -> RestTransport:
    key = restd.socket.with_name("jwt.key")
    key.write_bytes(b"k" * 32)
    client = SlurmrestdClient(f"unix:{restd.socket}", KeyFile(key, "slurm"), "slurm", timeout)
    return RestTransport(client, {OLD: "s22", NEW: "trixie"}[restd.version], frozenset({"associations", "limits"}))


# ---------------------------------------------------------------- versions


async def test_the_newest_version_that_both_know_is_asked_for_once(restd: Restd) -> None:
    restd.answer(JOBS, "jobs")
    slurm = transport(restd)
    await slurm.jobs("x")
    await slurm.jobs("x")
    assert await slurm.rest.version() == restd.version
    assert restd.paths() == ["GET /openapi/v3", JOBS, JOBS]


async def test_versions_that_campus_does_not_know_are_named(old: Restd) -> None:
    old.answer("GET /openapi/v3", {"paths": {"/slurm/v0.0.36/jobs": {}, "/slurm/v0.0.99/jobs": {}, "/openapi": {}}})
    with pytest.raises(ControllerSilent) as caught:
        await transport(old).jobs("x")
    assert "offers the versions v0.0.36, v0.0.99" in caught.value.detail
    assert all(version in caught.value.detail for version in VERSIONS)


async def test_one_that_was_upgraded_is_asked_for_its_version_anew(tmp_path: Path) -> None:
    async with Restd(OLD, tmp_path).serving() as restd:
        restd.answer(JOBS, "jobs")
        slurm = transport(restd)
        assert await slurm.jobs("campus-1a2b3c4d")
    async with Restd(NEW, tmp_path).serving() as restd:
        restd.answer("GET /slurm/v0.0.38/jobs", "unknown-path")
        restd.answer(JOBS, "jobs")
        with pytest.raises(ControllerSilent):
            await slurm.jobs("campus-1a2b3c4d")
        assert await slurm.jobs("campus-1a2b3c4d")


# ---------------------------------------------------------------- facts


async def test_jobs(restd: Restd) -> None:
    restd.answer(JOBS, "jobs")
    found = await transport(restd).jobs("campus-1a2b3c4d")
    raw = {job["job_id"]: job for job in restd.recorded["jobs"]["body"]["jobs"]}
    states = {OLD: {8: "running", 9: "failed", 12: "pending"}, NEW: {1: "running", 2: "failed", 7: "pending"}}
    for number, state in states[restd.version].items():
        job = found[number]
        assert (job.id, job.uid, job.state) == (number, raw[number]["user_id"], state)
    running = found[8 if restd.version == OLD else 1]
    assert (running.node, running.reason) == ("n1", "None")
    assert (running.end or 0) - (running.start or 0) == 1800
    assert {job.id for job in found.values()} == {n for n, j in raw.items() if j["name"] == "campus-1a2b3c4d"}
    assert await transport(restd).jobs("another") == {}


async def test_a_job_that_waits_has_no_node_and_a_start_only_where_slurm_expects_one(restd: Restd) -> None:
    restd.answer(JOBS, "jobs")
    found = await transport(restd).jobs("campus-1a2b3c4d")
    waiting = [job for job in found.values() if job.state is JobState.PENDING]
    assert {job.node for job in waiting} == {""}
    assert [job.start for job in waiting] == (
        [None] * 3 if restd.version == OLD else [1795567160, 1795568641, 1795570500]
    )


async def test_the_queue_has_the_first_to_go_first(restd: Restd) -> None:
    restd.answer(JOBS, "jobs")
    queue = (await transport(restd).everybody((), claims=False)).queue
    assert [(job.id, job.partition) for job in queue] == [
        (number, "gpu") for number in ((12, 15, 16) if restd.version == OLD else (7, 8, 9))
    ]
    assert queue[1].reason == {OLD: "AssocGrpGRES", NEW: "Priority"}[restd.version]


async def test_nodes(restd: Restd) -> None:
    restd.answer(NODES, "nodes")
    nodes = await transport(restd).nodes()
    gpu = {OLD: "", NEW: "a100"}[restd.version]
    one, two = nodes["n1"], nodes["n2"]
    assert (one.address, one.state, one.takes_jobs) == ("127.0.0.1", "mixed", True)
    assert one.partitions == {"gpu", "priv", "resv"}
    assert (one.gpus, one.gpus_used, one.cpus_free, one.memory_free_mib) == ({gpu: 2}, {gpu: 2}, 4, 8000 - 2048)
    assert two.state == {OLD: "draining", NEW: "drained"}[restd.version]
    assert not two.takes_jobs


@pytest.mark.parametrize(
    ("state", "word"),
    [
        (["IDLE"], "idle"),
        (["IDLE", "COMPLETING"], "completing"),
        (["IDLE", "PLANNED"], "planned"),
        (["IDLE", "NOT_RESPONDING"], "idle"),
        (["IDLE", "RESERVED"], "reserved"),
        (["ALLOCATED", "COMPLETING"], "allocated"),
        (["MIXED", "DRAIN"], "draining"),
        (["IDLE", "DRAIN", "COMPLETING"], "draining"),
        (["DOWN", "DRAIN"], "drained"),
        (["IDLE", "FAIL"], "fail"),
        (["DOWN", "NOT_RESPONDING"], "down"),
    ],
    ids=str,
)
async def test_states_of_a_node_are_those_of_sinfo(state: list[str], word: str, old: Restd) -> None:
    (node, *_) = old.recorded["nodes"]["body"]["nodes"]
    for shape in ({"state": state}, {"state": state[0].lower(), "state_flags": state[1:]}):
        old.answer(NODES, {"nodes": [{**node, **shape}], "errors": []})
        assert (await transport(old).nodes())["n1"].state == word


@pytest.mark.parametrize(
    ("state", "meant"),
    [
        (["RUNNING", "COMPLETING"], JobState.COMPLETING),
        (["PENDING", "REQUEUED"], JobState.PENDING),
        (["RUNNING", "CONFIGURING"], JobState.CONFIGURING),
        (["CANCELLED"], JobState.CANCELLED),
        ("OUT_OF_MEMORY", JobState.OUT_OF_MEMORY),
        (["INVENTED"], JobState.UNKNOWN),
    ],
    ids=str,
)
async def test_a_flag_says_more_than_the_state_of_a_job(state: Any, meant: JobState, old: Restd) -> None:
    (job, *_) = old.recorded["jobs"]["body"]["jobs"]
    old.answer(JOBS, {"jobs": [{**job, "job_state": state, "name": "ours"}], "errors": []})
    assert [found.state for found in (await transport(old).jobs("ours")).values()] == [meant]


@pytest.mark.parametrize(("name", "code"), [("job-failed", 3), ("job-killed", {OLD: -15, NEW: 143})])
async def test_how_a_job_ended(name: str, code: Any, restd: Restd) -> None:
    restd.answer("GET /slurm/*/job/7", name)
    assert await transport(restd).exit_code(7) == (code if isinstance(code, int) else code[restd.version])


async def test_a_signal_that_ended_a_job(old: Restd) -> None:
    code = {
        "status": ["SIGNALED"],
        "return_code": {"set": False},
        "signal": {"id": {"set": True, "infinite": False, "number": 9}},
    }
    (job,) = old.recorded["job-failed"]["body"]["jobs"]
    old.answer("GET /slurm/*/job/7", {"jobs": [{**job, "exit_code": code}], "errors": []})
    assert await transport(old).exit_code(7) == -9
    old.answer("GET /slurm/*/job/7", {"jobs": [{**job, "exit_code": 2**32 - 2}], "errors": []})
    assert await transport(old).exit_code(7) is None


async def test_slurmctlds_clock(restd: Restd) -> None:
    restd.answer("GET /slurm/*/diag", "diag")
    assert 1795560000 < await transport(restd).clock() < 1795570000


async def test_what_people_use_counts_each_task_that_waits(restd: Restd) -> None:
    (job, *_) = restd.recorded["jobs"]["body"]["jobs"]
    waits = {**job, "job_state": "PENDING", "tres_alloc_str": "", "tres_req_str": "cpu=2,mem=1.50G,gres/gpu=1"}
    jobs = [{**job, "job_id": 1, "job_state": "RUNNING"}, {**job, "job_id": 2, "job_state": "COMPLETED"}]
    jobs += [{**waits, "job_id": 3}, {**waits, "job_id": 4, "array_task_string": "1,4-9,20-30:5%2"}]
    restd.answer(JOBS, {"jobs": jobs, "errors": []})
    found = await transport(restd).everybody({1, 2}, claims=True)
    assert list(found.jobs) == [1, 2]
    claims = found.claims
    assert [claim.id for claim in claims] == [1, 3] + [4] * 10
    assert [claim.runs for claim in claims[:2]] == [True, False]
    assert claims[1].tres == {"cpu": 2, "mem": 1536, "gres/gpu": 1}
    assert (await transport(restd).everybody((), claims=False)).claims == ()


# ---------------------------------------------------------------- orders


async def test_submitting_a_job_the_old_way(old: Restd) -> None:
    old.answer(SUBMIT, "submitted")
    old.answer("GET /slurm/*/job/8", {"jobs": [{"user_id": 1016, "exit_code": 0}], "errors": []})
    assert await transport(old).submit(JOB, ENVIRONMENT, ADA) == 8
    asked = old.asked[1]
    assert (asked.method, asked.path, asked.person) == ("POST", "/slurm/*/job/submit", "ada")
    assert asked.body == {
        "script": JOB.script,
        "job": {
            **SAID_BY_BOTH,
            "nodes": [1, 1],
            "memory_per_node": 1024,
            "time_limit": 30,
            "no_requeue": True,
            "gres": "gpu:1",
            "environment": {"PATH": "/bin", "TOKEN": 'hush, "a"=b\nc'},
        },
    }


async def test_submitting_a_job_the_new_way(tmp_path: Path) -> None:
    async with Restd(NEW, tmp_path).serving() as restd:
        restd.answer(SUBMIT, "submitted")
        restd.answer("GET /slurm/*/job/1", {"jobs": [{"user_id": 1016, "exit_code": 0}], "errors": []})
        job = JOB.model_copy(update={"gpu_type": "a100", "qos": "high", "reservation": "class", "account": None})
        assert await transport(restd).submit(job, ENVIRONMENT, ADA) == 1
        said = {key: value for key, value in SAID_BY_BOTH.items() if key != "account"}
        assert restd.asked[1].body == {
            "job": {
                **said,
                "qos": "high",
                "reservation": "class",
                "nodes": "1",
                "memory_per_node": {"set": True, "infinite": False, "number": 1024},
                "time_limit": {"set": True, "infinite": False, "number": 30},
                "requeue": False,
                "tres_per_node": "gres/gpu:a100:1",
                "environment": ["PATH=/bin", 'TOKEN=hush, "a"=b\nc'],
                "script": JOB.script,
            },
        }


SAID_BY_BOTH = {
    "name": "campus-1a2b3c4d",
    "comment": "ada/",
    "partition": "gpu",
    "account": "proj",
    "tasks": 1,
    "cpus_per_task": 2,
    "current_working_directory": "/home/ada",
    "standard_input": "/dev/null",
    "standard_output": "/dev/null",
    "standard_error": "/dev/null",
}


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("refused", "Requested node configuration is not available"),
        ("refused-partition", "Invalid partition name specified"),
        ("refused-account", "Invalid account or account/partition combination specified"),
    ],
)
async def test_a_refusal_is_slurms_own_sentence(name: str, says: str, restd: Restd) -> None:
    restd.answer(SUBMIT, name)
    with pytest.raises(Refused) as caught:
        await transport(restd).submit(JOB, ENVIRONMENT, ADA)
    assert caught.value.message == f"Slurm does not accept this session: {says}."
    assert len(restd.asked) == 2, "what was not submitted is not looked at"


async def test_a_job_that_slurm_took_with_a_word_of_warning_waits(old: Restd) -> None:
    old.answer(SUBMIT, "waits")
    old.answer("GET /slurm/*/job/12", {"jobs": [{"user_id": 1016, "exit_code": 0}], "errors": []})
    assert await transport(old).submit(JOB, ENVIRONMENT, ADA) == 12


async def test_a_job_that_became_somebody_elses_is_cancelled_at_once(old: Restd) -> None:
    """slurmctld makes nobody of a name that it does not know, and the job's environment holds the person's token."""
    old.answer(SUBMIT, "submitted")
    old.answer("GET /slurm/*/job/8", {"jobs": [{"user_id": 99, "exit_code": 0}], "errors": []})
    old.answer("DELETE /slurm/*/job/8", "cancelled")
    with pytest.raises(Refused, match="does not know the account ada by the number 1016"):
        await transport(old).submit(JOB, ENVIRONMENT, ADA)
    assert (old.asked[-1].method, old.asked[-1].person) == ("DELETE", "slurm")


async def test_a_job_whose_owner_is_not_told_is_not_lost(old: Restd) -> None:
    old.answer(SUBMIT, "submitted")
    old.answer("GET /slurm/*/job/8", "expired-jobs")
    assert await transport(old).submit(JOB, ENVIRONMENT, ADA) == 8


async def test_a_test_before_is_no_question_of_this_transport(old: Restd) -> None:
    assert await transport(old).test(JOB, ADA) is None
    assert old.asked == []


@pytest.mark.parametrize(
    ("identity", "person"), [(ADA, "ada"), (None, "slurm")], ids=["as the person", "as the hub, for one that is gone"]
)
@pytest.mark.parametrize("name", ["cancelled", "cancel-unknown", "cancel-again"])
async def test_cancelling_a_job(name: str, identity: Identity | None, person: str, restd: Restd) -> None:
    restd.answer("DELETE /slurm/*/job/7", name)
    await transport(restd).cancel(7, identity)
    assert (restd.asked[-1].method, restd.asked[-1].person) == ("DELETE", person)


async def test_a_cancel_that_is_denied_is_said(old: Restd) -> None:
    old.answer("DELETE /slurm/*/job/7", "cancel-denied")
    with pytest.raises(Refused, match="Access/permission denied"):
        await transport(old).cancel(7, ADA)


async def test_more_time_is_given_by_the_hub(restd: Restd) -> None:
    restd.answer("POST /slurm/*/job/7", "updated")
    await transport(restd).set_time_limit(7, 44)
    limit = {OLD: 44, NEW: {"set": True, "infinite": False, "number": 44}}[restd.version]
    assert (restd.asked[-1].person, restd.asked[-1].body) == ("slurm", {"time_limit": limit})
    restd.answer("POST /slurm/*/job/7", "update-unknown")
    with pytest.raises(Refused, match="Invalid job id specified"):
        await transport(restd).set_time_limit(7, 44)


# ---------------------------------------------------------------- silence

Ask = Callable[[RestTransport], Awaitable[Any]]
CALLS: dict[str, tuple[str, Ask]] = {
    "jobs": (JOBS, lambda slurm: slurm.jobs("x")),
    "nodes": (NODES, lambda slurm: slurm.nodes()),
    "everybody": (JOBS, lambda slurm: slurm.everybody((), True)),
    "rules": ("GET /slurm/*/partitions", lambda slurm: slurm.rules()),
    "exit code": ("GET /slurm/*/job/7", lambda slurm: slurm.exit_code(7)),
    "submit": (SUBMIT, lambda slurm: slurm.submit(JOB, ENVIRONMENT, ADA)),
    "cancel": ("DELETE /slurm/*/job/7", lambda slurm: slurm.cancel(7, ADA)),
    "more time": ("POST /slurm/*/job/7", lambda slurm: slurm.set_time_limit(7, 44)),
    "clock": ("GET /slurm/*/diag", lambda slurm: slurm.clock()),
}
NONSENSE: dict[str, tuple[int, bytes]] = {
    "a proxy's page": (502, b"<html><h1>Bad gateway</h1></html>"),
    "a page": (200, b"<html>welcome</html>"),
    "half an answer": (200, b'{"errors": [], "jobs": [{"job_id": 1, "na'),
    "nothing": (200, b""),
    "a list": (200, b"[]"),
    "null": (200, b"null"),
    "an empty answer": (500, b'{"errors": []}'),
    "an empty cluster, with an error": (500, b'{"errors": [], "jobs": [], "nodes": [], "partitions": []}'),
    "errors of no kind": (500, b'{"errors": ["no"], "jobs": []}'),
    "a redirect": (302, b""),
    "too deep": (200, b"[" * 100_000),
    "no UTF-8": (200, b"\xff\xfe\x00"),
    "too long a number": (200, b'{"errors": [], "job_id": ' + b"9" * 10_000 + b"}"),
}


@pytest.mark.parametrize("nonsense", NONSENSE.values(), ids=NONSENSE)
@pytest.mark.parametrize(("path", "ask"), CALLS.values(), ids=CALLS)
async def test_nonsense_is_silence(path: str, ask: Ask, nonsense: tuple[int, bytes], old: Restd) -> None:
    for other in ("partitions", "reservations"):
        old.answer(f"GET /slurm/*/{other}", other)
    old.answers[path] = nonsense
    with pytest.raises(ControllerSilent) as caught:
        await ask(transport(old))
    assert len(caught.value.detail) < 500


@pytest.mark.parametrize(
    "change",
    [
        {"job_id": "1"},
        {"user_id": None},
        {"user_id": True},
        {"user_id": 1.5},
        {"job_state": []},
        {"job_state": None},
        {"start_time": "now"},
        {"name": ["x"]},
        {"state_reason": {}},
    ],
    ids=str,
)
async def test_a_job_of_the_wrong_kind_is_no_job(change: dict[str, Any], old: Restd) -> None:
    (job, *_) = old.recorded["jobs"]["body"]["jobs"]
    old.answer(JOBS, {"jobs": [{**job, **change}], "errors": []})
    with pytest.raises(ControllerSilent):
        await transport(old).jobs("x")


@pytest.mark.parametrize("name", ["expired-jobs", "refused-token"])
async def test_a_token_that_slurmctld_does_not_take_is_silence(name: str, restd: Restd) -> None:
    restd.answer(JOBS, name)
    with pytest.raises(ControllerSilent):
        await transport(restd).jobs("x")
    restd.answer(SUBMIT, "expired-submit")
    with pytest.raises(ControllerSilent):
        await transport(restd).submit(JOB, ENVIRONMENT, ADA)


async def test_a_token_that_has_ended_is_said_in_the_log(old: Restd, tmp_path: Path) -> None:
    ended = KeyFile(tmp_path / "key", "slurm")
    ended.path.write_bytes(b"k" * 32)
    file = tmp_path / "token"
    now = time.time
    try:
        time.time = lambda: now() - 1000  # type: ignore[assignment]
        file.write_text(ended.token().reveal())
    finally:
        time.time = now
    old.answer(JOBS, "expired-jobs")
    slurm = RestTransport(SlurmrestdClient(f"unix:{old.socket}", TokenFile(file), "slurm", 20))
    with pytest.raises(ControllerSilent) as caught:
        await slurm.jobs("x")
    assert f"the token in {file} ended 88" in caught.value.detail
    assert file.read_text() not in caught.value.detail


async def test_one_that_does_not_answer_in_time(old: Restd) -> None:
    old.hangs = True
    with pytest.raises(ControllerSilent) as caught:
        await transport(old, timeout=0.05).jobs("x")
    assert "no answer within 0.05 seconds" in caught.value.detail


async def test_one_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ControllerSilent):
        await transport(Restd(OLD, tmp_path), timeout=1).jobs("x")


async def test_one_that_is_restarting_is_waited_for(tmp_path: Path) -> None:
    restd = Restd(OLD, tmp_path)
    restd.answer(JOBS, "jobs")
    asking = asyncio.create_task(transport(restd).jobs("x"))
    assert await asyncio.wait({asking}, timeout=0.3) == (set(), {asking})
    async with restd.serving():
        await asking
    assert restd.paths() == ["GET /openapi/v3", JOBS]


async def test_one_that_hangs_up(tmp_path: Path) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{")
        writer.close()

    restd = Restd(OLD, tmp_path)
    async with await asyncio.start_unix_server(hang_up, restd.socket):
        with pytest.raises(ControllerSilent):
            await transport(restd).jobs("x")


# ---------------------------------------------------------------- what people write, and secrets


async def test_what_a_person_writes_hides_and_forges_nothing(old: Restd) -> None:
    """As a real slurmrestd sends it: quoted for JSON, and else as it was written, which need not be UTF-8."""
    jobs = old.recorded["jobs"]["body"]["jobs"][:2]
    hostile = [{**job, "name": "HOSTILE", "comment": "HOSTILE"} for job in jobs]
    text = json.dumps({"jobs": [*hostile, {**jobs[0], "name": "ours"}], "errors": []}).encode()
    evil = b'x\xff\xfe\\u001f\\u001b[31m\\n\\"},{\\"job_id\\":5,\xed\xa0\x80\\ud800 \\\\u0000'
    old.answer(JOBS, text.replace(b"HOSTILE", evil))
    assert list(await transport(old).jobs("ours")) == [jobs[0]["job_id"]]


async def test_the_environment_is_not_drawn(old: Restd) -> None:
    drawn = "\n".join(transport(old).drawing(JOB, ENVIRONMENT, "ada"))
    assert '"TOKEN": "..."' in drawn
    assert JOB.script in drawn
    assert "hush" not in drawn


@pytest.mark.parametrize("status", [200, 401, 500])
async def test_a_token_is_in_no_error(status: int, old: Restd) -> None:
    """Some servers send a page that shows the request."""
    old.answer(JOBS, b"<pre>X-SLURM-USER-TOKEN: THE TOKEN</pre>", status)
    with pytest.raises(ControllerSilent) as caught:
        await transport(old).jobs("x")
    error = caught.value
    assert old.asked[-1].token
    assert old.asked[-1].token not in f"{error} {error!r} {error.detail} {error.__cause__} {error.__context__}"
    assert "****" in error.detail


def own(asked: Asked) -> bool:
    return asked.token.count(".") == 2


async def test_each_request_has_a_token_of_its_own(old: Restd) -> None:
    old.answer(JOBS, "jobs")
    await transport(old).jobs("x")
    assert all(own(asked) for asked in old.asked)
    assert {asked.person for asked in old.asked} == {"slurm"}
