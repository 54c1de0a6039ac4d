"""Each query beside its parser; one field map makes the question and names the answer's columns.

Sources: squeue(1), options ``--format`` and ``--Format``; sinfo(1), option ``--Format``.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from spawners.slurm.errors import Unreadable
from spawners.slurm.facts import Claim, Everybody, Job, Node, Queued, in_order
from spawners.slurm.gres import node_gpus
from spawners.slurm.states import JobState, job_state
from spawners.slurm.text import is_number, tres

# Every field is the cluster's own word. What a person may write (name, comment) is not among them: squeue prints it
# as it is, so that one line break would hide, or forge, everybody's jobs.
SEPARATOR = "\x1f"

JOB_FIELDS = {
    "id": "%A",
    "uid": "%U",
    "state": "%T",
    "reason": "%r",
    "node": "%B",
    "start": "%S",
    "end": "%e",
}

# By the names of squeue's other option, which has more of them (JOB_FIELDS has the same columns of a job).
EVERYBODY_FIELDS = {
    "id": "JobID",
    "uid": "UserID",
    "state": "State",
    "reason": "Reason",
    "node": "BatchHost",
    "start": "StartTime",
    "end": "EndTime",
    "partition": "Partition",
    "priority": "PriorityLong",
}

# Account and quality of service are the cluster's own words only where it holds people to their associations: it asks
# for claims nowhere else.
CLAIM_FIELDS = {
    "account": "Account",
    "qos": "QOS",
    "tres": "tres-alloc",
}

NODE_FIELDS = {
    "name": "NodeList",
    "address": "NodeAddr",
    "state": "StateLong",
    "partition": "PartitionName",
    "gres": "Gres",
    "gres_used": "GresUsed",
    "cpus": "CPUsState",
    "memory": "Memory",
    "memory_used": "AllocMem",
}

_CPUS = re.compile(r"\d+/(?P<idle>\d+)/\d+/\d+")  # allocated/idle/other/total


def columns(fields: dict[str, str]) -> str:
    return SEPARATOR.join(fields.values())


def _rows(fields: dict[str, str], text: str) -> list[dict[str, str]]:
    rows = []
    for line in text.splitlines():
        values = line.split(SEPARATOR)
        if len(values) != len(fields):
            raise Unreadable(line)
        rows.append(dict(zip(fields, values, strict=True)))
    return rows


def jobs_query(job_name: str) -> list[str]:
    """Every job of ours, ended ones too for as long as slurmctld remembers them (MinJobAge)."""
    return ["squeue", "--noheader", "--states=all", f"--name={job_name}", f"--format={columns(JOB_FIELDS)}"]


def parse_jobs(text: str) -> dict[int, Job]:
    """Jobs by id. Raises Unreadable on a line that is not one."""
    found: dict[int, Job] = {}
    for row in _rows(JOB_FIELDS, text):
        _check_numbers(row, "id", "uid")
        found[int(row["id"])] = _job(row)
    return found


def _check_numbers(row: dict[str, str], *names: str) -> None:
    if not all(is_number(row[name]) for name in names):
        raise Unreadable(str(row))


def _job(row: dict[str, str]) -> Job:
    def seconds(value: str) -> int | None:
        return int(value) if is_number(value) else None

    return Job(
        id=int(row["id"]),
        uid=int(row["uid"]),
        state=job_state(row["state"]),
        reason=row["reason"],
        node="" if row["node"] in ("n/a", "(null)") else row["node"],
        start=seconds(row["start"]),
        end=seconds(row["end"]),
    )


def exit_code_query(job_id: int) -> list[str]:
    """The status that wait(2) gave for a job that is over."""
    return ["squeue", "--noheader", "--states=all", f"--jobs={job_id}", "--Format=exit_code"]


def everybody_query(claims: bool) -> list[str]:
    """Everybody's jobs, ended ones too; with ``claims`` what each has or asks for, each task of an array by itself."""
    fields = EVERYBODY_FIELDS | (CLAIM_FIELDS if claims else {})
    tasks = (
        ["--array"] if claims else []
    )  # else a large array would be a line for each task, and one place in the queue
    return ["squeue", "--noheader", "--states=all", "--Format", _ended_columns(fields), *tasks]


def parse_everybody(text: str, claims: bool, ours: Collection[int]) -> Everybody:
    """The answer to :func:`everybody_query`; ``ours`` are our jobs' ids. Raises Unreadable on a line that is no job."""
    jobs: dict[int, Job] = {}
    queue: dict[int, Queued] = {}
    claimed: list[Claim] = []
    amounts: dict[str, dict[str, int]] = {}
    fields = EVERYBODY_FIELDS | (CLAIM_FIELDS if claims else {})
    for row in _rows({**fields, "line": ""}, text):  # each column ends with the separator, the last one too
        _check_numbers(row, "id", "uid", "priority")
        number, state = int(row["id"]), job_state(row["state"])
        if number in ours:
            jobs[number] = _job(row)
        if state is JobState.PENDING:  # an array that waits is one in the queue
            queue[number] = Queued(
                id=number, partition=row["partition"], priority=int(row["priority"]), reason=row["reason"]
            )
        if claims and state.holds:
            if row["tres"] not in amounts:
                amounts[row["tres"]] = tres(row["tres"])
            claimed.append(
                # Unchecked by pydantic, which would take most of the time: what is here was checked above.
                Claim.model_construct(
                    id=number,
                    uid=int(row["uid"]),
                    account=row["account"],
                    qos=row["qos"],
                    partition=row["partition"],
                    runs=state is not JobState.PENDING,
                    tres=amounts[row["tres"]],
                )
            )
    return Everybody(jobs, in_order(queue.values()), tuple(claimed))


def nodes_query() -> list[str]:
    return ["sinfo", "--noheader", "--Node", f"--Format={_ended_columns(NODE_FIELDS)}"]


def _ended_columns(fields: dict[str, str]) -> str:
    """Columns for ``--Format``, each as wide as what is in it, and ended by the separator."""
    return ",".join(f"{name}:{SEPARATOR}" for name in fields.values())


def parse_nodes(text: str) -> dict[str, Node]:
    """Nodes by name; sinfo gives a line for each partition that a node is in. Raises Unreadable."""
    found: dict[str, Node] = {}
    for row in _rows({**NODE_FIELDS, "line": ""}, text):
        cpus = _CPUS.fullmatch(row["cpus"])
        if not (cpus and is_number(row["memory"]) and is_number(row["memory_used"])):
            raise Unreadable(str(row))
        seen = found.get(row["name"])
        found[row["name"]] = Node(
            name=row["name"],
            address=row["address"],
            state=row["state"].rstrip("*~#!%$@+^-"),
            partitions=(seen.partitions if seen else frozenset()) | {row["partition"]},
            cpus_free=int(cpus["idle"]),
            memory_free_mib=max(0, int(row["memory"]) - int(row["memory_used"])),
            **node_gpus(row["gres"], row["gres_used"]),
        )
    return found
