"""Each query beside its parser; one field map makes the question and names the answer's columns.

Sources: squeue(1), option ``--format``; sinfo(1), option ``--Format``.
"""

from __future__ import annotations

import re

from spawners.slurm.errors import Unreadable
from spawners.slurm.facts import Claim, Job, Node, Queued
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

QUEUE_FIELDS = {
    "id": "%A",
    "partition": "%P",
    "priority": "%Q",
    "reason": "%r",
}

# Account and quality of service are the cluster's own words only where it holds people to their associations: it asks
# for claims nowhere else.
CLAIM_FIELDS = {
    "id": "JobID",
    "uid": "UserID",
    "account": "Account",
    "qos": "QOS",
    "partition": "Partition",
    "state": "State",
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

    def seconds(value: str) -> int | None:
        return int(value) if is_number(value) else None

    def job(row: dict[str, str]) -> Job:
        node = "" if row["node"] in ("n/a", "(null)") else row["node"]
        return Job(
            id=int(row["id"]),
            uid=int(row["uid"]),
            state=job_state(row["state"]),
            reason=row["reason"],
            node=node,
            start=seconds(row["start"]),
            end=seconds(row["end"]),
        )

    found: dict[int, Job] = {}
    for row in _rows(JOB_FIELDS, text):
        if not (is_number(row["id"]) and is_number(row["uid"])):
            raise Unreadable(str(row))
        found[int(row["id"])] = job(row)
    return found


def exit_code_query(job_id: int) -> list[str]:
    """The status that wait(2) gave for a job that is over."""
    return ["squeue", "--noheader", "--states=all", f"--jobs={job_id}", "--Format=exit_code"]


def queue_query() -> list[str]:
    """Everybody's jobs that wait: whoever is behind them has a place."""
    return ["squeue", "--noheader", "--states=PENDING", f"--format={columns(QUEUE_FIELDS)}"]


def parse_queue(text: str) -> tuple[Queued, ...]:
    """Waiting jobs, the first to go first. Raises Unreadable on a line that is not one."""
    found = []
    for row in _rows(QUEUE_FIELDS, text):
        if not (is_number(row["id"]) and is_number(row["priority"])):
            raise Unreadable(str(row))
        found.append(
            Queued(
                id=int(row["id"]),
                partition=row["partition"],
                priority=int(row["priority"]),
                reason=row["reason"],
            )
        )
    return tuple(sorted(found, key=lambda job: (-job.priority, job.id)))


def claims_query() -> list[str]:
    """Everybody's jobs that wait or run, each task of an array by itself."""
    return ["squeue", "--noheader", "--array", f"--Format={_ended_columns(CLAIM_FIELDS)}"]


def parse_claims(text: str) -> tuple[Claim, ...]:
    """What waits and runs. Raises Unreadable on a line that is not one."""
    found = []
    amounts: dict[str, dict[str, int]] = {}
    for row in _rows({**CLAIM_FIELDS, "end": ""}, text):
        if not (is_number(row["id"]) and is_number(row["uid"])):
            raise Unreadable(str(row))
        if row["tres"] not in amounts:
            amounts[row["tres"]] = tres(row["tres"])
        found.append(
            # Unchecked by pydantic, which would take most of the time: what is here was checked above.
            Claim.model_construct(
                id=int(row["id"]),
                uid=int(row["uid"]),
                account=row["account"],
                qos=row["qos"],
                partition=row["partition"],
                runs=job_state(row["state"]) is not JobState.PENDING,
                tres=amounts[row["tres"]],
            )
        )
    return tuple(found)


def nodes_query() -> list[str]:
    return ["sinfo", "--noheader", "--Node", f"--Format={_ended_columns(NODE_FIELDS)}"]


def _ended_columns(fields: dict[str, str]) -> str:
    """Columns for ``--Format``, each as wide as what is in it, and ended by the separator."""
    return ",".join(f"{name}:{SEPARATOR}" for name in fields.values())


def parse_nodes(text: str) -> dict[str, Node]:
    """Nodes by name; sinfo gives a line for each partition that a node is in. Raises Unreadable."""
    found: dict[str, Node] = {}
    # Each column ends with the separator, the last one too.
    for row in _rows({**NODE_FIELDS, "end": ""}, text):
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
