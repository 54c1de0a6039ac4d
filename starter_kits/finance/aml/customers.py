"""Who banks here: segments, ties abroad, friends; and the accounts elsewhere that they deal with."""

from dataclasses import dataclass

import numpy as np

SEGMENTS = ("employee", "pensioner", "student", "self-employed", "landlord", "seller", "shop", "company")
EMPLOYEE, PENSIONER, STUDENT, SELF_EMPLOYED, LANDLORD, SELLER, SHOP, COMPANY = range(8)
_SHARES = (0.53, 0.16, 0.10, 0.07, 0.03, 0.02, 0.05, 0.04)
TIES = ("home", "neighbouring country", "other EU", "outside the EU")
_TIES = (0.55, 0.22, 0.13, 0.10)


@dataclass(frozen=True)
class People:
    """The customers, one account each, numbered from 0; and ranges of accounts elsewhere, by what they are.

    ``segment``, ``ties``: index in SEGMENTS and TIES (ties: where the family lives; no model reads it, fairness is
    measured by it). ``income``: EUR a month of wage, pension or allowance. ``friends``: (customers, 6) accounts.
    ``opened``: hours since the start of the book, negative for accounts that were there before.
    ``outside``: name -> (first, count) of accounts elsewhere.
    """

    segment: np.ndarray
    ties: np.ndarray
    income: np.ndarray
    friends: np.ndarray
    opened: np.ndarray
    outside: dict[str, tuple[int, int]]

    def __len__(self) -> int:
        return len(self.segment)

    def of(self, *segments: int) -> np.ndarray:
        """Numbers of the customers in these segments."""
        return np.flatnonzero(np.isin(self.segment, segments))

    def elsewhere(self, name: str, rng: np.random.Generator, size) -> np.ndarray:
        """Accounts elsewhere of that kind, drawn with few of them in much use, as merchants and employers are."""
        first, count = self.outside[name]
        return first + (count * rng.random(size) ** 2).astype(np.int32)


def make(count: int, hours: float, rng: np.random.Generator) -> People:
    """``count`` customers of a bank that serves its home market and commuters from over the border."""
    segment = rng.choice(len(SEGMENTS), size=count, p=_SHARES).astype(np.int8)
    ties = rng.choice(len(TIES), size=count, p=_TIES).astype(np.int8)
    monthly = np.array([3300, 2600, 650, 1500, 1800, 1700, 0, 0])[segment]
    income = monthly * rng.lognormal(0, 0.35, count)
    near = (np.arange(count)[:, None] + rng.integers(-40, 41, (count, 6))) % count
    friends = np.where(rng.random((count, 6)) < 0.25, rng.integers(0, count, (count, 6)), near).astype(np.int32)
    new = rng.random(count) < 0.12  # a bank gains customers all the year; being new is no sign by itself
    opened = np.where(new, rng.uniform(0, hours * 0.8, count), -1.0)
    sizes = {
        "cash": 1,
        "exchange": 4,
        "merchant": max(200, count // 8),
        "utility": 40,
        "employer": max(60, count // 12),
        "fund": 3,
        "landlord": max(60, count // 12),
        "firm": max(200, count // 4),
        "person": count * 2,
        "foreign": count,
    }
    outside, first = {}, count
    for name, size in sizes.items():
        outside[name] = (first, size)
        first += size
    return People(segment, ties, income, friends, opened, outside)
