"""Rules and use are asked for everybody, seldom, and outlive Slurm's silence."""

from __future__ import annotations

import asyncio

import pytest

from campus_base.errors import CampusError
from spawners import rulebook
from spawners.rulebook import Rulebook
from spawners.slurm.facts import Claim
from spawners.slurm.rules import Association, Partition, Qos, Rules

CLAIM = Claim(id=1, uid=1001, account="class", qos="normal", partition="gpu", runs=True, tres={"gres/gpu": 2})
ACCOUNTS = {"associations": (Association(account="class", user="ann"),), "qos": {"normal": Qos(name="normal")}}


class Slurm:
    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answer = Rules(accounting=True, enforced=frozenset({"limits"}), **ACCOUNTS)
        self.silent = False

    async def rules(self) -> Rules:
        return await self._say("rules", self.answer)

    async def claims(self) -> tuple[Claim, ...]:
        return await self._say("claims", (CLAIM,))

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
    await asyncio.gather(*(book.look() for _ in range(20)))
    assert slurm.asked == ["rules", "claims"]
    assert book.rules == slurm.answer
    assert book.use.of(book.use.keys(), "gres/gpu") == 2
    clock[0] += 10
    await book.look()
    assert slurm.asked == ["rules", "claims", "claims"]
    clock[0] += 60
    await book.look()
    assert slurm.asked == ["rules", "claims", "claims", "rules", "claims"]


async def test_what_people_use_is_asked_for_only_while_somebody_looks(
    book: Rulebook, slurm: Slurm, clock: list[float]
) -> None:
    await book.freshen()
    assert slurm.asked == ["rules"]
    await book.look()
    clock[0] += 30
    await book.freshen()
    assert slurm.asked == ["rules", "claims", "claims"]
    clock[0] += 31
    await book.freshen()
    assert slurm.asked == ["rules", "claims", "claims", "rules"]


async def test_where_no_limit_holds_nobodys_jobs_are_asked_for(book: Rulebook, slurm: Slurm) -> None:
    slurm.answer = Rules(partitions={"gpu": Partition(name="gpu", state="UP")})
    await book.look()
    assert slurm.asked == ["rules"]


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
    await book.look()
    before, used = book.rules, book.use
    slurm.silent = True
    clock[0] += 61
    await book.look()
    assert (book.rules, book.use) == (before, used)
    # slurmctld answers, slurmdbd does not: partitions are new, accounts stay.
    slurm.silent = False
    slurm.answer = Rules(accounting=True, partitions={"gpu": Partition(name="gpu", state="UP")})
    clock[0] += 61
    await book.look()
    assert list(book.rules.partitions) == ["gpu"]
    assert (book.rules.associations, book.rules.qos) == (ACCOUNTS["associations"], ACCOUNTS["qos"])
    # Accounting was given up: then there are none.
    slurm.answer = Rules(accounting=False)
    clock[0] += 61
    await book.look()
    assert book.rules.associations is None
