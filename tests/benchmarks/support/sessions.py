"""Light sessions of many people, at Campus or at the peer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import psutil

from tests.benchmarks.support.stock import Stock
from tests.support.campus import Campus
from tests.support.person import Person, wait_for

AT_ONCE = 8  # requests under way


@dataclass(frozen=True)
class Hub:
    """One of the two hubs: who may sign in, and how a light session of theirs is asked for."""

    name: str
    process: psutil.Process
    person: Callable[[str], Person]
    options: dict[str, str]


def campus_hub(campus: Campus) -> Hub:
    return Hub("Campus", psutil.Process(campus.pid("hub")), campus.person, {"size": "light"})


def peer_hub(stock: Stock) -> Hub:
    return Hub("stock", stock.hub, lambda name: stock.person(stock.campus.name(name)), {})


def sign_in(hub: Hub, names: Sequence[str]) -> list[Person]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(hub.person, names))


def start(hub: Hub, people: Sequence[Person]) -> None:
    """Start a session of each, and wait until all are ready."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for answer in pool.map(lambda person: person.ask(**hub.options), people):
            assert answer.status_code in (201, 202), answer.text

    def ready(person: Person) -> bool:
        server = person.server()
        assert server, f"{person.name}'s session did not start"
        return server["ready"]

    for person in people:
        wait_for(f"{person.name}'s session", lambda person=person: ready(person), 300)  # type: ignore[misc]


def stop(people: Sequence[Person]) -> None:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(Person.stop, people))
