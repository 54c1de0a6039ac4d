"""Who may use what on the cluster, in which combination and for how long."""

from __future__ import annotations

from typing import Any

import pytest

from spawners.allowed.entitlements import Choice, Person, choices
from spawners.allowed.offer import RequestRefused, SessionSize
from spawners.allowed.ways import Means, way_for
from spawners.slurm.rules import Association, Partition, Qos, Reservation, Rules

NOW = 1_800_000_000
HOUR = 3600
NODES = frozenset({"n1", "n2"})
ANN = Person("ann", 1001, frozenset({"people"}))
BOB = Person("bob", 1002, frozenset({"people", "crew"}))


def rules(
    *,
    partitions: tuple[Partition, ...] = (Partition(name="gpu", state="UP", nodes=NODES),),
    reservations: tuple[Reservation, ...] = (),
    more: tuple[Association, ...] = (),
    qos: tuple[Qos, ...] = (),
    enforced: frozenset[str] = frozenset({"associations", "limits", "qos"}),
) -> Rules:
    """Ann in the account class below school, with the default of normal, and whatever a test adds."""
    associations = (
        Association(account="root", qos=("normal",)),
        Association(account="school", parent="root"),
        Association(account="class", parent="school"),
        Association(account="class", user="ann", default=True, qos=("normal", "long"), default_qos="normal"),
    )
    return Rules(
        partitions={p.name: p for p in partitions},
        reservations={r.name: r for r in reservations},
        associations=(*associations, *more),
        qos={q.name: q for q in (Qos(name="normal"), Qos(name="long"), *qos)},
        enforced=enforced,
    )


def ways(found: tuple[Choice, ...]) -> list[tuple[str, str | None, str | None, str | None]]:
    return [(c.partition, c.account, c.qos, c.reservation) for c in found]


# ---------------------------------------------------------------- partitions, accounts, qualities of service


def test_what_slurm_takes_by_itself_comes_first() -> None:
    found = choices(ANN, rules(), NOW)
    assert ways(found) == [("gpu", "class", "normal", None), ("gpu", "class", "long", None)]
    assert [c.default for c in found] == [True, False]


def test_without_an_association_nothing_is_allowed_unless_slurm_asks_for_none() -> None:
    assert choices(BOB, rules(), NOW) == ()
    assert ways(choices(BOB, rules(enforced=frozenset()), NOW)) == [("gpu", None, None, None)]


def test_without_accounting_partitions_and_reservations_are_known() -> None:
    known = Rules(
        partitions={"gpu": Partition(name="gpu", state="UP", nodes=NODES, max_seconds=HOUR)},
        reservations={"r": Reservation(name="r", start=NOW - 1, end=NOW + 60, users=frozenset({"ann"}), nodes=NODES)},
    )
    assert ways(choices(ANN, known, NOW)) == [("gpu", None, None, None), ("gpu", None, None, "r")]
    assert ways(choices(BOB, known, NOW)) == [("gpu", None, None, None)]


@pytest.mark.parametrize(
    ("how", "ann", "bob"),
    [
        ({"state": "DRAIN"}, 0, 0),
        ({"state": "INACTIVE"}, 0, 0),
        ({"root_only": True}, 0, 0),
        ({"allowed_groups": frozenset({"crew"})}, 0, 1),
        ({"allowed_accounts": frozenset({"class"})}, 2, 0),
        ({"allowed_accounts": frozenset({"staff"})}, 0, 1),
        ({"denied_accounts": frozenset({"class"})}, 0, 1),
        # Slurm does not heed the denied ones where it names allowed ones.
        ({"allowed_accounts": frozenset({"class"}), "denied_accounts": frozenset({"class"})}, 2, 0),
        ({"allowed_qos": frozenset({"long"})}, 1, 0),
        ({"denied_qos": frozenset({"long"})}, 1, 1),
    ],
)
def test_a_partition_says_whom_it_takes(how: dict[str, Any], ann: int, bob: int) -> None:
    known = rules(
        partitions=(Partition(**{"name": "gpu", "state": "UP", **how}),),
        more=(Association(account="staff", user="bob", default=True, qos=("normal",)),),
    )
    assert (len(choices(ANN, known, NOW)), len(choices(BOB, known, NOW))) == (ann, bob)


def test_an_association_for_one_partition_goes_before_one_for_all() -> None:
    known = rules(
        partitions=(Partition(name="gpu", state="UP"), Partition(name="cpu", state="UP")),
        more=(Association(account="class", user="ann", partition="cpu", default=True, qos=("long",)),),
    )
    assert ways(choices(ANN, known, NOW)) == [
        ("gpu", "class", "normal", None),
        ("gpu", "class", "long", None),
        ("cpu", "class", "long", None),
    ]


# ---------------------------------------------------------------- how long


def choice_for(known: Rules, **of: str) -> Choice:
    """What Ann gets who asks for this in the partition gpu."""
    size = SessionSize("s", "", "", "gpu", 0, None, 1, 1024, 60, 60, None)
    return way_for(of, size, Means(NOW, choices(ANN, known, NOW)))


def longest(known: Rules, **of: str) -> tuple[int | None, str]:
    choice = choice_for(known, **of)
    return choice.seconds, choice.clipped_by


def test_nothing_limits_the_time() -> None:
    assert longest(rules()) == (None, "")


@pytest.mark.parametrize(
    ("partition", "part_qos", "qos", "association", "expected"),
    [
        (2 * HOUR, None, None, None, 2 * HOUR),
        (2 * HOUR, None, HOUR, None, HOUR),
        (HOUR, None, 2 * HOUR, None, HOUR),
        (None, None, None, HOUR, HOUR),
        # The same limit in several places: the first in Slurm's order counts, the shorter one or not.
        (None, None, 3 * HOUR, HOUR, 3 * HOUR),
        (None, 5 * HOUR, 3 * HOUR, HOUR, 5 * HOUR),
    ],
)
def test_the_time_is_clipped_by_partition_qos_and_association(
    partition: int | None, part_qos: int | None, qos: int | None, association: int | None, expected: int
) -> None:
    known = Rules(
        partitions={"gpu": Partition(name="gpu", state="UP", max_seconds=partition, qos="part")},
        associations=(Association(account="a", user="ann", default=True, qos=("q",), wall=association),),
        qos={"q": Qos(name="q", wall=qos), "part": Qos(name="part", wall=part_qos)},
        enforced=frozenset({"associations", "limits", "qos"}),
    )
    assert longest(known) == (expected, "")
    lax = known.model_copy(update={"enforced": frozenset({"associations"})})
    assert longest(lax) == (partition, "")


def test_flags_of_a_qos_lift_the_limits_of_a_partition() -> None:
    def known(flag: str) -> Rules:
        return Rules(
            partitions={"gpu": Partition(name="gpu", state="UP", max_seconds=HOUR, qos="part")},
            associations=(Association(account="a", user="ann", default=True, qos=("q",)),),
            qos={"q": Qos(name="q", wall=3 * HOUR, flags=frozenset({flag})), "part": Qos(name="part", wall=2 * HOUR)},
            enforced=frozenset({"associations", "limits", "qos"}),
        )

    assert longest(known("NoReserve")) == (HOUR, "")
    assert longest(known("PartitionTimeLimit")) == (2 * HOUR, "")
    assert longest(known("OverPartQOS")) == (HOUR, "")


# ---------------------------------------------------------------- reservations


def reservation(**of: Any) -> Reservation:
    return Reservation(**{"name": "r", "start": NOW - 10, "end": NOW + HOUR, "nodes": NODES, **of})


@pytest.mark.parametrize(
    ("of", "open_to"),
    [
        ({"users": frozenset({"ann"})}, True),
        ({"users": frozenset({"bob"})}, False),
        ({}, False),
        ({"accounts": frozenset({"class"})}, True),
        ({"accounts": frozenset({"school"})}, True),  # and whoever is below
        ({"accounts": frozenset({"staff"})}, False),
        ({"groups": frozenset({"people"})}, True),
        ({"groups": frozenset({"crew"})}, False),
        ({"users": frozenset({"ann"}), "accounts": frozenset({"staff"})}, False),
        ({"denied_users": frozenset({"ann"})}, False),
        ({"denied_users": frozenset({"bob"})}, True),
        ({"accounts": frozenset({"class"}), "denied_users": frozenset({"ann"})}, False),
        ({"denied_accounts": frozenset({"school"})}, False),
        ({"users": frozenset({"ann"}), "nodes": frozenset({"elsewhere"})}, False),
        ({"users": frozenset({"ann"}), "partition": "cpu"}, False),
        ({"users": frozenset({"ann"}), "end": NOW - 1}, False),
    ],
)
def test_a_reservation_is_offered_to_whom_it_is_for(of: dict[str, Any], open_to: bool) -> None:
    found = choices(ANN, rules(reservations=(reservation(**of),)), NOW)
    assert any(c.reservation == "r" for c in found) is open_to


def test_a_session_fits_into_its_reservation() -> None:
    mine = {"users": frozenset({"ann"})}
    known = rules(reservations=(reservation(**mine),))
    assert longest(known, reservation="r") == (HOUR, "reservation")
    assert longest(known) == (None, "")
    later = reservation(**mine, start=NOW + 600)
    choice = choice_for(rules(reservations=(later,)), reservation="r")
    assert (choice.seconds, choice.starts) == (HOUR - 600, NOW + 600)
    flexible = reservation(**mine, start=NOW + 600, flags=frozenset({"FLEX"}))
    choice = choice_for(rules(reservations=(flexible,)), reservation="r")
    assert (choice.seconds, choice.starts) == (None, None)


def test_a_maintenance_of_the_whole_partition_comes_first() -> None:
    def known(**of: Any) -> Rules:
        shut = {"flags": frozenset({"MAINT"}), "users": frozenset({"root"}), "start": NOW + HOUR, "end": NOW + 9 * HOUR}
        return rules(reservations=(reservation(**{**shut, **of}),))

    assert longest(known()) == (HOUR, "maintenance")
    assert longest(known(nodes=frozenset({"n1"}))) == (None, "")
    assert longest(known(flags=frozenset({"OVERLAP"}))) == (None, "")
    for start in (NOW - HOUR, NOW + 30):
        choice = choice_for(known(start=start))
        assert (choice.seconds, choice.starts) == (None, NOW + 9 * HOUR)


def test_a_qos_may_ask_for_a_reservation() -> None:
    only = Qos(name="long", flags=frozenset({"RequiresReservation"}))
    known = rules(qos=(only,), reservations=(reservation(users=frozenset({"ann"})),))
    assert ("gpu", "class", "long", None) not in ways(choices(ANN, known, NOW))
    with pytest.raises(RequestRefused, match="'long' may be used in a reservation only"):
        choice_for(known, qos="long")
    assert choice_for(known, qos="long", reservation="r").qos == "long"
