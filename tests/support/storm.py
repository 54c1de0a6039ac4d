"""Orders given while daemons are killed, and what must hold afterwards."""

from __future__ import annotations

from collections.abc import Sequence

import requests

from tests.support.campus import Campus
from tests.support.person import Person

LONGEST = 2.5  # seconds between an order and the kill: a start takes about as long


def order(person: Person, what: str, size: str) -> None:
    """Ask for a session or its end; the answer may never come, because the hub dies meanwhile."""
    try:
        if what == "start":
            person.ask(size=size)
        else:
            person.api("DELETE", f"/users/{person.name}/server")
    except requests.RequestException:
        pass


def settled(campus: Campus, people: Sequence[Person]) -> bool:
    """No server is on its way, and each has exactly one job: its owner's."""
    servers = {}
    for person in people:
        server = person.server()
        if server and (server["pending"] or not server["ready"]):
            return False
        servers[person.name] = 1 if server else 0
    owners = campus.slurm(
        "squeue", "--noheader", "--format=%u", "--states=PD,R,CF,S", f"--name={campus.job_name}"
    ).stdout.split()
    return all(owners.count(name) == count for name, count in servers.items())
