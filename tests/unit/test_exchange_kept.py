"""Every receipt stands for bytes that are there: killed at any moment, with two at once, with a wrong clock."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from extensions.exchange.service.clock import Clock, text
from tests.support.exchange import Exchange, key, running, untar
from tests.support.person import wait_for

KILLS = 15


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[Exchange]:
    with running(tmp_path / "state") as found:
        found.put("grader-dl", "/courses/dl", {"title": "x", "enrolment": "open"})
        found.release("dl", "ps1")
        yield found


def stands(exchange: Exchange, receipt: dict[str, Any], files: dict[str, bytes]) -> None:
    """Ours, with all its bytes, and in the list."""
    verdict = exchange.ask("ada", "POST", "/receipts/verify", json=receipt).json()
    assert (verdict["valid"], verdict["kept"]) == (True, True)
    assert untar(exchange.ask(receipt["user"], "GET", f"/submissions/{receipt['id']}/files").content) == files


def test_killed_at_any_moment_no_receipt_is_void_and_nothing_is_half_there(exchange: Exchange) -> None:
    chance = random.Random(4711)
    given: list[tuple[dict[str, Any], dict[str, bytes]]] = []
    for number in range(KILLS):
        files = {f"f{n}": chance.randbytes(chance.randrange(60_000)) for n in range(chance.randrange(1, 9))}
        name = key()
        timer = threading.Timer(chance.random() * 0.06, exchange.process.kill)
        timer.start()
        try:
            answer = exchange.submit("ada", "dl", "ps1", files, key=name)
            if answer.ok:
                given.append((answer.json(), files))
        except requests.ConnectionError:
            pass
        timer.join()
        exchange.process.wait(20)
        exchange.log.close()
        exchange.web.close()
        exchange.start()
        # Whoever got no answer sends again, and it is taken once.
        again = exchange.submit("ada", "dl", "ps1", files, key=name)
        assert again.ok, again.text
        given = [one for one in given if one[0] != again.json()] + [(again.json(), files)]
        assert len(exchange.get("ada", "/courses/dl/assignments/ps1/submissions")) == number + 1
    for receipt, files in given:
        stands(exchange, receipt, files)
    assert len(given) == KILLS
    wait_for("the uploads to be gone", lambda: not list(exchange.folder.glob("staging/*")))
    assert exchange.get("grader-dl", "/courses/dl/audit")["intact"]
    received = [receipt["received"] for receipt, _ in given]
    assert received == sorted(set(received))


def test_two_at_once_are_one_with_a_key_and_two_with_two(exchange: Exchange) -> None:
    exchange.put("grader-dl", "/courses/dl/assignments/ps1", {"title": "x", "attempts": 3})
    one, files = key(), {"p1.ipynb": os.urandom(200_000)}
    with ThreadPoolExecutor(4) as pool:
        same = [pool.submit(exchange.submit, "ada", "dl", "ps1", files, key=one) for _ in range(3)]
        assert len({done.result().json()["id"] for done in same}) == 1
        more = list(pool.map(lambda _: exchange.submit("ada", "dl", "ps1", files).status_code, range(4)))
    # Not one more than there are attempts, however close together they come.
    assert sorted(more) == [201, 201, 409, 409]
    assert exchange.get("ada", "/courses/dl/assignments/ps1")["attempts_used"] == 3


def test_dates_attempts_and_extensions_are_enforced_and_told_beforehand(exchange: Exchange) -> None:
    path = "/courses/dl/assignments/ps1"
    past = datetime.now(UTC) - timedelta(hours=3)
    exchange.put("grader-dl", path, {"title": "x", "due": text(past), "late_policy": {"accept_days": 1}})
    receipt = exchange.submitted("ada", "dl", "ps1")
    assert 10_800 <= receipt["late_seconds"] < 10_900
    assert exchange.get("ada", path)["late"]
    exchange.put("grader-dl", path, {"title": "x", "due": text(past), "late_policy": {"accept_days": 0}})
    assert exchange.get("ada", path)["refusal"]["code"] == "closed"
    assert exchange.submit("ada", "dl", "ps1", {"a": b"1"}).json()["code"] == "closed"
    exchange.put("grader-dl", f"{path}/extensions/ada", {"due": text(past + timedelta(hours=9)), "note": "ill"})
    assert exchange.get("ada", path)["refusal"] is None
    assert exchange.submitted("ada", "dl", "ps1")["late_seconds"] == 0
    assert exchange.get("bob", path)["refusal"]["code"] == "closed"
    exchange.put("grader-dl", f"{path}/extensions/ada", {"attempts": 2, "due": text(past + timedelta(hours=9))})
    assert exchange.submit("ada", "dl", "ps1", {"a": b"1"}).json()["code"] == "no-attempts"
    last = exchange.get("ada", f"{path}/submissions?latest=1")[0]
    assert exchange.ask("grader-dl", "DELETE", f"/submissions/{last['id']}").ok
    assert exchange.get("ada", path)["attempts_used"] == 1
    assert exchange.submitted("ada", "dl", "ps1")["attempt"] == 3


def test_a_changed_receipt_is_not_ours_and_a_lost_file_is_said(exchange: Exchange) -> None:
    receipt = exchange.submitted("ada", "dl", "ps1", {"p1.ipynb": b"only here"})
    for change in ({"received": "2026-01-01T00:00:00.000000Z"}, {"late_seconds": 0.0}, {"key": "x"}, {"signature": 1}):
        assert not exchange.ask("ada", "POST", "/receipts/verify", json=receipt | change).json()["valid"]
    sha256 = receipt["files"][0]["sha256"]
    (exchange.folder / "objects" / sha256[:2] / sha256[2:]).unlink()
    verdict = exchange.ask("ada", "POST", "/receipts/verify", json=receipt).json()
    assert (verdict["valid"], verdict["kept"]) == (True, False)


def test_a_log_that_was_tampered_with_says_so(exchange: Exchange) -> None:
    exchange.submitted("ada", "dl", "ps1")
    with sqlite3.connect(exchange.folder / "exchange.sqlite") as database:
        database.execute("update exchange_log set entry = replace(entry, 'ada', 'eve') where entry like '%submitted%'")
    assert not exchange.get("grader-dl", "/courses/dl/audit")["intact"]


def test_a_database_of_an_earlier_version_gets_what_it_lacks(exchange: Exchange) -> None:
    receipt = exchange.submitted("ada", "dl", "ps1")
    exchange.kill(signal.SIGTERM)
    with sqlite3.connect(exchange.folder / "exchange.sqlite") as database:
        for change in (
            "table exchange_extensions drop column minutes",
            "table exchange_submissions drop column causes",
        ):
            database.execute(f"alter {change}")
        database.execute("drop table exchange_certificates")
    database.close()
    exchange.web.close()
    exchange.start()
    stands(exchange, receipt, {"p1.ipynb": b"mine"})
    path = "/courses/dl/assignments/ps1"
    assert exchange.put("grader-dl", f"{path}/extensions/ada", {"attempts": 5})["attempts"] == 5
    assert exchange.get("grader-dl", f"{path}/submissions")[0]["receipt"] == receipt
    assert exchange.get("ada", "/courses/dl/certificate")["id"] is None


# ---------------------------------------------------------------- the clock


class Time:
    def __init__(self) -> None:
        self.wall, self.boot = 1_800_000_000.0, 50.0

    def passes(self, seconds: float, jump: float = 0) -> None:
        self.boot += seconds
        self.wall += seconds + jump

    def clock(self, last: str | None = None) -> Clock:
        return Clock(last, lambda: self.wall, lambda: self.boot)


def test_no_stamp_is_before_another_whatever_the_clock_does() -> None:
    time, stamps = Time(), []
    clock = time.clock()
    for jump in (0, 0, -3600, 0, 0, 7200, -7200, 0):
        time.passes(1, jump)
        stamps.append(clock.stamp())
    assert stamps == sorted(set(stamps))
    assert [round(seconds) for seconds in clock.jumps()] == [-3600, 7200, -7200]
    assert clock.jumps() == []


def test_while_the_clock_has_not_caught_up_nobody_becomes_late() -> None:
    time = Time()
    clock = time.clock()
    before = clock.stamp()
    time.passes(10, -600)
    assert clock.stamp() - before == timedelta(microseconds=1)
    time.passes(700)
    assert clock.stamp() > before + timedelta(seconds=60)


def test_a_new_process_goes_on_from_the_last_stamp() -> None:
    time = Time()
    last = time.clock().stamp()
    time.passes(1, -86_400)
    clock = time.clock(text(last))
    assert clock.stamp() == last + timedelta(microseconds=1)
    assert clock.jumps()[0] < -86_000
