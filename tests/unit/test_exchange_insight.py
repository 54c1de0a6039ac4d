"""Progress, analytics and what waits for a grade: what people, instructors and the grader are told of a course."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.exchange import Exchange, running, tar

IVO = "ivo"


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exchange]:
    """Two assignments, the second with three times the weight, in an order of the course's own."""
    with running(tmp_path_factory.mktemp("exchange") / "state") as found:
        found.hub.groups = {IVO: ["instructor-dl"], "eve": ["instructor-other"]}
        card = {"pass_mark": 0.5, "order": ["warmup", "final"]}
        found.put(IVO, "/courses/dl", {"title": "Deep learning", "enrolment": "open", "card": card})
        found.release("dl", "final", weight=3, grade_on_submit=True)
        found.release("dl", "warmup", weight=1.0)
        found.put(IVO, "/courses/dl/assignments/announced", {"title": "Later", "points": 0})
        yield found


def grade(exchange: Exchange, receipt: dict[str, Any], score: float, most: float, **more: Any) -> None:
    exchange.put(IVO, f"/submissions/{receipt['id']}/grade", {"score": score, "max_score": most, **more})


def cell(score: float, most: float, **more: Any) -> dict[str, Any]:
    return {"score": score, "max_score": most, **more}


def test_progress_counts_by_weight_what_is_released_and_nothing_else(exchange: Exchange) -> None:
    def mine() -> tuple[Any, bool]:
        told = exchange.get("ada", "/courses/dl/progress")
        assert told["pass_mark"] == 0.5
        return told["share"], told["passed"]

    assert [a["name"] for a in exchange.get("ada", "/courses/dl/progress")["assignments"]] == [
        *("warmup", "final", "announced"),
    ]
    assert mine() == (None, False)
    warmup = exchange.submitted("ada", "dl", "warmup")
    grade(exchange, warmup, 10, 10)
    assert mine() == (None, False), "a grade that is not released is nobody's business yet"
    grade(exchange, warmup, 10, 10, released=True)
    assert mine() == (0.25, False)
    final = exchange.submitted("ada", "dl", "final")
    grade(exchange, final, 1, 3, released=True)
    assert mine() == (0.5, True)
    # Another attempt that waits for its grade takes nothing away, and says so.
    exchange.submitted("ada", "dl", "final", {"p1.ipynb": b"again"})
    assert mine() == (0.5, True)
    parts = {part["name"]: part for part in exchange.get("ada", "/courses/dl/progress")["assignments"]}
    assert (parts["final"]["state"], parts["final"]["score"], parts["final"]["weight"]) == ("submitted", 1, 3)
    assert parts["announced"] == {
        **{"name": "announced", "title": "Later", "weight": 0, "state": "announced"},
        **{"score": None, "max_score": None},
    }
    exchange.ask(IVO, "DELETE", f"/submissions/{final['id']}")
    assert mine() == (0.25, False)
    assert exchange.get("bob", "/courses/dl/progress")["share"] is None


def test_what_waits_is_each_persons_last_where_it_is_graded_on_submission(exchange: Exchange) -> None:
    exchange.submitted("carl", "dl", "warmup")
    before = {one["id"] for one in exchange.get(IVO, "/courses/dl/pending")}
    first = exchange.submitted("carl", "dl", "final")
    second = exchange.submitted("carl", "dl", "final", {"p1.ipynb": b"better"})
    waiting = [one for one in exchange.get(IVO, "/courses/dl/pending") if one["id"] not in before]
    assert waiting == [
        {
            **{"id": second["id"], "assignment": "final", "user": "carl", "attempt": 2},
            "received": second["received"],
        }
    ]
    assert exchange.get("publisher", "/pending") == {"dl": len(before) + 1}
    assert exchange.get(IVO, "/pending") == {"dl": len(before) + 1}
    assert exchange.get("eve", "/pending") == {}
    assert exchange.get("carl", "/pending") == {}
    grade(exchange, first, 1, 3)
    assert exchange.get("publisher", "/pending") == {"dl": len(before) + 1}
    grade(exchange, second, 1, 3)
    assert {one["id"] for one in exchange.get(IVO, "/courses/dl/pending")} == before


def test_analytics_say_where_a_class_struggles(tmp_path: Path) -> None:
    with running(tmp_path / "state") as exchange:
        exchange.hub.groups = {IVO: ["instructor-dl"]}
        exchange.put(IVO, "/courses/dl", {"title": "Deep learning", "enrolment": "open"})
        exchange.release("dl", "ps1", grade_on_submit=True)
        (empty,) = exchange.get(IVO, "/courses/dl/analytics")
        assert (empty["submissions"], empty["share"], empty["median_seconds"], empty["questions"]) == (
            0,
            None,
            None,
            [],
        )
        taken = {}
        for who in ("ada", "bob"):
            assert exchange.ask(who, "GET", "/courses/dl/assignments/ps1/files").ok
            taken[who] = exchange.submitted(who, "dl", "ps1")
        grade(exchange, taken["ada"], 1, 4, cells={"p1/mean": cell(1, 1), "p1/var": cell(0, 3)})
        again = exchange.submitted("ada", "dl", "ps1", {"p1.ipynb": b"again"})
        grade(exchange, again, 2.5, 4, cells={"p1/mean": cell(1, 1), "p1/var": cell(1.5, 3)})
        cells = {"p1/mean": cell(0, 1), "p1/var": cell(3, 3), "p1/why": cell(0, 2, manual=True), "note": "free"}
        grade(exchange, taken["bob"], 3, 4, cells=cells)
        exchange.submitted("carl", "dl", "ps1")
        (found,) = exchange.get(IVO, "/courses/dl/analytics")
        questions = {question["name"]: question for question in found.pop("questions")}
        seconds = found.pop("median_seconds")
        assert found == {
            **{"name": "ps1", "title": "ps1", "fetched": 2, "submitters": 3, "submissions": 4, "graded": 2},
            "share": (2.5 / 4 + 3 / 4) / 2,
        }
        assert 0 < seconds < 60
        assert list(questions) == ["p1/mean", "p1/var", "p1/why"]
        assert questions["p1/var"] == {
            **{"name": "p1/var", "notebook": "p1", "question": "var", "max_score": 3},
            **{"people": 2, "attempts": 3, "full": 0.5, "share": 0.75, "to_grade": 0},
        }
        assert (questions["p1/mean"]["full"], questions["p1/why"]["share"]) == (0.5, None)
        assert questions["p1/why"]["to_grade"] == 1
        assert "ada" not in exchange.ask(IVO, "GET", "/courses/dl/analytics").text


def test_feedback_releases_the_grade_and_progress_follows(exchange: Exchange) -> None:
    receipt = exchange.submitted("dora", "dl", "warmup")
    grade(exchange, receipt, 5, 10)
    assert exchange.send(IVO, "PUT", f"/submissions/{receipt['id']}/feedback", tar({"p1.html": b"x"})).ok
    told = exchange.get("dora", "/courses/dl/progress")
    assert (told["share"], told["assignments"][0]["state"]) == (0.125, "feedback")
