"""Sessions of graders are started where something waits; the exchange is the real one, the hub a stand-in."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from extensions.exchange.client import Client
from hub_config.courses.on_submit import OnSubmit, options
from hub_config.site import Size
from tests.support.exchange import Exchange, running
from tests.unit.test_roles import site_of


class Hub:
    """Knows who has a session; ``full`` refuses to start one."""

    def __init__(self) -> None:
        self.sessions: set[str] = set()
        self.started: list[tuple[str, Any]] = []
        self.full = False

    def __call__(self, method: str, path: str, body: dict[str, Any] | None) -> requests.Response:
        _, name, *_ = path.split("/")
        answer = requests.Response()
        answer.status_code = 200
        if method == "POST":
            self.started.append((name, body))
            answer.status_code = 500 if self.full else 202
            self.sessions |= set() if self.full else {name}
        answer._content = json.dumps({"servers": {"": {}} if name in self.sessions else {}}).encode()
        return answer


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[Exchange]:
    with running(tmp_path / "state") as found:
        for course in ("dl", "ml"):
            found.put(f"grader-{course}", f"/courses/{course}", {"title": "x", "enrolment": "open"})
            found.release(course, "at-once", title="x", grade_on_submit=True)
            found.release(course, "later", title="x")
        yield found


def service(exchange: Exchange, hub: Hub) -> OnSubmit:
    client = Client(exchange.url, "publisher", ())
    return OnSubmit(lambda: client.get("/pending", dict), hub, {"size": "cpu"})


def test_a_session_is_started_where_something_waits_and_nowhere_else(exchange: Exchange) -> None:
    hub = Hub()
    looking = service(exchange, hub)
    exchange.submitted("ada", "ml", "later")
    looking.look(0)
    assert hub.started == []
    exchange.submitted("ada", "dl", "at-once")
    looking.look(10)
    looking.look(20)
    assert hub.started == [("grader-dl", {"size": "cpu"})]
    hub.sessions.clear()
    looking.look(30)
    assert len(hub.started) == 1, "what the session has left is not tried without end"
    exchange.submitted("eve", "dl", "at-once")
    looking.look(40)
    assert len(hub.started) == 2
    hub.sessions.clear()
    looking.look(3 * 3600)
    assert len(hub.started) == 3


def test_what_was_graded_is_forgotten(exchange: Exchange) -> None:
    hub = Hub()
    looking = service(exchange, hub)
    for _ in range(2):
        one = exchange.submitted("ada", "dl", "at-once")
        looking.look(0)
        exchange.put("grader-dl", f"/submissions/{one['id']}/grade", {"score": 1, "max_score": 1})
        hub.sessions.clear()
        looking.look(10)
    assert len(hub.started) == 2


def test_a_running_session_is_left_alone(exchange: Exchange) -> None:
    hub = Hub()
    hub.sessions.add("grader-dl")
    exchange.submitted("ada", "dl", "at-once")
    service(exchange, hub).look(0)
    assert hub.started == []


def test_a_refusal_is_tried_again_a_minute_later(exchange: Exchange) -> None:
    hub = Hub()
    hub.full = True
    exchange.submitted("ada", "dl", "at-once")
    looking = service(exchange, hub)
    for now in (0, 10, 70):
        looking.look(now)
    assert len(hub.started) == 2


def test_its_size_has_no_gpu_and_memory_for_a_submission() -> None:
    gpu = Size(name="gpu", title="GPU", partition="p", gpus=1, memory="8G")
    small = Size(name="cpu", title="CPU", partition="p", memory="2G", max_memory="16G")
    assert options(site_of().model_copy(update={"sizes": (gpu, small)})) == {"size": "cpu", "memory": "4096M"}
    assert options(site_of().model_copy(update={"sizes": (gpu,)})) == {"size": "gpu"}


def test_it_waits_without_all_of_jupyterhub_in_its_memory() -> None:
    told = "import sys, hub_config.courses.on_submit; print(sys.modules.keys() & {'jupyterhub', 'sqlalchemy'})"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
