"""Resume: the last session's size and options once more."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from spawners.life.failure import Ended
from spawners.life.resume import offer, options_of, query
from spawners.refusal import SessionRefused
from spawners.spawner import CampusSpawner
from tests.unit.test_commands import Programs
from tests.unit.test_form import offer as offered
from tests.unit.test_metrics import jobs, programs, spawner, until

__all__ = ["programs", "spawner"]  # fixtures


def ended(**options: Any) -> Ended:
    return Ended("timeout", "It reached its time limit.", "7", options=options)


@pytest.mark.parametrize(
    ("last", "words"),
    [
        (None, ""),
        (ended(), "Small"),
        (ended(size="gpu1", minutes=120), "One, 120 minutes"),
        (ended(size="gpu1", minutes="90"), "One, 90 minutes"),
        (ended(size="gone"), ""),
    ],
)
def test_only_what_the_site_still_has_is_offered(last: Ended | None, words: str) -> None:
    assert offer(last, offered("Small").sizes) == words


def test_the_address_keeps_where_to_go() -> None:
    assert query() == "?opt-resume=1"
    assert query("/hub/user/a/lab/tree/x y&z") == "?opt-resume=1&next=%2Fhub%2Fuser%2Fa%2Flab%2Ftree%2Fx+y%26z"


def test_nothing_to_resume_is_a_sentence() -> None:
    with pytest.raises(SessionRefused, match="There is no session to resume"):
        options_of(None)


async def test_the_form_and_the_address_ask_for_the_same_again(spawner: CampusSpawner) -> None:
    spawner.ended = ended(size="gpu4", minutes="30")
    spawner.user_options = {"size": "cpu"}
    form = {"resume": ["1"], "size": ["cpu"], "minutes": ["5"], "_xsrf": ["x"]}
    for options in (spawner.run_options_from_form(form), spawner.options_from_query(form)):
        assert options == {"size": "gpu4", "minutes": "30"}
    spawner.ended = None
    with pytest.raises(SessionRefused, match="no session to resume"):
        spawner.run_options_from_form(form)


async def test_a_session_that_was_stopped_is_resumed_after_a_restart_of_the_hub(spawner: CampusSpawner) -> None:
    spawner.user_options = {"size": "gpu4", "minutes": "30"}
    spawner.job_id, spawner.uid, spawner.node = "7", 1000, "gpu-node1"
    await spawner.stop(now=True)
    spawner.clear_state()
    kept = spawner.get_state()
    spawner.ended = None
    spawner.load_state(kept)
    assert spawner.ended == Ended("stopped", "The session was stopped.", "7", options={"size": "gpu4", "minutes": "30"})


async def test_a_start_that_was_given_up_leaves_the_last_session(spawner: CampusSpawner, programs: Programs) -> None:
    last = spawner.ended = ended(size="gpu4")
    spawner.user_options = {"size": "cpu"}
    programs.answer("squeue", jobs(7, state="PENDING"))
    starting = asyncio.ensure_future(spawner.start())
    await until(lambda: spawner.job_id)
    await spawner.stop(now=True)
    starting.cancel()
    assert spawner.ended == last
