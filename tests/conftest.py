from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from extensions.courses.names import grader_of
from tests.support.campus import Campus
from tests.support.person import wait_for


@pytest.fixture(scope="session")
def campus() -> Campus:
    """The Campus that ``./campus test`` brought up."""
    return Campus(Path(os.environ["CAMPUS_PREFIX"]))


@pytest.fixture
def calm(campus: Campus) -> Iterator[Campus]:
    """Campus with no session running, before and after the test."""
    _stop_everything(campus)
    yield campus
    _stop_everything(campus)


def _stop_everything(campus: Campus) -> None:
    campus.wait_until_answering()
    for account in campus.site.accounts:
        if account.role != "operator":
            person = campus.person(account.name.rpartition("-")[2])
            for name in person.servers():
                person.stop(name)
            if account.course:  # their grader's session, which "on submit" may have started as well
                person.request("DELETE", f"/hub/api/users/{grader_of(account.course)}/server")
    campus.free_gpus()
    wait_for("the queue to be empty", lambda: not campus.jobs())
