"""Which submissions are alike: renamed, moved and mixed copies are found, and no honest work."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from extensions.exchange.similarity.pairs import Work, alike, given_runs
from extensions.exchange.similarity.tokens import pieces
from tests.support.exchange import Exchange, running
from tests.support.person import wait_for

GIVEN = '''
import numpy as np
def load(path):
    """Read the table, and return features and labels."""
    table = np.loadtxt(path, delimiter=",", skiprows=1)
    return table[:, :-1], table[:, -1]
'''
ADA = """
def standardise(values):
    mean, deviation = values.mean(axis=0), values.std(axis=0)
    return (values - mean) / np.where(deviation == 0, 1, deviation)
for epoch in range(30):
    gradient = features.T @ (predict(features, weights) - labels) / len(labels)
    weights = weights - rate * gradient
    if epoch % 5 == 0:
        print(epoch, loss(features, labels, weights))
"""
RENAMED = (
    ADA.replace("values", "x").replace("mean,", "m,").replace("- mean", "- m").replace("deviation", "s")
    .replace("epoch", "i").replace("gradient", "g").replace("weights", "w").replace("for i", "# my own\n\nfor i")
)  # fmt: skip
OTHER = """
scaler = (features.max() - features.min())
scaled = [(row - features.min()) / scaler for row in features]
history = []
while len(history) < 100 and (not history or history[-1] > 1e-3):
    guess = 1 / (1 + np.exp(-np.array(scaled).dot(theta)))
    theta += 0.1 * np.array(scaled).T.dot(labels - guess)
    history.append(float(np.abs(labels - guess).sum()))
assert history, "nothing was learnt"
"""


def book(*cells: str, kind: str = "code") -> bytes:
    made = [{"cell_type": kind, "metadata": {}, "source": cell.splitlines(keepends=True)} for cell in cells]
    return json.dumps({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()


def compared(given: bytes, **people: bytes) -> dict[tuple[str, str], Any]:
    runs = given_runs(pieces("p.ipynb", given))
    found = alike([Work(name, pieces("p.ipynb", content), runs) for name, content in people.items()])
    return {(pair["a"]["user"], pair["b"]["user"]): pair for pair in found}


def test_a_renamed_copy_is_found_and_honest_work_is_not() -> None:
    found = compared(book(GIVEN), ada=book(GIVEN, ADA), bob=book(GIVEN, RENAMED), carl=book(GIVEN, OTHER))
    assert list(found) == [("ada", "bob")]
    pair = found["ada", "bob"]
    assert pair["share"] > 0.95
    part = pair["parts"][0]
    assert (part["a"]["file"], part["a"]["cell"]) == ("p.ipynb", 2)
    assert "def standardise(values)" in part["a"]["text"]
    assert "def standardise(x)" in part["b"]["text"]
    assert part["a"]["last_line"] > part["a"]["first_line"] == 2


def test_what_was_given_is_nobodys_and_with_nothing_of_ones_own_there_is_nothing_to_compare() -> None:
    assert compared(book(GIVEN), ada=book(GIVEN), bob=book(GIVEN)) == {}
    found = compared(book(), ada=book(GIVEN), bob=book(GIVEN))
    assert found["ada", "bob"]["share"] == 1


def test_a_part_that_was_moved_into_other_work_is_found_with_its_share() -> None:
    found = compared(book(GIVEN), ada=book(GIVEN, ADA), bob=book(OTHER, "x = 1", ADA), carl=book(OTHER))
    assert found["ada", "bob"]["a"]["share"] > 0.95
    assert 0.3 < found["ada", "bob"]["b"]["share"] < 0.7
    assert found["ada", "bob"]["parts"][0]["b"]["cell"] == 3
    assert found["bob", "carl"]["b"]["share"] > 0.95
    assert ("ada", "carl") not in found


def test_what_everybody_wrote_says_nothing() -> None:
    people = {f"p{number:02}": book(ADA) for number in range(30)}
    assert compared(book(), **people) == {}
    assert compared(book(), **dict(list(people.items())[:3]))["p00", "p01"]["share"] == 1


def test_prose_is_compared_too() -> None:
    text = (
        "The loss falls at first and then rises on the validation set, since the network learns the noise of its "
        "training data by heart; a smaller network, or stopping earlier, would have kept it from doing so."
    )
    found = compared(book(), ada=book(text, kind="markdown"), bob=book(text.upper(), kind="markdown"))
    assert found["ada", "bob"]["share"] == 1


@pytest.mark.parametrize(
    "text", ['x = """never ends', "'''" * 2001, '"' * 5001, "\\" * 5000, "é\0\u202e = 1", "(" * 9999]
)
def test_odd_code_is_read_all_the_same(text: str) -> None:
    (piece,) = pieces("x.py", text.encode())
    assert len(piece.tokens) == len(piece.lines)


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[Exchange]:
    with running(tmp_path / "state") as found:
        found.hub.groups = {"ivo": ["instructor-dl"]}
        found.put("ivo", "/courses/dl", {"title": "x", "enrolment": "open"})
        found.release("dl", "ps1", {"p.ipynb": book(GIVEN)})
        yield found


def test_an_instructor_compares_and_nobody_else(exchange: Exchange) -> None:
    path = "/courses/dl/assignments/ps1/similarity"
    before = exchange.get("ivo", path)
    assert (before["at"], before["pairs"], before["running"]) == (None, [], False)
    exchange.submitted("ada", "dl", "ps1", {"p.ipynb": book(OTHER)})
    exchange.submitted("ada", "dl", "ps1", {"p.ipynb": book(GIVEN, ADA)})
    exchange.submitted("bob", "dl", "ps1", {"p.ipynb": book(GIVEN, RENAMED), "data.bin": b"\xff\0"})
    exchange.submitted("carl", "dl", "ps1", {"p.ipynb": b"[" * 100_000})
    exchange.submitted("dora", "dl", "ps1", {"p.ipynb": book("a " * 30_000)})
    for method in ("GET", "POST"):
        assert exchange.ask("ada", method, path).status_code == 403
        assert exchange.ask("ivo", method, path.replace("ps1", "ps2")).status_code == 404
    assert exchange.ask("ivo", "POST", path).status_code == 202
    wait_for("the comparison", lambda: not exchange.get("ivo", path)["running"])
    found = exchange.get("ivo", path)
    assert (found["error"], found["submissions"], found["unread"]) == (None, 4, ["carl", "dora"])
    (pair,) = found["pairs"]
    assert (pair["a"]["user"], pair["b"]["user"]) == ("ada", "bob")
    assert exchange.get("ivo", "/courses/dl/audit")["entries"][-1]["what"] == "compared"
