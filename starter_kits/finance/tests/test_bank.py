"""The generator: what has to hold of the bank whatever its seed."""

import numpy as np
import pytest

from aml import laundering, world
from aml.book import HOURS


@pytest.fixture(scope="module")
def bank():
    return world.make(seed=3, count=1200, weeks=16)


def test_the_same_seed_makes_the_same_bank(bank):
    again = world.make(seed=3, count=1200, weeks=16)
    assert again.table.equals(bank.table)
    assert not world.make(seed=4, count=1200, weeks=16).table.equals(bank.table)


def test_laundering_is_rare_and_of_every_kind():
    large = world.make(seed=5)
    assert 0.001 < large.labels().mean() < 0.01
    assert set(large.schemes.kind) == set(range(len(laundering.TYPOLOGIES)))
    assert 0.7 < large.schemes.found.mean() < 0.98


def test_payments_are_in_the_order_of_time_and_in_whole_cents(bank):
    time, amount = bank.table["time"].to_numpy(), bank.table["amount"].to_numpy()
    assert (np.diff(time) >= 0).all()
    assert time.max() < bank.weeks * HOURS
    assert np.allclose(amount, amount.round(2))
    assert (amount > 0).all()


def test_closed_accounts_move_nothing(bank):
    closed = bank.schemes.closed
    for side in ("sender", "receiver"):
        own = bank.table[bank.table[side] < len(bank.people)]
        assert (own["time"].to_numpy() < closed[own[side]]).all()


def test_what_the_bank_knows_is_part_of_the_truth(bank):
    known, truth = bank.labels(known=True), bank.labels()
    assert known.sum() < truth.sum()
    assert not (known & ~truth).any()


def test_where_a_family_lives_does_not_decide_who_launders():
    large = world.make(seed=6, count=8000)
    launders = large.labels().any(axis=0)
    rates = [launders[large.people.ties == each].mean() for each in range(4)]
    assert max(rates) < 1.6 * min(rates)
