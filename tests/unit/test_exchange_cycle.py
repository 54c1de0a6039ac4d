"""The exchange, whole: from a release to feedback, over HTTP, with the real process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

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
