"""What the hub keeps for Home: GPU-hours, also across its own end, and recent work; each is its person's alone."""

from __future__ import annotations

import time

import pytest

from tests.support.campus import Campus
from tests.support.person import Person, wait_for

pytestmark = pytest.mark.cluster

_HOUR = 3600


def own(person: Person) -> dict:
    answer = person.api("GET", f"/users/{person.name}/campus/home")
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_short_session_counts_once_though_the_hub_is_killed(calm: Campus) -> None:
    ada = calm.person("trainee1")
    before = own(ada)["gpu_hours"]["total"]
    began = time.time()
    ada.start(size="gpu1")
    started = own(ada)["sessions"][0]["start"]
    assert began - 2 <= started <= time.time()
    calm.kill("hub")
    wait_for("the hub to know the session again", lambda: is_ready(ada))
    time.sleep(3)
    running = (own(ada)["gpu_hours"]["total"] - before) * _HOUR
    assert abs(running - (time.time() - started)) < 5, "the running session is not counted, or twice"
    ada.stop()
    ended = time.time()
    counted = (own(ada)["gpu_hours"]["total"] - before) * _HOUR
    assert abs(counted - (ended - started)) < 8
    time.sleep(2)
    assert (own(ada)["gpu_hours"]["total"] - before) * _HOUR == pytest.approx(counted)
    calm.kill("hub")
    wait_for("the hub", lambda: answers(ada))
    after = own(ada)["gpu_hours"]
    assert (after["total"] - before) * _HOUR == pytest.approx(counted)
    assert after["month"] >= (counted / _HOUR) * 0.99


def test_it_is_shown_to_nobody_else_not_even_an_operator(calm: Campus) -> None:
    ada, bob, operator = (calm.person(name) for name in ("trainee1", "trainee2", "operator1"))
    for who in (bob, operator):
        assert who.api("GET", f"/users/{ada.name}/campus/home").status_code in (403, 404)
        assert who.api("DELETE", f"/users/{ada.name}/campus/recent").status_code in (403, 404)
        report = {"notebooks": [{"path": "a.ipynb", "ago": 0.0}]}
        told = who.api("POST", f"/users/{ada.name}/servers//campus/recent", json=report)
        assert told.status_code in (403, 404)
    assert own(ada)["recent"] == []


def is_ready(person: Person) -> bool:
    return answers(person) and bool((person.server() or {}).get("ready"))


def answers(person: Person) -> bool:
    return person.api("GET", "/user").status_code == 200
