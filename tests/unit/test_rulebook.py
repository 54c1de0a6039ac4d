"""Rules are asked for everybody, seldom, and outlive Slurm's silence."""

from __future__ import annotations

import asyncio

import pytest

from campus_base.errors import CampusError
from spawners.cluster import rulebook
from spawners.cluster.rulebook import Rulebook
from spawners.slurm.rules import Association, Partition, Qos, Rules

ACCOUNTS = {"associations": (Association(account="class", user="ann"),), "qos": {"normal": Qos(name="normal")}}


class Slurm:
    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answer = Rules(accounting=True, enforced=frozenset({"limits"}), **ACCOUNTS)
        self.silent = False

    async def rules(self) -> Rules:
        return await self._say("rules", self.answer)

    async def _say(self, what, answer):
        self.asked.append(what)
        await asyncio.sleep(0)
        if self.silent:
            raise CampusError("slurm-silent", "Slurm does not answer.", "Wait.")
        return answer


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(rulebook.time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def slurm() -> Slurm:
    return Slurm()


@pytest.fixture
def book(slurm: Slurm, clock: list[float]) -> Rulebook:
    return Rulebook(slurm)  # type: ignore[arg-type]


async def test_whoever_looks_shares_the_answers(book: Rulebook, slurm: Slurm, clock: list[float]) -> None:
    await asyncio.gather(*(book.freshen() for _ in range(20)))
    assert slurm.asked == ["rules"]
    assert book.rules == slurm.answer
    clock[0] += 60
    await book.freshen()
    assert slurm.asked == ["rules"]
    clock[0] += 1
    await book.freshen()
    assert slurm.asked == ["rules", "rules"]


async def test_a_refusal_makes_the_rules_doubtful(book: Rulebook, slurm: Slurm, clock: list[float]) -> None:
    await book.freshen()
    book.doubt()
    await book.freshen()
    assert slurm.asked == ["rules"], "whoever asks for nonsense again and again does not make Slurm busy"
    clock[0] += 4
    await book.freshen()
    assert slurm.asked == ["rules", "rules"]
    clock[0] += 4
    await book.freshen()
    assert slurm.asked == ["rules", "rules"]


async def test_silence_leaves_what_was_known(book: Rulebook, slurm: Slurm, clock: list[float]) -> None:
    await book.freshen()
    before = book.rules
    slurm.silent = True
    clock[0] += 61
    await book.freshen()
    assert book.rules == before
    # slurmctld answers, slurmdbd does not: partitions are new, accounts stay.
    slurm.silent = False
    slurm.answer = Rules(accounting=True, partitions={"gpu": Partition(name="gpu", state="UP")})
    clock[0] += 61
    await book.freshen()
    assert list(book.rules.partitions) == ["gpu"]
    assert (book.rules.associations, book.rules.qos) == (ACCOUNTS["associations"], ACCOUNTS["qos"])
    # Accounting was given up: then there are none.
    slurm.answer = Rules(accounting=False)
    clock[0] += 61
    await book.freshen()
    assert book.rules.associations is None
