"""A class that presses start at the same time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.campus import Campus
from tests.support.person import Person, wait_for

pytestmark = pytest.mark.cluster

GPUS, WANTED = 16, 30


def test_thirty_starts_on_sixteen_gpus(calm: Campus) -> None:
    people = [calm.person(name) for name in ("trainee1", "trainee2", "instructor1", "startup1")]
    # Thirty sessions of four people: a demo site has no more accounts, and the hub does not tell the difference.
    wanted = [(person, f"s{n}") for n in range(8) for person in people][:WANTED]

    def press_start(one: tuple[Person, str]) -> int:
        person, name = one
        path = f"/users/{person.name}/servers/{name}" if name != "s0" else f"/users/{person.name}/server"
        return person.api("POST", path, json={"user_options": {"size": "gpu1"}}).status_code

    with ThreadPoolExecutor(WANTED) as pool:
        statuses = list(pool.map(press_start, wanted))
    assert set(statuses) <= {201, 202}, statuses

    def ready() -> int:
        return sum(server["ready"] for person in people for server in person.servers().values())

    wait_for("sixteen sessions", lambda: ready() == GPUS, 120)
    assert len(calm.jobs(calm.job_name)) == WANTED
    places = []
    for person in people:
        for name, server in person.servers().items():
            if not server["ready"]:
                told = person.api("GET", f"/users/{person.name}/campus/waiting?server={name}").json()
                places.append(told["place"])
    assert sorted(places) == list(range(1, WANTED - GPUS + 1))
    # Whoever gives a GPU back lets the next one in.
    done = next(n for n, server in people[0].servers().items() if server["ready"])
    people[0].stop(done)
    wait_for("the next one", lambda: ready() == GPUS)
    assert len(calm.jobs(calm.job_name)) == WANTED - 1
