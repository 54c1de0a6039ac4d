"""Why a job waits, as a sentence for the person.

Source: squeue(1), JOB REASON CODES; the limits' names follow sacctmgr(1).
"""

from __future__ import annotations

import re

_SENTENCES = {
    "None": "Slurm is looking at it.",
    "Resources": "It is next, and waits until enough is free.",
    "Priority": "Sessions and jobs before it go first.",
    "BeginTime": "It is to begin later.",
    "Dependency": "It waits for another job of yours.",
    "JobHeldUser": "You have put it on hold.",
    "JobHeldAdmin": "An operator has put it on hold.",
    "Licenses": "It waits for a licence.",
    "NodeDown": "A node that it needs is down.",
    "ReqNodeNotAvail": "The nodes that it needs are down, or reserved for somebody else.",
    "Reservation": "It waits for its reservation to begin.",
    "ReservationDeleted": "Its reservation has been deleted; cancel it and start again.",
    "PartitionDown": "This part of the cluster is closed at the moment.",
    "PartitionInactive": "This part of the cluster is closed at the moment.",
    "PartitionNodeLimit": "It asks for more nodes than this part of the cluster gives; cancel it and ask for less.",
    "PartitionConfig": "This part of the cluster can not give what it asks for; cancel it and ask for less.",
    "PartitionTimeLimit": "It asks for more time than this part of the cluster gives; cancel it and ask for less.",
    "BadConstraints": "No node has what it asks for; cancel it and choose another size.",
    "InvalidAccount": "Your account may not use this cluster; cancel it and ask an operator.",
    "InvalidQOS": "Your account may not use this quality of service; cancel it and ask an operator.",
    "Cleaning": "The one before it is being cleaned up.",
    "Prolog": "Its node is being prepared.",
    "FrontEndDown": "A node that it needs is down.",
}

# AssocGrpGRES, QOSMaxJobsPerUserLimit, MaxMemPerLimit, ...: who is limited, and in what.
_LIMIT = re.compile(r"(?:Assoc|QOS)(?:Grp|Max)?(?P<what>\w*?)(?:PerUser|PerAccount|PA|PU)?(?:Limit)?|Max\w+PerAccount")
_WHAT = (
    ("GRES", "GPUs"),
    ("Cpu", "processors"),
    ("CPU", "processors"),
    ("Mem", "memory"),
    ("Node", "nodes"),
    ("Job", "sessions and jobs at once"),
    ("Submit", "sessions and jobs in the queue"),
    ("Wall", "time"),
    ("RunMinutes", "computing time"),
    ("Minutes", "computing time"),
    ("Billing", "computing budget"),
)


# How the resource of a limit is called, or begins, where amounts are counted (spawners.allowed.limits).
_COUNTED = (("GRES", "gres/"), ("Cpu", "cpu"), ("CPU", "cpu"), ("Mem", "mem"), ("Node", "node"), ("Job", "jobs"))


def limited_resource(reason: str) -> str:
    """How the name of the resource begins whose limit a job waits for; empty where it waits for something else."""
    name = _name(reason)
    if not _LIMIT.fullmatch(name) or any(word in name for word in ("Submit", "Minutes", "PerJob")):
        return ""
    return next((resource for word, resource in _COUNTED if word in name), "")


def _name(reason: str) -> str:
    # "ReqNodeNotAvail, UnavailableNodes:n1": what follows is for operators.
    return re.split(r"[,( ]", reason, maxsplit=1)[0]


def reason_sentence(reason: str, limit: str = "") -> str:
    """The sentence behind a reason; one that is not in squeue(1) is passed on by its name.

    ``limit`` is the limit that it waits for, with its numbers, where they are known.
    """
    name = _name(reason)
    if name in _SENTENCES:
        return _SENTENCES[name]
    match = _LIMIT.fullmatch(name)
    if match and limit:
        return f"{limit}; it starts when something of that ends."
    if match:
        whose = "You have" if name.endswith(("PerUserLimit", "PerUser", "PU")) else "Your project has"
        what = next((words for word, words in _WHAT if word in (match["what"] or name)), "what it may use")
        return f"{whose} reached the limit of {what}; it starts when something of that ends."
    return f"Slurm says: {name[:60]}."
