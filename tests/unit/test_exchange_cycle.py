"""The exchange, whole: from a release to feedback, over HTTP, with the real process."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from extensions.exchange.service.bodies import Extension, LatePolicy, Policy
from extensions.exchange.service.policy import refusal, terms
from tests.support.exchange import Exchange, running, tar, untar


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exchange]:
    with running(tmp_path_factory.mktemp("exchange") / "state") as found:
        yield found


def test_a_course_from_its_release_to_feedback(exchange: Exchange) -> None:
    grader, ada = "grader-dl", "ada"
    exchange.put(grader, "/courses/dl", {"title": "Deep learning", "card": {"hours": 3}})
    exchange.put(grader, "/courses/dl/roster", [{"id": ada, "first_name": "Ada"}])
    exchange.put(grader, "/courses/dl/assignments/ps1", {"title": "First", "attempts": 2, "points": 10})
    assert exchange.get(ada, "/courses/dl/assignments")[0]["state"] == "announced"
    exchange.release("dl", "ps1", {"p1.ipynb": b"{}", "data/x.csv": b"1"})
    (course,) = exchange.get(ada, "/courses")
    assert (course["id"], course["role"], course["card"]) == ("dl", "trainee", {"hours": 3})
    files = exchange.ask(ada, "GET", "/courses/dl/assignments/ps1/files").content
    assert untar(files) == {"p1.ipynb": b"{}", "data/x.csv": b"1"}
    receipt = exchange.submitted(ada, "dl", "ps1", {"p1.ipynb": b"mine"})
    verdict = exchange.ask("anybody", "POST", "/receipts/verify", json=receipt).json()
    assert (verdict["valid"], verdict["kept"]) == (True, True)
    (listed,) = exchange.get(grader, "/courses/dl/assignments/ps1/submissions?latest=1&graded=0")
    assert listed["receipt"] == receipt
    path = f"/submissions/{receipt['id']}"
    assert untar(exchange.ask(grader, "GET", f"{path}/files").content) == {"p1.ipynb": b"mine"}
    exchange.put(grader, f"{path}/grade", {"score": 7.5, "max_score": 10, "cells": {"c1": {"points": 7.5}}})
    assert exchange.get(ada, path)["score"] is None
    assert exchange.send(grader, "PUT", f"{path}/feedback", tar({"p1.html": b"well done"})).status_code == 200
    mine = exchange.get(ada, path)
    assert (mine["score"], mine["cells"]) == (7.5, {"c1": {"points": 7.5}})
    assert untar(exchange.ask(ada, "GET", f"{path}/feedback").content) == {"p1.html": b"well done"}
    one = exchange.get(ada, "/courses/dl/assignments/ps1")
    assert (one["state"], one["score"], one["attempts_used"], one["attempts_allowed"]) == ("feedback", 7.5, 1, 2)
    table = exchange.ask(grader, "GET", "/courses/dl/gradebook.csv").text.splitlines()
    assert table == ["id,first_name,last_name,ps1", "ada,Ada,,7.5"]
    log = exchange.get(grader, "/courses/dl/audit")
    assert log["intact"]
    assert [entry["what"] for entry in log["entries"]] == [
        *("course-changed", "roster-changed", "policy-changed", "released", "fetched", "submitted"),
        *("read", "graded", "feedback-released"),
    ]


def test_timed_work_counts_from_the_first_fetch(exchange: Exchange) -> None:
    grader, ada, ben = "grader-exam", "ada", "ben"
    exchange.put(grader, "/courses/exam", {"title": "Exam", "enrolment": "open"})
    policy = {"title": "Final", "due": "2035-01-01T00:00:00.000000Z", "minutes": 90}
    at = "/courses/exam/assignments/final"
    exchange.put(grader, at, policy | {"late_policy": {"accept_days": 0}})
    exchange.release("exam", "final", {"p1.ipynb": b"{}"})
    exchange.put(grader, f"{at}/extensions/ben", {"minutes": 120, "note": "needs more time"})

    def one(who: str) -> dict[str, Any]:
        return exchange.get(who, at)

    unopened = one(ada)
    assert (unopened["minutes"], unopened["fetched"], unopened["my_due"]) == (90, None, policy["due"])
    for who, minutes in ((ada, 90), (ben, 120)):
        exchange.ask(who, "GET", f"{at}/files")
        begun = one(who)
        time = datetime.fromisoformat(begun["my_due"]) - datetime.fromisoformat(begun["fetched"])
        assert (begun["minutes"], time, begun["closes"]) == (minutes, timedelta(minutes=minutes), begun["my_due"])
        exchange.ask(who, "GET", f"{at}/files")
        assert one(who)["my_due"] == begun["my_due"], "a second fetch gives no more time"
    exchange.put(grader, f"{at}/extensions/{grader}", {"minutes": 200})
    assert one(grader)["minutes"] == 90, "who teaches sees what holds for all"
    assert exchange.get(grader, f"{at}/extensions")[0]["minutes"] == 120


def test_timed_work_is_never_due_later_than_for_all() -> None:
    due = datetime(2026, 11, 2, 12, tzinfo=UTC)
    policy = Policy(title="Final", due=due, minutes=90, late_policy=LatePolicy(accept_days=0))
    assert terms(policy, None, due - timedelta(minutes=30)).due == due
    begun = due - timedelta(minutes=200)
    found = terms(policy, None, begun)
    assert found.due == found.closes == begun + timedelta(minutes=90)
    refused = refusal(found, True, 0, begun + timedelta(minutes=91))
    assert refused is not None
    assert refused.code == "closed"
    endless = terms(Policy(title="Practice"), None, None)
    assert refusal(endless, True, 499, due) is None
    refused = refusal(endless, True, 500, due)
    assert refused is not None
    assert refused.code == "no-attempts"
    # Another date is for the work, not for the hours after it was opened.
    assert terms(policy, Extension(due=due + timedelta(days=7)), due).due == due + timedelta(minutes=90)
