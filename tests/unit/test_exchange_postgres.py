"""Tests of the exchange, once more with PostgreSQL behind it, where the machine has one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import postgres
from tests.support.exchange import Exchange, running
from tests.support.postgres import Server
from tests.unit.test_exchange_cycle import test_a_course_from_its_release_to_feedback  # noqa: F401
from tests.unit.test_exchange_kept import (  # noqa: F401
    test_dates_attempts_and_extensions_are_enforced_and_told_beforehand,
    test_killed_at_any_moment_no_receipt_is_void_and_nothing_is_half_there,
    test_two_at_once_are_one_with_a_key_and_two_with_two,
)
from tests.unit.test_exchange_room import (  # noqa: F401
    test_many_at_once_with_the_same_content_lose_no_receipt,
    test_what_a_killed_process_kept_for_nobody_is_gone_at_the_next_start,
    test_what_is_refused_leaves_no_bytes,
)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    found = postgres.programs()
    if not found:
        pytest.skip("PostgreSQL's server is not installed here")
    with postgres.running(found) as running_server:
        yield running_server


@pytest.fixture
def exchange(
    request: pytest.FixtureRequest, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Exchange]:
    monkeypatch.setattr("tests.unit.test_exchange_kept.KILLS", 4)
    # As the modules that the tests are from have it.
    is_of_room = request.function.__module__.endswith("room")
    room = {"CAMPUS_EXCHANGE_PERSON_BYTES": "500000"} if is_of_room else {}
    with running(tmp_path / "state", CAMPUS_EXCHANGE_DATABASE=server.new_database(), **room) as found:
        if not request.function.__module__.endswith("cycle"):
            found.put("grader-dl", "/courses/dl", {"title": "x", "enrolment": "open"})
            found.release("dl", "ps1", **({"attempts": 3} if is_of_room else {}))
        yield found


def test_a_database_that_is_away_is_said_and_waited_for(exchange: Exchange, server: Server) -> None:
    receipt = exchange.submitted("ada", "dl", "ps1")
    assert not list(exchange.folder.glob("*.sqlite*"))
    before = sorted(exchange.folder.glob("objects/*/*"))
    server.stop()
    assert exchange.submit("ada", "dl", "ps1", {"p1.ipynb": b"again"}).json()["code"] == "database-silent"
    assert exchange.ask("ada", "POST", "/receipts/verify", json=receipt).status_code == 503
    server.start()
    assert exchange.ask("ada", "POST", "/receipts/verify", json=receipt).json()["kept"]
    assert sorted(exchange.folder.glob("objects/*/*")) == before
    exchange.submitted("ada", "dl", "ps1", {"p1.ipynb": b"again"})
