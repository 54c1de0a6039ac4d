from __future__ import annotations

import time
from typing import Any

import pytest

from spawners.allowed.environments import SessionEnvironment
from spawners.allowed.offer import Offer
from spawners.allowed.ways import Means
from spawners.cluster.watch import Picture
from spawners.outlook.waiting import instead, place_of, waiting
from spawners.slurm import Job, JobState, Queued
from tests.unit.test_outlook import node, size
from tests.unit.test_request import NOW, way


def picture(*nodes: Any, queue: tuple[Queued, ...] = ()) -> Picture:
    return Picture(1.0, {}, {n.name: n for n in nodes}, queue)


def queued(id: int, **change: Any) -> Queued:
    return Queued(**{"id": id, "partition": "gpu", "priority": 100, "reason": "Priority", **change})


def job(id: int = 7, **change: Any) -> Job:
    facts = {"uid": 1001, "state": JobState.PENDING, "reason": "Resources", "node": "", "start": None, "end": None}
    return Job(**{**facts, "id": id, **change})


@pytest.mark.parametrize(
    ("queue", "place"),
    [
        ((), None),
        ((queued(7),), 1),
        ((queued(1), queued(2), queued(7)), 3),
        ((queued(1, partition="cpu"), queued(7)), 1),
        ((queued(1, reason="JobHeldUser"), queued(2, reason="Dependency"), queued(7)), 1),
        ((queued(1), queued(7, reason="JobHeldAdmin")), None),
    ],
)
def test_a_place_in_the_queue(queue: tuple[Queued, ...], place: int | None) -> None:
    assert place_of(job(), picture(queue=queue)) == place


def test_what_somebody_who_waits_is_told() -> None:
    line = picture(queue=(queued(3), queued(7)))
    told = waiting(job(start=int(time.time()) + 100), {}, OFFER, None, line).as_dict()
    assert told["place"] == 2
    assert told["expected"] == "in about 2 minutes"
    assert waiting(job(start=int(time.time()) - 5), {}, OFFER, None, line).as_dict()["expected"] == ""


CPU, GPU1, GPU4 = size("cpu", gpus=0, cpus=1, memory_mib=2048), size("gpu1", max_seconds=7200), size("gpu4", gpus=4)
OFFER = Offer((CPU, GPU1, GPU4), (SessionEnvironment("standard", "", "", "/env"),))
FULL, HALF = picture(node(gpus_used={"": 4})), picture(node(gpus_used={"": 3}))


def test_a_smaller_size_is_offered() -> None:
    assert instead({"size": "gpu4"}, OFFER, None, FULL) == ("cpu", {"size": "cpu"})
    assert instead({"size": "gpu4"}, OFFER, None, HALF) == ("gpu1", {"size": "gpu1"}), "the largest there is room for"
    assert instead({"size": "cpu"}, OFFER, None, HALF) == (None, {}), "nothing is smaller"
    assert instead({}, OFFER, None, HALF) == (None, {}), "the first size is what nothing asks for"


def test_the_size_with_the_fewest_gpus_is_offered_for_idle_ones() -> None:
    assert instead({"size": "gpu4"}, OFFER, None, HALF, fewest_gpus=True) == ("cpu", {"size": "cpu"})
    assert instead({"size": "gpu1"}, OFFER, None, HALF, fewest_gpus=True) == ("cpu", {"size": "cpu"})
    assert instead({"size": "cpu"}, OFFER, None, HALF, fewest_gpus=True) == (None, {})


def test_it_keeps_what_was_chosen_where_that_fits() -> None:
    ways = (way("gpu", "team", None, default=True), way("gpu", "course", None), way("gpu", "course", None, "lesson"))
    means = Means(NOW, ways)
    chosen = {"size": "gpu4", "account": "course", "reservation": "lesson"}
    assert instead(chosen, OFFER, means, HALF) == ("gpu1", {**chosen, "size": "gpu1"})
    assert instead({**chosen, "minutes": 100}, OFFER, means, FULL) == ("cpu", {**chosen, "size": "cpu"})
    nobodys = Means(NOW, (way("fpga", "team", None, default=True),))
    assert instead(chosen, OFFER, nobodys, HALF) == (None, {})
