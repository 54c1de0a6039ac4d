"""What one person may use, put together from what Slurm and the accounts say."""

from __future__ import annotations

import os
import pwd
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import pytest

from spawners import identity
from spawners.allowed.limits import Use
from spawners.outlook import means
from spawners.outlook.means import means_of, partitions_for, slices_for
from spawners.slurm.rules import Association, Partition, Rules
from tests.unit.test_outlook import node, size

ME = pwd.getpwuid(os.geteuid())
GROUP = next(iter(identity._group_names(ME.pw_name, ME.pw_gid)))


class Rulebook:
    def __init__(self, rules: Rules) -> None:
        self.rules, self.looks = rules, 0
        self.entered: Rules | None = None
        """What Slurm says by now, which is asked for when the rules are doubted."""
        self.doubts = 0

    async def freshen(self) -> None:
        self.looks += 1

    def doubt(self) -> None:
        self.doubts += 1
        self.rules = self.entered or self.rules


def watch(rules: Rules, *nodes: Any) -> Any:
    picture, rulebook = SimpleNamespace(nodes={n.name: n for n in nodes}, use=Use()), Rulebook(rules)
    return SimpleNamespace(rulebook=rulebook, picture=picture, know=rulebook.freshen)


RULES = Rules(
    partitions={
        "gpu": Partition(name="gpu", state="UP", allowed_groups=frozenset({GROUP})),
        "admin": Partition(name="admin", state="UP", allowed_groups=frozenset({"no-group-of-mine"})),
    },
    associations=(Association(account="team", user=ME.pw_name, default=True, qos=("normal",), default_qos="normal"),),
    qos={},
    enforced=frozenset({"associations"}),
)


async def test_it_is_this_persons() -> None:
    found = await means_of(ME.pw_name, watch(RULES, node()), [size()])
    assert found is not None
    assert [(w.partition, w.account, w.qos, w.default) for w in found.ways] == [("gpu", "team", "normal", True)]
    assert (found.person.name, found.person.uid) == (ME.pw_name, ME.pw_uid)
    assert found.holds == {"gpu1": frozenset({"gpu"})}


async def test_who_was_entered_since_the_last_look_is_found_at_once() -> None:
    others = (Association(account="team", user="somebody-else", default=True, qos=("normal",), default_qos="normal"),)
    new = watch(Rules(partitions=RULES.partitions, associations=others, qos={}, enforced=RULES.enforced), node())
    found = await means_of(ME.pw_name, new, [size()])
    assert found is not None
    assert (list(found.ways), new.rulebook.doubts) == ([], 1)
    new.rulebook.entered = RULES
    found = await means_of(ME.pw_name, new, [size()])
    assert found is not None
    assert [w.account for w in found.ways] == ["team"]
    before = new.rulebook.doubts
    await means_of(ME.pw_name, new, [size()])
    assert new.rulebook.doubts == before


@pytest.mark.parametrize(("name", "rules"), [("nobody-of-that-name", RULES), (ME.pw_name, Rules())])
async def test_what_nobody_knows(name: str, rules: Rules) -> None:
    assert await means_of(name, watch(rules), []) is None


async def test_a_directory_that_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    async def silent(name: str) -> None:
        raise identity.DirectorySilent("no answer")

    monkeypatch.setattr(means, "account_named", silent)
    assert await means_of(ME.pw_name, watch(RULES), []) is None


def test_which_partitions_hold_a_size() -> None:
    nodes = {
        "n1": node("n1", gpus={"a100": 4}, gpus_used={"a100": 4}),
        "n2": node("n2", gpus={"h100": 2}, partitions=frozenset({"gpu", "new"})),
        "n3": node("n3", gpus={}, partitions=frozenset({"cpu"})),
    }
    sizes = [size("any"), size("a100", gpu_type="a100"), size("many", gpus=4), size("none", gpus=0)]
    assert partitions_for(sizes, nodes) == {
        "any": frozenset({"gpu", "new"}),
        "a100": frozenset({"gpu"}),
        "many": frozenset({"gpu"}),
        "none": frozenset({"gpu", "new", "cpu"}),
    }
    assert partitions_for(sizes, {}) == {}


def test_slices() -> None:
    nodes = {"n1": node("n1", shards_per_gpu=4), "n2": node("n2", partitions=frozenset({"whole"}))}
    sizes = [size("quarter", gpus=0, shards=1), size("more", gpus=0, shards=5), size("one")]
    held = partitions_for(sizes, nodes)
    assert (held["quarter"], held["more"]) == (frozenset({"gpu"}), frozenset())
    assert slices_for(sizes, nodes) == {"quarter": Fraction(1, 4), "more": Fraction(5, 4)}
    assert slices_for(sizes, {}) == {}
