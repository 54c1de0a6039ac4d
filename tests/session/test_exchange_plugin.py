"""nbgrader's stock commands, from the session's own environment, before the real exchange."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.exchange import Exchange, running

SESSION = Path(os.environ.get("CAMPUS_PREFIX", "/opt/campus-test")) / "session"
GRADER, COURSE = "grader-dl", ("--course", "dl")
CELL = {
    "cell_type": "code",
    "execution_count": None,
    "id": "c1",
    "metadata": {
        "nbgrader": {
            "grade": True,
            "grade_id": "t1",
            "locked": True,
            "points": 3,
            "schema_version": 3,
            "solution": False,
            "task": False,
        }
    },
    "outputs": [],
    "source": "assert True",
}
NOTEBOOK = {
    "cells": [CELL],
    "metadata": {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}},
    "nbformat": 4,
    "nbformat_minor": 5,
}


class Person:
    """Somebody with a home of their own, who is root on this machine and whom the token names."""

    def __init__(self, name: str, home: Path, exchange: Exchange) -> None:
        self.name, self.home, self.exchange = name, home, exchange
        home.mkdir()

    def nbgrader(self, *words: str, status: int = 0, **changed: str) -> str:
        env = {
            "PATH": f"{SESSION}/bin:/usr/bin:/bin",
            "HOME": str(self.home),
            "CAMPUS_EXCHANGE_URL": self.exchange.url,
            "JUPYTERHUB_API_TOKEN": self.name,
            **changed,
        }
        done = subprocess.run(
            [f"{SESSION}/bin/nbgrader", *words], cwd=self.home, env=env, capture_output=True, text=True, check=False
        )
        said = done.stdout + done.stderr
        assert done.returncode == status, said
        return said


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[Exchange]:
    with running(tmp_path / "state") as found:
        found.put(GRADER, "/courses/dl", {"title": "x"})
        found.put(GRADER, "/courses/dl/roster", [{"id": "root"}])
        yield found


@pytest.fixture
def grader(exchange: Exchange, tmp_path: Path) -> Person:
    """With an assignment that is ready for release."""
    found = Person(GRADER, tmp_path / "course", exchange)
    source = found.home / "source" / "ps1"
    source.mkdir(parents=True)
    (source / "p1.ipynb").write_text(json.dumps(NOTEBOOK))
    return found


@pytest.fixture
def root(exchange: Exchange, tmp_path: Path) -> Person:
    return Person("root", tmp_path / "home", exchange)


def test_from_release_to_feedback_with_stock_commands(grader: Person, root: Person, exchange: Exchange) -> None:
    grader.nbgrader("generate_assignment", "ps1", *COURSE)
    grader.nbgrader("release_assignment", "ps1", *COURSE)
    assert "--force" in grader.nbgrader("release_assignment", "ps1", *COURSE, status=1)
    grader.nbgrader("release_assignment", "ps1", "--force", *COURSE)
    assert "dl ps1\n" in root.nbgrader("list")
    root.nbgrader("fetch_assignment", "ps1", *COURSE)
    assert "already have a copy" in root.nbgrader("fetch_assignment", "ps1", *COURSE, status=1)
    mine = root.home / "dl" / "ps1"
    (mine / "p1.ipynb").rename(mine / "p2.ipynb")
    assert "missing notebooks" in root.nbgrader("submit", "ps1", "--strict", *COURSE, status=1)
    root.nbgrader("fetch_assignment", "ps1", "--replace", *COURSE)
    (mine / "p2.ipynb").unlink()
    (mine / "timestamp.txt").write_text("2001-01-01 00:00:00.000000 UTC")
    (mine / "left_out.pyc").write_text("")
    assert "Attempt 1" in root.nbgrader("submit", "ps1", *COURSE)
    assert "Attempt 2" in root.nbgrader("submit", "ps1", *COURSE)
    assert root.nbgrader("list", "--cached").count("no feedback available") == 2
    assert grader.nbgrader("list", "--inbound", *COURSE).count("dl root ps1") == 2
    grader.nbgrader("collect", "ps1", *COURSE)
    collected = grader.home / "submitted" / "root" / "ps1"
    assert not (collected / "left_out.pyc").exists()
    stamp = (collected / "timestamp.txt").read_text()
    assert stamp > "2026", "the server's time, whatever the person's files say"
    root.nbgrader("submit", "ps1", *COURSE)
    grader.nbgrader("collect", "ps1", *COURSE)
    assert (collected / "timestamp.txt").read_text() == stamp
    grader.nbgrader("collect", "ps1", "--update", *COURSE)
    assert (collected / "timestamp.txt").read_text() > stamp
    grader.nbgrader("autograde", "ps1", *COURSE)
    grader.nbgrader("generate_feedback", "ps1")
    grader.nbgrader("release_feedback", "ps1", *COURSE)
    said = root.nbgrader("list", "--cached")
    assert (said.count("no feedback available"), said.count("feedback ready to be fetched")) == (2, 1)
    root.nbgrader("fetch_feedback", "ps1", *COURSE)
    assert len(list(mine.glob("feedback/*/p1.html"))) == 1
    assert "feedback already fetched" in root.nbgrader("list", "--cached")
    one = exchange.get("root", "/courses/dl/assignments/ps1")
    assert (one["state"], one["score"], one["max_score"]) == ("feedback", 3, 3)


def test_a_refusal_is_a_sentence(grader: Person, root: Person, exchange: Exchange) -> None:
    exchange.release("dl", "ps1", {"p1.ipynb": json.dumps(NOTEBOOK).encode()}, attempts=1)
    assert "no course id" in root.nbgrader("fetch_assignment", "ps1", status=1).lower()
    assert "not open to you" in root.nbgrader("fetch_assignment", "ps1", "--course", "xx", status=1)
    root.nbgrader("fetch_assignment", "ps1", *COURSE)
    assert "always your own" in root.nbgrader("submit", "ps1", "--student", "ada", *COURSE, status=1)
    root.nbgrader("submit", "ps1", *COURSE)
    assert "All 1 attempts" in root.nbgrader("submit", "ps1", *COURSE, status=1)
    (root.home / "release" / "ps1").mkdir(parents=True)
    (root.home / "release" / "ps1" / "p1.ipynb").write_text("{}")
    assert "Only instructors" in root.nbgrader("release_assignment", "ps1", "--force", *COURSE, status=1)
    assert "may not be used" in root.nbgrader("list", status=1, JUPYTERHUB_API_TOKEN="nosy")
