"""From a forecast to an offer: how much energy to sell ahead of an hour that nobody knows yet.

A newsvendor's problem (Arrow, Harris, Marschak 1951; for renewables: Pinson, Chevallier, Kariniotakis 2007). The prices
are assumptions to be replaced by those of one's own market.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from solar.scores import LEVELS

SCENARIOS = (np.arange(20) + 0.5) / 20
"""Probabilities at which a forecast is read as equally likely outcomes."""


@dataclass(frozen=True)
class Prices:
    """Euro per megawatt-hour."""

    sold: float = 70.0
    """For energy offered ahead."""
    short: float = 140.0
    """What a missing megawatt-hour costs: more than it was sold for."""
    surplus: float = 40.0
    """What a megawatt-hour too much still brings: less than it would have been sold for."""

    def __post_init__(self) -> None:
        if not self.surplus < self.sold < self.short:
            raise ValueError(f"surplus < sold < short must hold, not {self.surplus} < {self.sold} < {self.short}")

    @property
    def quantile(self) -> float:
        """The probability of falling short at which one more megawatt-hour offered neither gains nor loses."""
        return (self.sold - self.surplus) / (self.short - self.surplus)


def income(offered: np.ndarray, given: np.ndarray, prices: Prices) -> np.ndarray:
    """Euro for energies in MWh: the offer, less what is missing, and with what is too much."""
    missing, extra = np.maximum(offered - given, 0), np.maximum(given - offered, 0)
    return prices.sold * offered - prices.short * missing + prices.surplus * extra


def at(quantiles: np.ndarray, probability: float) -> np.ndarray:
    """A forecast's quantile at any probability, (...) from (..., K): linear between levels, flat beyond."""
    place = float(np.interp(probability, LEVELS, np.arange(len(LEVELS))))
    low = int(place)
    high = min(low + 1, len(LEVELS) - 1)
    return quantiles[..., low] + (place - low) * (quantiles[..., high] - quantiles[..., low])


def offer(quantiles: np.ndarray, prices: Prices, caution: float = 0.0, tail: float = 0.1) -> np.ndarray:
    """What to offer, (...) from quantiles (..., K), in their unit.

    ``caution`` is from 0 to 1: nothing but the expected income counts at 0, nothing but the expected income of the
    worst ``tail`` of outcomes (conditional value at risk) at 1. At 0 the answer is the quantile of ``prices``; else the
    best of the outcomes themselves is taken, which is exact for outcomes as few as these: income is piecewise linear
    between them.
    """
    if not 0 <= caution <= 1:
        raise ValueError(f"caution = {caution}: it must be from 0 to 1")
    if caution == 0:
        return at(quantiles, prices.quantile)
    outcomes = np.stack([at(quantiles, p) for p in SCENARIOS], axis=-1)
    worst = max(1, round(tail * len(SCENARIOS)))
    values = []
    for k in range(len(SCENARIOS)):
        gained = np.sort(income(outcomes[..., k : k + 1], outcomes, prices), axis=-1)
        values.append((1 - caution) * gained.mean(-1) + caution * gained[..., :worst].mean(-1))
    chosen = np.argmax(np.stack(values, -1), -1)
    return np.take_along_axis(outcomes, chosen[..., None], -1)[..., 0]


def yearly(earned: np.ndarray, days: np.ndarray, draws: int = 500) -> tuple[float, float, float]:
    """Sum of hourly euros, and a 95 per cent interval of it: whole days are drawn with replacement."""
    _, day = np.unique(days, return_inverse=True)
    sums = np.bincount(day, earned)
    drawn = np.random.default_rng(0).integers(0, len(sums), (draws, len(sums)))
    low, high = np.quantile(sums[drawn].sum(1), [0.025, 0.975])
    return float(sums.sum()), float(low), float(high)
