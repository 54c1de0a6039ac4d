from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import Any

import pytest

from campus_base.errors import CampusError
from spawners.allowed.entitlements import Person
from spawners.allowed.environments import SessionEnvironment
from spawners.allowed.limits import Use
from spawners.allowed.offer import Offer, SessionSize
from spawners.allowed.request import SessionRequest, check_request
from spawners.allowed.ways import Means
from spawners.cluster.watch import Picture
from spawners.outlook.sizes import Outlook, fits_now, words
from spawners.slurm import Claim, Node
from spawners.slurm.rules import Association, Cap, Qos, Rules
from tests.unit.test_request import way


def size(name: str = "gpu1", **change: Any) -> SessionSize:
    facts = {"title": name, "description": "", "partition": "gpu", "gpus": 1, "gpu_type": None, "cpus": 2}
    return SessionSize(
        **{**facts, "name": name, "memory_mib": 4096, "seconds": 60, "max_seconds": 60, "account": None, **change}
    )


def request(name: str = "gpu1", **change: Any) -> SessionRequest:
    return check_request({}, offer(name, **change), None)


def offer(name: str = "gpu1", **change: Any) -> Offer:
    return Offer((size(name, **change),), (SessionEnvironment("standard", "", "", "/env"),))


def cards(*names: str) -> dict[str, SessionRequest | str]:
    return {name: request(name) for name in names or ("gpu1",)}


def node(name: str = "n1", **change: Any) -> Node:
    facts = {"address": "127.0.0.1", "state": "idle", "partitions": frozenset({"gpu"})}
    room = {"gpus": {"": 4}, "gpus_used": {}, "cpus_free": 32, "memory_free_mib": 64000}
    return Node(**{**facts, **room, "name": name, **change})


def picture(*nodes: Node) -> Picture:
    return Picture(1.0, {}, {n.name: n for n in nodes})


# ------------------------------------------------------------------------------------------- what is free


@pytest.mark.parametrize(
    ("change", "wanted", "expected"),
    [
        ({}, {}, 4),
        ({"gpus_used": {"": 3}}, {}, 1),
        ({"gpus_used": {"": 4}}, {}, 0),
        ({"gpus_used": {"": 4}}, {"gpus": 0}, 15),
        ({"cpus_free": 3}, {}, 1),
        ({"memory_free_mib": 4095}, {}, 0),
        ({"gpus": {}}, {}, 0),
        ({"state": "drained"}, {}, 0),
        ({"state": "down"}, {}, 0),
        ({"state": "mixed"}, {}, 4),
        ({"partitions": frozenset({"cpu"})}, {}, 0),
        ({"gpus": {"a100": 2, "h100": 2}, "gpus_used": {"a100": 1}}, {"gpu_type": "a100"}, 1),
        # A session's slices are on one GPU.
        ({"shards_free": (4, 4, 1)}, {"gpus": 0, "shards": 1}, 9),
        ({"shards_free": (4, 4, 1)}, {"gpus": 0, "shards": 3}, 2),
        ({}, {"gpus": 0, "shards": 1}, 0),
        ({"gpus": {"a100": 2, "h100": 2}, "gpus_used": {"a100": 1}}, {}, 3),
        ({"gpus": {"a100": 2}}, {"gpu_type": "h100"}, 0),
        ({}, {"gpus": 4}, 1),
    ],
)
def test_how_many_fit_now(change: dict[str, Any], wanted: dict[str, Any], expected: int) -> None:
    assert fits_now(request(**wanted), picture(node(**change))) == expected


def test_reserved_nodes_are_for_their_reservation_alone() -> None:
    two = picture(node("n1"), node("n2", state="reserved"))
    kept = frozenset({"n2"})
    inside = replace(request(), reservation="course")
    assert fits_now(request(), two, kept) == 4
    assert fits_now(request(), picture(node("n1"), node("n2", state="mixed")), kept) == 4
    assert fits_now(inside, two, kept) == 4
    assert fits_now(inside, picture(node("n1"), node("n2", state="mixed")), kept) == 4
    assert fits_now(inside, two) == 8, "a reservation of no nodes in particular"


def test_rooms_on_different_nodes_add_up_but_are_not_joined() -> None:
    two = picture(node("n1", gpus_used={"": 2}), node("n2", gpus_used={"": 2}))
    assert fits_now(request(), two) == 4
    assert fits_now(request(gpus=4), two) == 0


# ------------------------------------------------------------------------------------------- the sizes


class Slurm:
    """Answers the test of a size by its name; counts the questions."""

    def __init__(self, **answers: Any) -> None:
        self.answers, self.asked = answers, 0

    async def test(self, request: SessionRequest) -> int | None:
        self.asked += 1
        answer = self.answers[request.size.name]
        if isinstance(answer, Exception):
            raise answer
        return answer


async def test_each_size_in_words() -> None:
    sizes = cards("now", "later", "never", "who_knows") | {"not_yours": "The account is not yours."}
    refusal = CampusError("slurm-refused", "Slurm does not accept this session: no.", "Ask.")
    slurm = Slurm(now=time.time() + 1, later=time.time() + 700, never=refusal, who_knows=None)
    found = await Outlook().sizes("alice", sizes, picture(node()), None, slurm.test)
    assert [s.sentence for s in found] == [
        "Starts now",
        "Starts in about 12 minutes",
        "Slurm does not accept this session: no.",
        "There is room now",
        "The account is not yours.",
    ]
    assert [s.starts_in == 0 for s in found] == [True, False, False, False, False]
    assert [s.longest and s.longest.seconds for s in found] == [60, 60, 60, 60, None]


async def test_a_persons_limits_are_said() -> None:
    def card(gpus: int, used: int) -> tuple[SessionRequest, Means]:
        qos = Qos(name="normal", per_user=Cap(tres={"gres/gpu": 4}))
        association = Association(account="team", user="alice", qos=("normal",))
        rules = Rules(associations=(association,), qos={"normal": qos}, enforced=frozenset({"limits"}))
        claim = Claim(id=1, uid=7, account="team", qos="normal", partition="gpu", runs=True, tres={"gres/gpu": used})
        means = Means(0, (way("gpu", "team", "normal", default=True),), person=Person("alice", 7), rules=rules)
        wanted = check_request({}, offer(gpus=gpus), means)
        return wanted, replace(means, use=Use([claim] if used else []))

    slurm = Slurm(gpu1=time.time() + 1)
    for gpus, used, says, more in (
        (1, 0, "Starts now", 4),
        (2, 1, "Starts now", 1),
        (2, 3, "Your limit is 4 GPUs at once, and you use 3; it would wait until one of your sessions or jobs", 0),
        (8, 0, "Your limit is 4 GPUs at once, and you use 0; this needs 8 GPUs. Choose a smaller one.", 0),
    ):
        wanted, means = card(gpus, used)
        (found,) = await Outlook().sizes("alice", {"gpu1": wanted}, picture(node()), means, slurm.test)
        assert found.sentence.startswith(says)
        assert found.more == more
        assert (found.starts_in == 0) == (says == "Starts now")


async def test_many_looks_cost_one_question_for_each_person(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    outlook, slurm = Outlook(), Slurm(gpu1=None)
    for _ in range(20):
        await outlook.sizes("alice", cards(), picture(), None, slurm.test)
    assert slurm.asked == 1
    await outlook.sizes("bob", cards(), picture(), None, slurm.test)
    assert slurm.asked == 2
    now[0] += 61
    await outlook.sizes("alice", cards(), picture(), None, slurm.test)
    assert slurm.asked == 3
    assert len(outlook._kept) == 1, "old answers are dropped"


async def test_those_who_look_at_once_share_a_question() -> None:
    outlook, slurm = Outlook(), Slurm(gpu1=None, gpu2=None)
    gate = asyncio.Event()

    async def test(request: SessionRequest) -> int | None:
        found = await slurm.test(request)
        await gate.wait()
        return found

    looks = [
        asyncio.ensure_future(outlook.sizes("alice", cards("gpu1", "gpu2"), picture(), None, test)) for _ in range(20)
    ]
    async with asyncio.timeout(5):
        while slurm.asked < 2:  # one size does not wait for the other
            await asyncio.sleep(0)
        gate.set()
        assert {len(found) for found in await asyncio.gather(*looks)} == {2}
    assert slurm.asked == 2


async def test_who_tries_everything_asks_a_few_questions_at_a_time() -> None:
    asking, most, others = 0, 0, asyncio.Event()

    async def test(request: SessionRequest) -> int | None:
        nonlocal asking, most
        asking += 1
        most = max(most, asking)
        await asyncio.sleep(0)
        asking -= 1
        return None

    async def other(request: SessionRequest) -> int | None:
        others.set()
        return None

    outlook = Outlook()
    many = [
        outlook.sizes("alice", {"gpu1": request(memory_mib=mib)}, picture(), None, test) for mib in range(1024, 1124)
    ]
    everything = asyncio.gather(*many, outlook.sizes("bob", cards(), picture(), None, other))
    await others.wait()
    assert len(await everything) == 101
    assert most == 4


async def test_who_looks_away_takes_the_answer_from_nobody() -> None:
    asked, go = asyncio.Event(), asyncio.Event()

    async def test(request: SessionRequest) -> int | None:
        asked.set()
        await go.wait()
        return None

    outlook = Outlook()
    first, second = (asyncio.create_task(outlook.sizes("alice", cards(), picture(), None, test)) for _ in range(2))
    await asked.wait()
    first.cancel()
    go.set()
    assert [s.sentence for s in await second] == ["Waits in the queue"]


async def test_an_answer_that_went_wrong_is_asked_for_again() -> None:
    outlook = Outlook()

    async def broken(request: SessionRequest) -> int | None:
        raise OSError("no file descriptors left")

    with pytest.raises(OSError, match="no file"):
        await outlook.sizes("alice", cards(), picture(), None, broken)
    assert [s.name for s in await outlook.sizes("alice", cards(), picture(), None, Slurm(gpu1=None).test)] == ["gpu1"]


@pytest.mark.parametrize(
    ("seconds", "says"),
    [
        (1, "1 minute"),
        (60, "1 minute"),
        (61, "2 minutes"),
        (3540, "59 minutes"),
        (3600, "1 hour"),
        (7000, "2 hours"),
        (86400, "24 hours"),
        (86400 * 3, "3 days"),
    ],
)
def test_times_in_words(seconds: int, says: str) -> None:
    assert words(seconds) == says
