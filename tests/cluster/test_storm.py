"""Hub and proxy killed again and again, at instants drawn from a seed, while people start and stop sessions."""

from __future__ import annotations

import random
import threading
import time

import pytest
import requests

from tests.support.campus import Campus
from tests.support.person import Person, wait_for

pytestmark = pytest.mark.cluster

PEOPLE = ("trainee1", "trainee2", "instructor1", "startup1")
LONGEST = 2.5  # seconds between an order and the kill: a start takes about as long


def order(person: Person, what: str) -> None:
    """Ask for a session or its end; the answer may never come, because the hub dies meanwhile."""
    try:
        if what == "start":
            person.ask(size="cpu")
        else:
            person.api("DELETE", f"/users/{person.name}/server")
    except requests.RequestException:
        pass


def settled(campus: Campus) -> bool:
    """No server is on its way, and each has exactly one job: its owner's."""
    servers = {}
    for name in PEOPLE:
        person = campus.person(name)
        server = person.server()
        if server and (server["pending"] or not server["ready"]):
            return False
        servers[person.name] = 1 if server else 0
    owners = campus.slurm(
        "squeue", "--noheader", "--format=%u", "--states=PD,R,CF,S", f"--name={campus.job_name}"
    ).stdout.split()
    return all(owners.count(name) == count for name, count in servers.items())


@pytest.mark.parametrize("daemon", ["hub", "proxy"])
def test_no_session_is_lost_doubled_or_orphaned(daemon: str, calm: Campus) -> None:
    draw = random.Random(20261124)
    people = [calm.person(name) for name in PEOPLE]
    survivor = people.pop(0)
    kernel = survivor.start(size="cpu").kernel()
    kernel.run("kept = 'still the same kernel'")
    threads = []
    for _ in range(6):
        for person in draw.sample(people, 2):
            threads.append(threading.Thread(target=order, args=(person, draw.choice(("start", "start", "stop")))))
            threads[-1].start()
        time.sleep(draw.uniform(0, LONGEST))
        calm.kill(daemon)
        calm.wait_until_answering()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    wait_for("servers and jobs to agree", lambda: settled(calm))

    def same() -> bool:
        try:
            return kernel.run("print(kept)").strip() == "still the same kernel"
        except OSError:
            return False  # the proxy is not back yet

    wait_for("the survivor's kernel", same)
