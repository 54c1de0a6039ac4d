"""nbgrader's stock commands, from the session's own environment, before the real exchange."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.session.conftest import NOBODY
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
    """Somebody with a home of their own, who is nobody on this machine and whom the token names."""

    def __init__(self, name: str, home: Path, exchange: Exchange) -> None:
        self.name, self.home, self.exchange = name, home, exchange
        home.mkdir()
        self.own()

    def own(self) -> None:
        """Their home is theirs, whatever a test wrote there: student code is never run by root."""
        for path in (self.home, *self.home.rglob("*")):
            os.chown(path, NOBODY, NOBODY)

    def nbgrader(self, *words: str, status: int = 0, **changed: str) -> str:
        env = {
            "PATH": f"{SESSION}/bin:/usr/bin:/bin",
            "HOME": str(self.home),
            "CAMPUS_EXCHANGE_URL": self.exchange.url,
            "JUPYTERHUB_API_TOKEN": self.name,
            **changed,
        }
        self.own()
        done = subprocess.run(
            [f"{SESSION}/bin/nbgrader", *words],
            cwd=self.home,
            env=env,
            user=NOBODY,
            group=NOBODY,
            extra_groups=[],
            capture_output=True,
            text=True,
            check=False,
        )
        said = done.stdout + done.stderr
        assert done.returncode == status, said
        return said


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[Exchange]:
    with running(tmp_path / "state") as found:
        found.put(GRADER, "/courses/dl", {"title": "x"})
        found.put(GRADER, "/courses/dl/roster", [{"id": "nobody"}])
        yield found


@pytest.fixture
def homes() -> Iterator[Path]:
    """A folder that other accounts can enter, unlike pytest's own."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def grader(exchange: Exchange, homes: Path) -> Person:
    """With an assignment that is ready for release."""
    found = Person(GRADER, homes / "course", exchange)
    source = found.home / "source" / "ps1"
    source.mkdir(parents=True)
    (source / "p1.ipynb").write_text(json.dumps(NOTEBOOK))
    return found


@pytest.fixture
def trainee(exchange: Exchange, homes: Path) -> Person:
    return Person("nobody", homes / "home", exchange)


def test_from_release_to_feedback_with_stock_commands(grader: Person, trainee: Person, exchange: Exchange) -> None:
    grader.nbgrader("generate_assignment", "ps1", *COURSE)
    grader.nbgrader("release_assignment", "ps1", *COURSE)
    assert "--force" in grader.nbgrader("release_assignment", "ps1", *COURSE, status=1)
    grader.nbgrader("release_assignment", "ps1", "--force", *COURSE)
    assert "dl ps1\n" in trainee.nbgrader("list")
    trainee.nbgrader("fetch_assignment", "ps1", *COURSE)
    assert "already have a copy" in trainee.nbgrader("fetch_assignment", "ps1", *COURSE, status=1)
    mine = trainee.home / "dl" / "ps1"
    (mine / "p1.ipynb").rename(mine / "p2.ipynb")
    assert "missing notebooks" in trainee.nbgrader("submit", "ps1", "--strict", *COURSE, status=1)
    trainee.nbgrader("fetch_assignment", "ps1", "--replace", *COURSE)
    (mine / "p2.ipynb").unlink()
    (mine / "timestamp.txt").write_text("2001-01-01 00:00:00.000000 UTC")
    (mine / "left_out.pyc").write_text("")
    assert "Attempt 1" in trainee.nbgrader("submit", "ps1", *COURSE)
    assert "Attempt 2" in trainee.nbgrader("submit", "ps1", *COURSE)
    assert trainee.nbgrader("list", "--cached").count("no feedback available") == 2
    assert grader.nbgrader("list", "--inbound", *COURSE).count("dl nobody ps1") == 2
    grader.nbgrader("collect", "ps1", *COURSE)
    collected = grader.home / "submitted" / "nobody" / "ps1"
    assert not (collected / "left_out.pyc").exists()
    stamp = (collected / "timestamp.txt").read_text()
    assert stamp > "2026", "the server's time, whatever the person's files say"
    trainee.nbgrader("submit", "ps1", *COURSE)
    grader.nbgrader("collect", "ps1", *COURSE)
    assert (collected / "timestamp.txt").read_text() == stamp
    grader.nbgrader("collect", "ps1", "--update", *COURSE)
    assert (collected / "timestamp.txt").read_text() > stamp
    grader.nbgrader("autograde", "ps1", *COURSE)
    grader.nbgrader("generate_feedback", "ps1")
    grader.nbgrader("release_feedback", "ps1", *COURSE)
    said = trainee.nbgrader("list", "--cached")
    assert (said.count("no feedback available"), said.count("feedback ready to be fetched")) == (2, 1)
    trainee.nbgrader("fetch_feedback", "ps1", *COURSE)
    assert len(list(mine.glob("feedback/*/p1.html"))) == 1
    assert "feedback already fetched" in trainee.nbgrader("list", "--cached")
    one = exchange.get("nobody", "/courses/dl/assignments/ps1")
    assert (one["state"], one["score"], one["max_score"]) == ("feedback", 3, 3)


def test_a_refusal_is_a_sentence(grader: Person, trainee: Person, exchange: Exchange) -> None:
    exchange.release("dl", "ps1", {"p1.ipynb": json.dumps(NOTEBOOK).encode()}, attempts=1)
    assert "no course id" in trainee.nbgrader("fetch_assignment", "ps1", status=1).lower()
    assert "not open to you" in trainee.nbgrader("fetch_assignment", "ps1", "--course", "xx", status=1)
    trainee.nbgrader("fetch_assignment", "ps1", *COURSE)
    assert "always your own" in trainee.nbgrader("submit", "ps1", "--student", "ada", *COURSE, status=1)
    trainee.nbgrader("submit", "ps1", *COURSE)
    assert "All 1 attempts" in trainee.nbgrader("submit", "ps1", *COURSE, status=1)
    (trainee.home / "release" / "ps1").mkdir(parents=True)
    (trainee.home / "release" / "ps1" / "p1.ipynb").write_text("{}")
    assert "Only instructors" in trainee.nbgrader("release_assignment", "ps1", "--force", *COURSE, status=1)
    assert "may not be used" in trainee.nbgrader("list", status=1, JUPYTERHUB_API_TOKEN="nosy")
