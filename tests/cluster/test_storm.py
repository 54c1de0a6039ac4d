"""Hub and proxy killed again and again, at instants drawn from a seed, while people start and stop sessions."""

from __future__ import annotations

import random
import threading
import time

import pytest

from tests.support.campus import Campus
from tests.support.person import wait_for
from tests.support.storm import LONGEST, order, settled

pytestmark = pytest.mark.cluster

PEOPLE = ("trainee1", "trainee2", "instructor1", "startup1")


@pytest.mark.parametrize("daemon", ["hub", "proxy"])
def test_no_session_is_lost_doubled_or_orphaned(daemon: str, calm: Campus) -> None:
    draw = random.Random(20261124)
    people = [calm.person(name) for name in PEOPLE]
    survivor = people.pop(0)
    kernel = survivor.start(size="cpu").kernel()
    kernel.run("kept = 'still the same kernel'")
    threads = []
    for _ in range(6):
        for person in draw.sample(people, 2):
            threads.append(
                threading.Thread(target=order, args=(person, draw.choice(("start", "start", "stop")), "cpu"))
            )
            threads[-1].start()
        time.sleep(draw.uniform(0, LONGEST))
        calm.kill(daemon)
        calm.wait_until_answering()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    wait_for("servers and jobs to agree", lambda: settled(calm, [survivor, *people]))

    def same() -> bool:
        try:
            return kernel.run("print(kept)").strip() == "still the same kernel"
        except OSError:
            return False  # the proxy is not back yet

    wait_for("the survivor's kernel", same)
