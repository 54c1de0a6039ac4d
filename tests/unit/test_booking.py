"""What a live class needs of the cluster, and what the site lets it have."""

from __future__ import annotations

from typing import Any

import pytest

from spawners.allowed.booking import NoClass, Terms, Wish, is_class, name_of, plan, seats
from spawners.allowed.offer import SessionSize
from spawners.slurm import Node
from spawners.slurm.cli.reservations import book_command
from spawners.slurm.rules import Reservation

NOW = 1_796_000_000  # 2026-11-30 00:53:20 UTC
TERMS = Terms(gpus=8, longest=4 * 3600, ahead=60 * 86400, each=2)
NODES = {
    f"n{number}": Node(
        name=f"n{number}",
        address="10.0.0.1",
        state="idle",
        partitions=frozenset({"gpu"}),
        gpus={"": 4},
        gpus_used={},
        shards_per_gpu=4,
        cpus_free=32,
        memory_free_mib=64000,
    )
    for number in range(4)
}


def size(**more: Any) -> SessionSize:
    wanted: dict[str, Any] = {"gpus": 1, "gpu_type": None, "cpus": 1, "memory_mib": 1024, **more}
    return SessionSize(
        name="s", title="S", description="", partition="gpu", seconds=3600, max_seconds=7200, account=None, **wanted
    )


def wish(**more: Any) -> Wish:
    return Wish(**{"start": NOW + 3600, "minutes": 90, "people": 6, "size": size(), **more})


def planned(asked: Wish, *reservations: Reservation, nodes: Any = NODES, users: tuple[str, ...] = ("ada",)) -> Any:
    return plan("dl", asked, users, TERMS, nodes, reservations, NOW)


def other(start: int, course: str = "other", nodes: tuple[str, ...] = ("n0",)) -> Reservation:
    return Reservation(name=name_of(course, start), start=start, end=start + 3600, nodes=frozenset(nodes))


def test_whole_nodes_for_the_people_of_a_class() -> None:
    assert planned(wish()).nodes == 2
    assert planned(wish(people=4)).nodes == 1
    assert planned(wish(people=30, size=size(gpus=0, shards=1))).nodes == 2
    # A session's slices are on one GPU: of three slices there is one session to a GPU.
    assert seats(NODES["n0"], size(gpus=0, shards=3)) == 4
    assert book_command(planned(wish())) == [
        "scontrol",
        "create",
        "reservation",
        "ReservationName=class-dl-20261130-0153",
        f"StartTime=uts{NOW + 3600}",
        "Duration=90",
        "PartitionName=gpu",
        "NodeCnt=2",
        "Users=ada",
        "Flags=PURGE_COMP=00:30:00",
    ]


def test_others_classes_at_that_time_count() -> None:
    assert planned(wish(people=4), other(NOW + 3600))
    with pytest.raises(NoClass, match=r"needs 8 GPUs .* other classes have 4 of them then"):
        planned(wish(), other(NOW + 3600))
    assert planned(wish(), other(NOW + 3600 + 90 * 60))  # begins when this one ends
    maintenance = Reservation(name="maintenance", start=NOW, end=NOW + 86400, nodes=frozenset(NODES))
    assert planned(wish(), maintenance)  # whether nodes are free is Slurm's to say


def test_a_course_has_so_many_classes() -> None:
    booked = [other(NOW + day * 86400, "dl") for day in (10, 20)]
    with pytest.raises(NoClass, match="dl has 2 classes booked"):
        planned(wish(), *booked)
    assert planned(wish(), booked[0], other(NOW + 20 * 86400, "dl-2"))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"start": NOW - 1}, "This time is over"),
        ({"start": NOW + 61 * 86400}, "up to 60 days ahead"),
        ({"minutes": 241}, "from 1 to 240 minutes"),
        ({"minutes": 0}, "from 1 to 240 minutes"),
        ({"people": 0}, "1 to 1000 people"),
        ({"people": 17}, "room for 16 such sessions"),
        ({"people": 12}, "needs 12 GPUs"),
        ({"size": size(gpus=0)}, "needs no GPU"),
        ({"size": size(gpus=8)}, "needs no GPU|room"),
    ],
)
def test_what_is_not_booked(change: dict[str, Any], says: str) -> None:
    with pytest.raises(NoClass, match=says):
        planned(wish(**change))


def test_a_class_without_people_or_on_mixed_nodes() -> None:
    with pytest.raises(NoClass, match="nobody yet"):
        planned(wish(), users=())
    mixed = NODES | {"n9": NODES["n0"].model_copy(update={"name": "n9", "gpus": {}})}
    with pytest.raises(NoClass, match="Not every node of gpu"):
        planned(wish(), nodes=mixed)


def test_a_class_is_told_by_its_name() -> None:
    assert is_class("class-dl-20261130-0153", "dl")
    assert not is_class("class-dl-2-20261130-0153", "dl")
    assert is_class("class-dl-2-20261130-0153")
    assert not is_class("dl-20261130-0153")
