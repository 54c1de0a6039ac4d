from __future__ import annotations

import re
from typing import Any

import pytest

from spawners.slurm import Everybody, Job, JobState, Node, Queued
from spawners.slurm.cli import queries
from spawners.slurm.cli.queries import (
    SEPARATOR,
    Unreadable,
    everybody_query,
    jobs_query,
    nodes_query,
    parse_everybody,
    parse_jobs,
    parse_nodes,
)
from spawners.slurm.facts import Claim

# Slurm 22.05.8, asked with these queries; each job's comment was "trainee1/two\nlines\x1f".
SQUEUE = (
    "69\x1f1001\x1fCANCELLED\x1fPriority\x1fn/a\x1f1795556024\x1f1795556024\n"
    "62\x1f1001\x1fFAILED\x1fNonZeroExitCode\x1fgpu-node1\x1f1795556022\x1f1795556023\n"
    "63\x1f1001\x1fCOMPLETING\x1fJobLaunchFailure\x1fgpu-node1\x1f1795556022\x1f1795556022\n"
    "67\x1f1001\x1fPENDING\x1fResources\x1fn/a\x1f1795556082\x1f1795556142\n"
    "68\x1f1001\x1fPENDING\x1fPriority\x1fn/a\x1fN/A\x1fN/A\n"
    "61\x1f1001\x1fRUNNING\x1fNone\x1fgpu-node1\x1f1795556022\x1f1795556082\n"
)
# The same cluster, asked for everybody's jobs: 47 is an array, of which one task runs as job 51.
EVERYBODY = (
    "46\x1f1001\x1fFAILED\x1fBadConstraints\x1fn/a\x1f1796034295\x1f1796034295\x1fgpu\x1f4294901714\x1ftraining\x1fnormal\x1fcpu=1,mem=99999999M,node=1,billing=1\x1f\n"
    "44\x1f1002\x1fCOMPLETING\x1fNone\x1fgpu-node1\x1f1796034030\x1f1796034031\x1fgpu\x1f4294901716\x1ftraining\x1fnormal\x1fcpu=1,mem=2G,node=1,billing=1\x1f\n"
    "47\x1f1001\x1fPENDING\x1fAssocGrpGRES\x1fn/a\x1fN/A\x1fN/A\x1fgpu\x1f4294901713\x1ftraining\x1fnormal\x1fcpu=1,mem=1500M,node=1,billing=1\x1f\n"
    "47\x1f1001\x1fPENDING\x1fAssocGrpGRES\x1fn/a\x1fN/A\x1fN/A\x1fgpu\x1f4294901713\x1ftraining\x1fnormal\x1fcpu=1,mem=1500M,node=1,billing=1\x1f\n"
    "49\x1f1001\x1fPENDING\x1fBeginTime\x1fn/a\x1f1796037895\x1fNONE\x1fgpu\x1f4294901715\x1ftraining\x1fnormal\x1fcpu=1,mem=24105M,node=1,billing=1\x1f\n"
    "51\x1f1001\x1fRUNNING\x1fNone\x1fgpu-node2\x1f1796034296\x1fNONE\x1fgpu\x1f4294901713\x1ftraining\x1fnormal\x1fcpu=32,mem=8000M,node=1,billing=32,gres/gpu=4\x1f\n"
)
SINFO = (
    "gpu-node1\x1f127.0.0.1\x1fmixed\x1fgpu\x1fgpu:4\x1fgpu:1\x1f3/29/0/32\x1f24105\x1f4146\x1f\n"
    "gpu-node2\x1f127.0.0.1\x1fidle\x1fgpu\x1fgpu:4\x1fgpu:0\x1f0/32/0/32\x1f24105\x1f0\x1f\n"
)

# What squeue(1) prints for a letter, and sinfo(1) for a name.
A_JOB = {"%A": "7", "%U": "1001", "%T": "RUNNING", "%r": "None", "%B": "n1", "%S": "100", "%e": "200"}
A_TASK = {
    "JobID": "7",
    "UserID": "1001",
    "State": "PENDING",
    "Reason": "Priority",
    "BatchHost": "n/a",
    "StartTime": "100",
    "EndTime": "200",
    "Partition": "gpu",
    "PriorityLong": "100",
    "Account": "training",
    "QOS": "normal",
    "tres-alloc": "cpu=2,mem=1G",
}
A_NODE = {
    "NodeList": "n1",
    "NodeAddr": "10.0.0.1",
    "StateLong": "idle",
    "PartitionName": "gpu",
    "Gres": "gpu:4",
    "GresUsed": "gpu:1",
    "CPUsState": "3/29/0/32",
    "Memory": "24105",
    "AllocMem": "4146",
}


def squeue(query: list[str], *rows: dict[str, str]) -> str:
    """What squeue prints for rows of letters, in the format that the query asks for."""
    form = query[-1].removeprefix("--format=")
    return "".join(re.sub("%[A-Za-z]", lambda found, row=row: row[found[0]], form) + "\n" for row in rows)


def jobs(**change: str) -> str:
    return squeue(jobs_query("campus"), {**A_JOB, **{f"%{letter}": text for letter, text in change.items()}})


def named(query: list[str], *rows: dict[str, str]) -> str:
    """What is printed for rows of names: each column with the text after the colon behind it."""
    form = next(word for word in query if SEPARATOR in word)
    columns = [part.split(":") for part in form.removeprefix("--Format=").split(",")]
    return "".join("".join(row[name] + end for name, end in columns) + "\n" for row in rows)


def sinfo(*rows: dict[str, str]) -> str:
    return named(nodes_query(), *rows)


def everybody(*changes: dict[str, str], claims: bool = True, ours: frozenset[int] = frozenset({7})) -> Everybody:
    rows = [{**A_TASK, **change} for change in changes]
    return parse_everybody(named(everybody_query(claims), *rows), claims, ours)


def job(**change: Any) -> Job:
    facts = {"id": 7, "uid": 1001, "state": JobState.RUNNING, "reason": "None", "node": "n1"}
    return Job(**{**facts, "start": 100, "end": 200, **change})


def queued(**change: Any) -> Queued:
    return Queued(**{"id": 7, "partition": "gpu", "priority": 100, "reason": "Priority", **change})


def node(**change: Any) -> Node:
    facts = {"name": "n1", "address": "10.0.0.1", "state": "idle", "partitions": {"gpu"}}
    room = {"gpus": {"": 4}, "gpus_used": {"": 1}, "cpus_free": 29, "memory_free_mib": 19959}
    return Node(**{**facts, **room, **change})


def the_node(**change: str) -> Node:
    (found,) = parse_nodes(sinfo({**A_NODE, **change})).values()
    return found


# ------------------------------------------------------------------------------------------------ the questions


def test_the_questions() -> None:
    assert jobs_query("campus") == [
        *("squeue", "--noheader", "--states=all", "--name=campus"),
        "--format=%A\x1f%U\x1f%T\x1f%r\x1f%B\x1f%S\x1f%e",
    ]
    columns = (
        "JobID:\x1f,UserID:\x1f,State:\x1f,Reason:\x1f,BatchHost:\x1f,StartTime:\x1f,EndTime:\x1f,Partition:\x1f,"
        "PriorityLong:\x1f"
    )
    asked = ["squeue", "--noheader", "--states=all"]
    assert everybody_query(claims=False) == [*asked, "--Format", columns]
    claims = "Account:\x1f,QOS:\x1f,tres-alloc:\x1f"
    assert everybody_query(claims=True) == [*asked, "--Format", f"{columns},{claims}", "--array"]
    assert nodes_query() == [
        *("sinfo", "--noheader", "--Node"),
        "--Format=NodeList:\x1f,NodeAddr:\x1f,StateLong:\x1f,PartitionName:\x1f,Gres:\x1f,GresUsed:\x1f,"
        "CPUsState:\x1f,Memory:\x1f,AllocMem:\x1f",
    ]


def test_a_job_name_is_one_argument() -> None:
    assert "--name=a'b\"; $(id) ü" in jobs_query("a'b\"; $(id) ü")


# squeue(1): name, comment, command, working directory, features, wckey, dependency, account, reservation, licenses.
@pytest.mark.parametrize("letter", ["%j", "%k", "%o", "%Z", "%f", "%w", "%E", "%a", "%v", "%W"])
def test_nothing_is_asked_for_that_a_person_writes(letter: str) -> None:
    # It is printed as it is: one line break in it would hide, or forge, everybody's jobs.
    assert letter not in queries.JOB_FIELDS.values()


# Account and quality of service are a person's words where nobody is held to an association.
@pytest.mark.parametrize(("claims", "own"), [(False, {"Account", "QOS"}), (True, set())])
def test_nor_of_everybodys_jobs(claims: bool, own: set[str]) -> None:
    form = next(word for word in everybody_query(claims) if SEPARATOR in word)
    asked = {part.partition(":")[0] for part in form.split(",")}
    assert not asked & {"Name", "Comment", "Command", "WorkDir", "Feature", "WCKey", "Reservation", "Licenses", *own}


def test_each_column_is_read_as_what_the_manual_calls_it() -> None:
    assert parse_jobs(jobs()) == {7: job()}
    claim = Claim(
        id=7, uid=1001, account="training", qos="normal", partition="gpu", runs=False, tres={"cpu": 2, "mem": 1024}
    )
    ours = job(state=JobState.PENDING, reason="Priority", node="")
    assert everybody({}) == Everybody({7: ours}, (queued(),), (claim,))
    assert parse_nodes(sinfo(A_NODE)) == {"n1": node()}


@pytest.mark.parametrize("fields", ["JOB_FIELDS", "EVERYBODY_FIELDS", "CLAIM_FIELDS", "NODE_FIELDS"])
def test_one_map_asks_the_question_and_names_the_columns(fields: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # Another order in the map is another order in both.
    monkeypatch.setattr(queries, fields, dict(sorted(getattr(queries, fields).items())))
    test_each_column_is_read_as_what_the_manual_calls_it()


# ------------------------------------------------------------------------------------------------ jobs


def test_jobs_as_recorded() -> None:
    found = parse_jobs(SQUEUE)
    assert list(found) == [69, 62, 63, 67, 68, 61]
    assert [j.state.value for j in found.values()] == [
        *("cancelled", "failed", "completing", "pending", "pending", "running")
    ]
    assert found[62] == Job(
        id=62,
        uid=1001,
        state=JobState.FAILED,
        reason="NonZeroExitCode",
        node="gpu-node1",
        start=1795556022,
        end=1795556023,
    )
    assert (found[67].node, found[67].start, found[67].end) == ("", 1795556082, 1795556142)
    assert (found[68].node, found[68].start, found[68].end) == ("", None, None)


@pytest.mark.parametrize(
    ("letters", "change"),
    [
        ({"B": "(null)"}, {"node": ""}),
        ({"T": "SOME_NEW_STATE"}, {"state": JobState.UNKNOWN}),
        ({"S": "(null)", "e": ""}, {"start": None, "end": None}),
        ({"S": "²", "e": "2026-11-24T20:00:00"}, {"start": None, "end": None}),
        ({"r": "ReqNodeNotAvail, UnavailableNodes:n2"}, {"reason": "ReqNodeNotAvail, UnavailableNodes:n2"}),
        ({"U": "0"}, {"uid": 0}),
        ({"U": "4294967294"}, {"uid": 4294967294}),
    ],
)
def test_odd_columns_of_a_job(letters: dict[str, str], change: dict[str, Any]) -> None:
    assert parse_jobs(jobs(**letters)) == {7: job(**change)}


# ------------------------------------------------------------------------------------------------ everybody's jobs


def test_everybodys_jobs_as_recorded() -> None:
    found = parse_everybody(EVERYBODY, True, {46, 51, 9})
    assert found.jobs == {
        46: job(id=46, state=JobState.FAILED, reason="BadConstraints", node="", start=1796034295, end=1796034295),
        51: job(id=51, node="gpu-node2", start=1796034296, end=None),
    }
    assert found.queue == (
        queued(id=49, priority=4294901715, reason="BeginTime"),
        queued(id=47, priority=4294901713, reason="AssocGrpGRES"),
    )
    # What is being taken down still has what it had; what is over has nothing; each task of an array counts.
    assert [(claim.id, claim.runs) for claim in found.claims] == [
        *((44, True), (47, False), (47, False), (49, False), (51, True))
    ]
    assert found.claims[1].tres == {"cpu": 1, "mem": 1500, "node": 1, "billing": 1}
    assert found.claims[4].tres["gres/gpu"] == 4


def test_of_equal_priority_the_older_job_goes_first() -> None:
    rows = [
        {"JobID": id, "PriorityLong": priority} for id, priority in (("9", "5"), ("10", "5"), ("8", "4"), ("7", "5"))
    ]
    assert [q.id for q in everybody(*rows).queue] == [7, 9, 10, 8]


def test_a_waiting_job_may_name_several_partitions() -> None:
    (found,) = everybody({"Partition": "gpu,cpu"}).queue
    assert found.partition == "gpu,cpu"


def test_nothing_is_claimed_where_it_was_not_asked_for() -> None:
    found = everybody({}, {"JobID": "8"}, claims=False)
    assert (list(found.jobs), [q.id for q in found.queue], found.claims) == ([7], [7, 8], ())


# ------------------------------------------------------------------------------------------------ nodes


def test_nodes_as_recorded() -> None:
    nodes = parse_nodes(SINFO)
    assert list(nodes) == ["gpu-node1", "gpu-node2"]
    assert nodes["gpu-node1"] == Node(
        name="gpu-node1",
        address="127.0.0.1",
        state="mixed",
        partitions=frozenset({"gpu"}),
        gpus={"": 4},
        gpus_used={"": 1},
        cpus_free=29,
        memory_free_mib=19959,
    )
    assert (nodes["gpu-node2"].gpus_used, nodes["gpu-node2"].cpus_free) == ({"": 0}, 32)


def test_a_node_in_several_partitions_is_one_node_in_all_of_them() -> None:
    rows = [{**A_NODE, "NodeList": name, "PartitionName": part} for part in ("gpu", "all") for name in ("n1", "n2")]
    nodes = parse_nodes(sinfo(*rows, {**A_NODE, "NodeList": "n3", "PartitionName": "all"}))
    assert {name: sorted(n.partitions) for name, n in nodes.items()} == {
        "n1": ["all", "gpu"],
        "n2": ["all", "gpu"],
        "n3": ["all"],
    }
    assert (nodes["n1"].gpus, nodes["n1"].cpus_free) == ({"": 4}, 29)


GRES = [
    ("gpu:4", {"": 4}),
    ("gpu:a100:4", {"a100": 4}),
    ("gpu:a100:4(S:0-1)", {"a100": 4}),
    ("gpu:a100:4(S:0,2)", {"a100": 4}),
    ("gpu:16(IDX:0-15)", {"": 16}),
    ("gpu:(null):1(IDX:0)", {"": 1}),
    ("gpu:(null):3(IDX:0,2-3)", {"": 3}),
    ("gpu:a100:0(IDX:N/A)", {"a100": 0}),
    ("gpu:a100:2(S:0),gpu:v100:3(S:1)", {"a100": 2, "v100": 3}),
    ("gpu:a100:2(S:0),gpu:a100:2(S:1),gpu:1", {"a100": 4, "": 1}),
    ("gpu:a100_3g.20gb:2,gpu:a100_1g.5gb:7", {"a100_3g.20gb": 2, "a100_1g.5gb": 7}),
    ("craynetwork:4,gpu:nvidia_h100_80gb_hbm3:8(S:0-1),bandwidth:lustre:no_consume:4G", {"nvidia_h100_80gb_hbm3": 8}),
    ("mps:gpu:100", {}),
    ("hbm:8,nogpu:4", {}),
    ("gpu:0", {"": 0}),
    ("(null)", {}),
    ("", {}),
]


@pytest.mark.parametrize(("gres", "gpus"), GRES)
def test_gpus_of_a_node(gres: str, gpus: dict[str, int]) -> None:
    assert the_node(Gres=gres).gpus == gpus
    assert the_node(GresUsed=gres).gpus_used == gpus


@pytest.mark.parametrize(("gpu_type", "free"), [(None, 5), ("a100", 3), ("h100", 2), ("", 0), ("v100", 0)])
def test_free_gpus_of_a_type_or_of_any(gpu_type: str | None, free: int) -> None:
    found = the_node(Gres="gpu:a100:4,gpu:h100:2", GresUsed="gpu:a100:1(IDX:0),gpu:h100:0(IDX:N/A)")
    assert found.gpus_free(gpu_type) == free


@pytest.mark.parametrize(
    ("columns", "change"),
    [
        ({"CPUsState": "32/0/0/32"}, {"cpus_free": 0}),
        ({"CPUsState": "0/0/32/32"}, {"cpus_free": 0}),
        ({"CPUsState": "128/64/0/192"}, {"cpus_free": 64}),
        ({"AllocMem": "24105"}, {"memory_free_mib": 0}),
        ({"AllocMem": "30000"}, {"memory_free_mib": 0}),
        ({"NodeAddr": "n1.ib.example.org"}, {"address": "n1.ib.example.org"}),
    ],
)
def test_odd_columns_of_a_node(columns: dict[str, str], change: dict[str, Any]) -> None:
    assert the_node(**columns) == node(**change)


@pytest.mark.parametrize(
    ("printed", "state", "takes_jobs"),
    [
        ("idle", "idle", True),
        ("mixed", "mixed", True),
        ("allocated", "allocated", False),
        ("allocated+", "allocated", False),
        ("down*", "down", False),
        ("drained", "drained", False),
        ("drained*$", "drained", False),
        ("draining@", "draining", False),
        ("idle~", "idle", True),
        ("mixed#", "mixed", True),
        ("idle!", "idle", True),
        ("idle%", "idle", True),
        ("reboot^", "reboot", False),
        ("idle-", "idle", True),
    ],
)
def test_a_state_is_read_without_its_flags(printed: str, state: str, takes_jobs: bool) -> None:
    found = the_node(StateLong=printed)
    assert (found.state, found.takes_jobs) == (state, takes_jobs)


# ------------------------------------------------------------------------------------------------ no answer


def test_an_empty_answer_holds_nothing() -> None:
    assert (parse_jobs(""), parse_nodes("")) == ({}, {})
    assert parse_everybody("", True, {7}) == Everybody({}, (), ())


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param("slurm_load_jobs error: Unable to contact slurm controller (connect failure)\n", id="error"),
        pytest.param(SQUEUE[: SQUEUE.index("1795556024")], id="half a line"),
        pytest.param(SQUEUE + "19\x1f1001", id="half a line at the end"),
        pytest.param(SQUEUE.replace("RUNNING", "RUNNING\x1f"), id="one column too many"),
        pytest.param(SQUEUE + "\n", id="empty line"),
        pytest.param("JOBID\x1fUSER\x1fSTATE\x1fREASON\x1fEXEC_HOST\x1fSTART_TIME\x1fEND_TIME\n", id="header"),
        pytest.param(jobs(A="-7"), id="id below zero"),
        pytest.param(jobs(A="7_1"), id="id of an array"),
        pytest.param(jobs(A=""), id="no id"),
        pytest.param(jobs(A="²"), id="no number, though a digit"),
        pytest.param(jobs(U="alice"), id="uid that is a name"),
        pytest.param(jobs(U="-1"), id="uid below zero"),
        pytest.param(jobs(U=""), id="no uid"),
        pytest.param(jobs(U="²"), id="uid that is no number, though a digit"),
        pytest.param(SQUEUE + jobs(U="nobody"), id="one uid of many"),
    ],
)
def test_jobs_that_are_none_are_refused_as_a_whole(answer: str) -> None:
    with pytest.raises(Unreadable) as caught:
        parse_jobs(answer)
    assert caught.value.code == "slurm-unreadable"


@pytest.mark.parametrize(
    "change",
    [
        *({"JobID": "x"}, {"JobID": "²"}, {"PriorityLong": ""}, {"PriorityLong": "0.5"}, {"PriorityLong": "²"}),
        *({"UserID": "ada"}, {"UserID": ""}, {"Reason": "a\x1fb"}, {"QOS": "a\nb"}),
    ],
)
def test_everybodys_jobs_that_are_none_are_refused_as_a_whole(change: dict[str, str]) -> None:
    with pytest.raises(Unreadable):
        everybody({}, change)


@pytest.mark.parametrize(
    "answer",
    [
        "slurm_load_partitions: error\n",
        SINFO + "gpu-node3\x1f127.0.0.1",
        SINFO + "\n",
        sinfo({**A_NODE, "Memory": "24105M"}),
        sinfo({**A_NODE, "AllocMem": "N/A"}),
        sinfo({**A_NODE, "AllocMem": "²"}),
        sinfo({**A_NODE, "CPUsState": "3/29/0"}),
        sinfo({**A_NODE, "CPUsState": "3K/29/0/32"}),
    ],
)
def test_nodes_that_are_none_are_refused_as_a_whole(answer: str) -> None:
    with pytest.raises(Unreadable):
        parse_nodes(answer)


def test_the_log_gets_the_line_but_never_a_flood() -> None:
    with pytest.raises(Unreadable) as caught:
        parse_jobs("x" * 100_000)
    assert caught.value.detail == "x" * 200
    assert "xx" not in str(caught.value)
