from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from spawners.api.sessions import shown
from spawners.life.failure import Ended
from spawners.slurm import Job, JobState
from tests.unit.test_waiting import OFFER, job, picture, queued


def session(found: Job | None, **change: Any) -> Any:
    """A spawner, as far as it is asked."""
    line = picture(queue=(queued(3), queued(7)))
    facts = {"name": "", "ready": False, "active": True, "pending": None, "user_options": {"size": "gpu1"}}
    facts |= {"ended": None, "resumable": "", "offer": OFFER, "watch": SimpleNamespace(picture=line)}
    return SimpleNamespace(**{**facts, "job": lambda: found, **change})


RUNS = job(state=JobState.RUNNING, start=1000, end=4600, node="n1")


@pytest.mark.parametrize(
    ("found", "change", "state"),
    [
        (None, {"active": False}, "none"),
        (job(), {"pending": "spawn"}, "waiting"),
        (None, {"pending": "spawn"}, "starting"),
        (RUNS, {"pending": "spawn"}, "starting"),
        (RUNS, {"ready": True}, "running"),
        (RUNS, {"pending": "stop"}, "stopping"),
    ],
)
def test_its_state(found: Job | None, change: dict[str, Any], state: str) -> None:
    assert shown(session(found, **change))["state"] == state


def test_one_that_runs_says_its_size_and_when_it_ends() -> None:
    told = shown(session(RUNS, ready=True))
    assert (told["size"], told["start"], told["end"], told["waiting"]) == ("gpu1", 1000, 4600, None)


def test_one_that_runs_while_slurm_has_not_spoken_yet_has_no_end() -> None:
    told = shown(session(None, ready=True))
    assert (told["state"], told["start"], told["end"]) == ("running", None, None)


def test_one_that_waits_says_its_place() -> None:
    told = shown(session(job(), pending="spawn"))
    assert told["waiting"]["place"] == 2
    assert told["waiting"]["sentence"]
    assert told["end"] is None


def test_one_that_ended_says_how_and_whether_it_can_be_resumed() -> None:
    over = session(None, active=False, ended=Ended("idle", "It was idle.", "7", ("a log",)), resumable="One GPU")
    told = shown(over)
    assert told["ended"] == {"cause": "idle", "sentence": "It was idle.", "resumable": "One GPU"}
    assert told["size"] is None
