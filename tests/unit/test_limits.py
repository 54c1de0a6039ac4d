"""What limits in Slurm still allow, in words with numbers."""

from __future__ import annotations

import pytest

from spawners.allowed.entitlements import Choice, Person
from spawners.allowed.limits import Standing, Use, amount, how_many, reached, standing
from spawners.slurm.facts import Claim
from spawners.slurm.rules import Association, Cap, Partition, Qos, Rules, Tres

ANN = Person("ann", 1001)
CHOICE = Choice("gpu", "class", "normal", None, None)
TWO_GPUS: Tres = {"cpu": 4, "mem": 8192, "node": 1, "gres/gpu": 2}


def rules(
    *,
    own: Association | None = None,
    group: Cap | None = None,
    above: Cap | None = None,
    qos: Qos | None = None,
    partition: Qos | None = None,
    enforced: frozenset[str] = frozenset({"associations", "limits", "qos"}),
) -> Rules:
    kinds = [qos or Qos(name="normal"), *([partition] if partition else [])]
    return Rules(
        partitions={"gpu": Partition(name="gpu", state="UP", qos=partition.name if partition else "")},
        associations=(
            Association(account="school", group=above or Cap()),
            Association(account="class", parent="school", group=group or Cap()),
            Association(account="other", parent="school"),
            own or Association(account="class", user="ann", qos=("normal",)),
        ),
        qos={one.name: one for one in kinds},
        enforced=enforced,
    )


def claim(number: int, gpus: int = 1, uid: int = 1001, account: str = "class", **of: object) -> Claim:
    given = {"qos": "normal", "partition": "gpu", "runs": True, "tres": {"gres/gpu": gpus, "cpu": 2, "mem": 4096}, **of}
    return Claim(id=number, uid=uid, account=account, **given)


def says(known: Rules, *claims: Claim, asked: Tres = TWO_GPUS, choice: Choice = CHOICE) -> Standing:
    return standing(asked, ANN, choice, known, Use(claims))


GPUS = Cap(tres={"gres/gpu": 4})
FULL = (claim(1, 3), claim(2, 1), claim(3, 9, runs=False))


def test_without_limits_nothing_is_said() -> None:
    assert says(rules(), *FULL) == Standing()
    assert says(rules(qos=Qos(name="normal", per_user=GPUS), enforced=frozenset({"associations"})), *FULL) == Standing()
    assert says(Rules(), *FULL) == Standing()


def test_a_persons_gpus() -> None:
    known = rules(qos=Qos(name="normal", per_user=GPUS))
    assert says(known, *FULL) == Standing(
        waits="Your limit is 4 GPUs at once, and you use 4; it would wait until one of your sessions or jobs ends."
    )
    assert says(known, claim(1, 2)) == Standing()
    # Others, and jobs with another quality of service, do not count.
    assert says(known, claim(1, 3, uid=1002), claim(2, 3, qos="long")) == Standing()


def test_more_than_ever_may_be_used_is_refused() -> None:
    known = rules(qos=Qos(name="normal", per_user=Cap(tres={"gres/gpu": 1})))
    assert says(known).refused == "Your limit is 1 GPU at once, and you use 0; this needs 2 GPUs. Choose a smaller one."
    known = rules(own=Association(account="class", user="ann", qos=("normal",), per_job={"gres/gpu": 1}))
    assert says(known).refused == "A session may have at most 1 GPU here, and this needs 2 GPUs. Choose a smaller one."


def test_the_projects_gpus_are_counted_with_those_of_accounts_below() -> None:
    theirs = claim(1, 4, uid=1002, account="other")
    assert says(rules(group=GPUS), theirs) == Standing()
    assert says(rules(group=GPUS), claim(1, 4, uid=1002)).waits == (
        "Your project class uses 4 of its 4 GPUs; it would wait until something of that ends."
    )
    assert says(rules(above=GPUS), theirs).waits == (
        "Your project school uses 4 of its 4 GPUs; it would wait until something of that ends."
    )


def test_numbers_of_jobs() -> None:
    known = rules(own=Association(account="class", user="ann", qos=("normal",), own=Cap(jobs=2, submitted=3)))
    assert says(known, claim(1), claim(2, runs=False)) == Standing()
    assert says(known, claim(1), claim(2)).waits == (
        "You may have 2 sessions and jobs running at once, and you have 2; "
        "it would wait until one of your sessions or jobs ends."
    )
    assert says(known, claim(1), claim(2), claim(3, runs=False)).refused == (
        "You may have 3 sessions and jobs in the queue at once, and you have 3. End one of them first."
    )


def test_the_first_of_the_same_limit_counts() -> None:
    qos = Qos(name="normal", group=Cap(tres={"gres/gpu": 8}))
    assert says(rules(qos=qos, group=GPUS), *FULL) == Standing()
    # A partition's quality of service goes before the job's, and counts whatever runs in the partition.
    part = Qos(name="part", per_user=Cap(tres={"gres/gpu": 8}))
    known = rules(qos=Qos(name="normal", per_user=GPUS), partition=part)
    assert says(known, *FULL) == Standing()
    assert "8 GPUs" in says(known, *FULL, claim(4, 4, qos="long")).waits
    # Jobs of a person in an account are not counted where a quality of service counts people's or accounts'.
    own = Association(account="class", user="ann", qos=("normal",), own=Cap(jobs=2))
    assert says(rules(own=own), *FULL).waits
    assert says(rules(own=own, qos=Qos(name="normal", per_account=Cap(jobs=9))), *FULL) == Standing()
    # Unless the job's says otherwise.
    over = Qos(name="normal", per_user=GPUS, flags=frozenset({"OverPartQOS"}))
    assert "4 GPUs" in says(rules(qos=over, partition=part), *FULL).waits


def test_all_with_a_quality_of_service() -> None:
    known = rules(qos=Qos(name="normal", group=GPUS))
    assert says(known, claim(1, 4, uid=1002, account="elsewhere")).waits == (
        "Everybody with normal together uses 4 of 4 GPUs; it would wait until something of that ends."
    )


@pytest.mark.parametrize(
    ("what", "number", "words"),
    [
        ("gres/gpu", 1, "1 GPU"),
        ("gres/gpu:a100", 2, "2 a100 GPUs"),
        ("gres/shard", 3, "3 GPU slices"),
        ("cpu", 8, "8 cores"),
        ("mem", 1536, "1.5 GB of memory"),
        ("node", 1, "1 node"),
        ("license/matlab", 2, "2 license/matlab"),
    ],
)
def test_amounts_in_words(what: str, number: int, words: str) -> None:
    assert amount(what, number) == words


def test_how_many_more_the_limits_allow() -> None:
    def more(known: Rules, *claims: Claim, asked: Tres = TWO_GPUS) -> int | None:
        return how_many(asked, ANN, CHOICE, known, Use(claims))

    assert more(rules()) is None
    assert more(rules(qos=Qos(name="normal", per_job={"gres/gpu": 1}))) is None, "that is a limit on each alone"
    known = rules(qos=Qos(name="normal", per_user=Cap(tres={"gres/gpu": 5})))
    assert [more(known), more(known, claim(1, 2)), more(known, claim(1, 4)), more(known, claim(1, 9))] == [2, 1, 0, 0]
    assert more(known, asked={"cpu": 1, "gres/gpu": 0}) is None
    assert more(rules(qos=Qos(name="normal", per_user=Cap(tres={"gres/gpu": 5}, jobs=1)))) == 1


def test_the_limit_behind_a_reason() -> None:
    known = rules(group=GPUS, own=Association(account="class", user="ann", qos=("normal",), own=Cap(jobs=2)))
    use = Use(FULL)
    about = (TWO_GPUS, ANN, CHOICE, known, use)
    gpus, jobs = reached("gres/", *about), reached("jobs", *about)
    assert gpus
    assert gpus.sentence == "Your project class uses 4 of its 4 GPUs"
    assert jobs
    assert jobs.sentence == "You may have 2 sessions and jobs running at once, and you have 2"
    assert reached("mem", *about) is None
