from __future__ import annotations

import re
from typing import Any

import pytest

from spawners.slurm import Job, JobState, Node, queries
from spawners.slurm.queries import Unreadable, jobs_query, nodes_query, parse_jobs, parse_nodes

# squeue and sinfo of Slurm 22.05.8, asked with jobs_query and nodes_query.
SQUEUE = (
    "18\x1ftrainee1\x1fCANCELLED\x1fPriority\x1fn/a\x1f1795551608\x1f1795551608\x1ftrainee1/\n"
    "13\x1ftrainee1\x1fFAILED\x1fNonZeroExitCode\x1fgpu-node1\x1f1795551606\x1f1795551606\x1ftrainee1/\n"
    "17\x1ftrainee1\x1fPENDING\x1fResources\x1fn/a\x1f1795551666\x1f1795551726\x1ftrainee1/\n"
    "16\x1ftrainee1\x1fPENDING\x1fPriority\x1fn/a\x1fN/A\x1fN/A\x1ftrainee1/\n"
    "5\x1ftrainee1\x1fRUNNING\x1fNone\x1fgpu-node1\x1f1795551606\x1f1795551666\x1ftrainee1/\n"
    "6\x1ftrainee1\x1fRUNNING\x1fNone\x1fgpu-node1\x1f1795551606\x1f1795551666"
    '\x1ftrainee1/it\'s "quoted"; $(id) `id` #|\\\n'
    "7\x1ftrainee1\x1fRUNNING\x1fNone\x1fgpu-node1\x1f1795551606\x1f1795551666\x1ftrainee1/größe 火\n"
    "11\x1ftrainee1\x1fCOMPLETING\x1fNone\x1fgpu-node1\x1f1795551606\x1f1795551609\x1f\n"
)
SINFO = (
    "gpu-node1\x1f127.0.0.1\x1fmixed\x1fgpu\x1fgpu:4\x1fnone\n"
    "gpu-node2\x1f127.0.0.1\x1fallocated\x1fgpu\x1fgpu:4\x1fnone\n"
)

# What squeue(1) and sinfo(1) print for each letter.
A_JOB = {
    "%A": "7",
    "%u": "alice",
    "%T": "RUNNING",
    "%r": "None",
    "%B": "n1",
    "%S": "100",
    "%e": "200",
    "%k": "alice/",
}
A_NODE = {"%N": "n1", "%o": "10.0.0.1", "%T": "idle", "%R": "gpu", "%G": "gpu:4", "%E": "none"}


def printed(query: list[str], *rows: dict[str, str]) -> str:
    """What Slurm prints for rows of letters, in the format that the query asks for."""
    form = query[-1].removeprefix("--format=")
    return "".join(re.sub("%[A-Za-z]", lambda found: row[found[0]], form) + "\n" for row in rows)  # noqa: B023


def job(**change: Any) -> Job:
    facts = {"id": 7, "user": "alice", "state": JobState.RUNNING, "reason": "None", "node": "n1"}
    return Job(**{**facts, "mark": "alice/", "start": 100, "end": 200, **change})


def node(**change: Any) -> Node:
    facts = {"name": "n1", "address": "10.0.0.1", "state": "idle", "partitions": {"gpu"}, "gpus": 4, "reason": ""}
    return Node(**{**facts, **change})


# ------------------------------------------------------------------------------------------------ the questions


def test_the_questions() -> None:
    assert jobs_query("campus") == [
        *("squeue", "--noheader", "--states=all", "--name=campus"),
        "--format=%A\x1f%u\x1f%T\x1f%r\x1f%B\x1f%S\x1f%e\x1f%k",
    ]
    assert nodes_query() == ["sinfo", "--noheader", "--Node", "--format=%N\x1f%o\x1f%T\x1f%R\x1f%G\x1f%E"]


def test_a_job_name_is_one_argument() -> None:
    assert "--name=a'b\"; $(id) ü" in jobs_query("a'b\"; $(id) ü")


def test_each_column_is_read_as_what_the_manual_calls_it() -> None:
    assert parse_jobs(printed(jobs_query("campus"), A_JOB)) == {7: job()}
    assert parse_nodes(printed(nodes_query(), A_NODE)) == {"n1": node()}


@pytest.mark.parametrize("fields", ["JOB_FIELDS", "NODE_FIELDS"])
def test_one_map_asks_the_question_and_names_the_columns(fields: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # Another order in the map is another order in both.
    monkeypatch.setattr(queries, fields, dict(sorted(getattr(queries, fields).items())))
    test_each_column_is_read_as_what_the_manual_calls_it()


# ------------------------------------------------------------------------------------------------ jobs


def test_jobs_as_recorded() -> None:
    jobs = parse_jobs(SQUEUE)
    assert list(jobs) == [18, 13, 17, 16, 5, 6, 7, 11]
    assert [j.state.value for j in jobs.values()] == [
        *("cancelled", "failed", "pending", "pending", "running", "running", "running", "completing")
    ]
    assert jobs[13] == Job(
        id=13,
        user="trainee1",
        state=JobState.FAILED,
        reason="NonZeroExitCode",
        node="gpu-node1",
        mark="trainee1/",
        start=1795551606,
        end=1795551606,
    )
    assert (jobs[17].node, jobs[17].start, jobs[17].end) == ("", 1795551666, 1795551726)
    assert (jobs[16].node, jobs[16].start, jobs[16].end) == ("", None, None)
    assert jobs[6].mark == 'trainee1/it\'s "quoted"; $(id) `id` #|\\'
    assert jobs[7].mark == "trainee1/größe 火"
    assert jobs[11].mark == ""


@pytest.mark.parametrize(
    ("letters", "change"),
    [
        ({"%B": "(null)"}, {"node": ""}),
        ({"%T": "SOME_NEW_STATE"}, {"state": JobState.UNKNOWN}),
        ({"%S": "(null)", "%e": ""}, {"start": None, "end": None}),
        ({"%r": "ReqNodeNotAvail, UnavailableNodes:n2"}, {"reason": "ReqNodeNotAvail, UnavailableNodes:n2"}),
        ({"%u": 'Jürgen\'; "x"'}, {"user": 'Jürgen\'; "x"'}),
        ({"%k": "(null)"}, {"mark": "(null)"}),
        ({"%k": "a|b\tc  d "}, {"mark": "a|b\tc  d "}),
    ],
)
def test_odd_columns_of_a_job(letters: dict[str, str], change: dict[str, Any]) -> None:
    assert parse_jobs(printed(jobs_query("campus"), {**A_JOB, **letters})) == {7: job(**change)}


@pytest.mark.xfail(raises=Unreadable, reason="one comment with a break or a separator in it hides everybody's jobs")
@pytest.mark.parametrize("odd", ["\n", "\r", "\v", "\f", "\x1c", "\x1d", "\x1e", "\x1f", "\x85", "\u2028", "\u2029"])
def test_a_comment_may_hold_any_character(odd: str) -> None:
    bobs = {**A_JOB, "%A": "8", "%u": "bob", "%k": f"a{odd}b"}
    jobs = parse_jobs(printed(jobs_query("campus"), bobs, A_JOB))
    assert jobs[8].mark == f"a{odd}b"
    assert jobs[7] == job()


@pytest.mark.xfail(raises=AssertionError, reason="a line in a comment is taken for a line of squeue's")
def test_a_comment_says_nothing_about_another_job() -> None:
    forged = printed(jobs_query("campus"), {**A_JOB, "%u": "root", "%T": "COMPLETED"})
    bobs = {**A_JOB, "%A": "8", "%u": "bob", "%k": f"bob/\n{forged}".rstrip("\n")}
    assert parse_jobs(printed(jobs_query("campus"), A_JOB, bobs))[7] == job()


# ------------------------------------------------------------------------------------------------ nodes


def test_nodes_as_recorded() -> None:
    nodes = parse_nodes(SINFO)
    assert list(nodes) == ["gpu-node1", "gpu-node2"]
    assert nodes["gpu-node2"] == Node(
        name="gpu-node2",
        address="127.0.0.1",
        state="allocated",
        partitions=frozenset({"gpu"}),
        gpus=4,
        reason="",
    )


def test_a_node_in_several_partitions_is_one_node_in_all_of_them() -> None:
    rows = [{**A_NODE, "%N": name, "%R": part} for part in ("gpu", "all") for name in ("n1", "n2")]
    nodes = parse_nodes(printed(nodes_query(), *rows, {**A_NODE, "%N": "n3", "%R": "all"}))
    assert {name: sorted(n.partitions) for name, n in nodes.items()} == {
        "n1": ["all", "gpu"],
        "n2": ["all", "gpu"],
        "n3": ["all"],
    }
    assert nodes["n1"].gpus == 4


@pytest.mark.parametrize(
    ("gres", "gpus"),
    [
        ("gpu:4", 4),
        ("gpu:a100:4", 4),
        ("gpu:a100:4(S:0-1)", 4),
        ("gpu:a100:4(S:0,2)", 4),
        ("gpu:16(IDX:0-15)", 16),
        ("gpu:a100:2(S:0),gpu:v100:3(S:1)", 5),
        ("gpu:a100_3g.20gb:2,gpu:a100_1g.5gb:7", 9),
        ("craynetwork:4,gpu:nvidia_h100_80gb_hbm3:8(S:0-1),bandwidth:lustre:no_consume:4G", 8),
        ("mps:gpu:100", 0),
        ("shard:8,nogpu:4", 0),
        ("gpu:0", 0),
        ("(null)", 0),
        ("", 0),
    ],
)
def test_gpus_of_a_node(gres: str, gpus: int) -> None:
    (found,) = parse_nodes(printed(nodes_query(), {**A_NODE, "%G": gres})).values()
    assert found.gpus == gpus


@pytest.mark.parametrize(
    ("printed_state", "state"),
    [
        ("idle", "idle"),
        ("down*", "down"),
        ("idle~", "idle"),
        ("mixed#", "mixed"),
        ("idle!", "idle"),
        ("idle%", "idle"),
        ("drained$", "drained"),
        ("allocated@", "allocated"),
        ("allocated+", "allocated"),
        ("reboot^", "reboot"),
        ("idle-", "idle"),
        ("drained*$", "drained"),
    ],
)
def test_a_state_is_read_without_its_flags(printed_state: str, state: str) -> None:
    (found,) = parse_nodes(printed(nodes_query(), {**A_NODE, "%T": printed_state})).values()
    assert found.state == state


def test_a_reason_is_any_text() -> None:
    (found,) = parse_nodes(printed(nodes_query(), {**A_NODE, "%E": "fan; 'ö' \"x\" | $(id)"})).values()
    assert found.reason == "fan; 'ö' \"x\" | $(id)"


# ------------------------------------------------------------------------------------------------ no answer


def test_an_empty_answer_holds_nothing() -> None:
    assert parse_jobs("") == {}
    assert parse_nodes("") == {}


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param("slurm_load_jobs error: Unable to contact slurm controller (connect failure)\n", id="error"),
        pytest.param(SQUEUE[: SQUEUE.index("1795551608")], id="half a line"),
        pytest.param(SQUEUE + "19\x1ftrainee1", id="half a line at the end"),
        pytest.param(SQUEUE + "\n", id="empty line"),
        pytest.param(
            "JOBID\x1fUSER\x1fSTATE\x1fREASON\x1fEXEC_HOST\x1fSTART_TIME\x1fEND_TIME\x1fCOMMENT\n", id="header"
        ),
        pytest.param(printed(jobs_query("campus"), {**A_JOB, "%A": "-7"}), id="id below zero"),
        pytest.param(printed(jobs_query("campus"), {**A_JOB, "%A": "7_1"}), id="id of an array"),
        pytest.param(printed(jobs_query("campus"), {**A_JOB, "%A": ""}), id="no id"),
        pytest.param(
            printed(jobs_query("campus"), {**A_JOB, "%A": "²"}),
            id="no number, though a digit",
            marks=pytest.mark.xfail(raises=ValueError, reason="str.isdigit admits what int() does not"),
        ),
    ],
)
def test_jobs_that_are_none_are_refused_as_a_whole(answer: str) -> None:
    with pytest.raises(Unreadable) as caught:
        parse_jobs(answer)
    assert caught.value.code == "slurm-unreadable"


@pytest.mark.parametrize("answer", ["slurm_load_partitions: error\n", SINFO + "gpu-node3\x1f127.0.0.1", "\n"])
def test_nodes_that_are_none_are_refused_as_a_whole(answer: str) -> None:
    with pytest.raises(Unreadable):
        parse_nodes(answer)


def test_the_log_gets_the_line_but_never_a_flood() -> None:
    with pytest.raises(Unreadable) as caught:
        parse_jobs("x" * 100_000)
    assert caught.value.detail == "x" * 200
    assert "xx" not in str(caught.value)
