"""How good a forecast is: sharp and right at once, scored only by day."""

from __future__ import annotations

import numpy as np
import pandas as pd

from solar.windows import Windows

LEVELS = np.array([0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95])
"""The K quantiles that every forecast gives."""
MEDIAN = 5
INTERVALS = {90: (0, 10), 80: (1, 9), 60: (2, 8), 40: (3, 7), 20: (4, 6)}
"""Central intervals by their nominal coverage in per cent: which two quantiles bound them."""


def pinball(quantiles: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Twice the mean pinball loss over the levels: a discrete CRPS (Gneiting and Raftery 2007).

    ``quantiles`` is (..., K), ``truth`` (...); the result is (...), in the unit of both. Lower is better, and only the
    true distribution's quantiles are best on average.
    """
    missed = truth[..., None] - quantiles
    return 2 * np.maximum(LEVELS * missed, (LEVELS - 1) * missed).mean(-1)


def crps(quantiles: np.ndarray, windows: Windows) -> float:
    """Mean over all daylight hours ahead, in per cent of the inverter's rating; ``quantiles`` (N, H, K) of power."""
    return float(100 * pinball(quantiles, windows.power)[windows.counts].mean())


def by_horizon(quantiles: np.ndarray, windows: Windows) -> np.ndarray:
    """The same for each hour ahead, (H,)."""
    loss = 100 * pinball(quantiles, windows.power)
    return np.array([loss[windows.counts[:, h], h].mean() for h in range(loss.shape[1])])


def rmse(point: np.ndarray, windows: Windows) -> float:
    """Root mean square error of a point forecast (N, H), in per cent of the inverter's rating."""
    return float(100 * np.sqrt(((point - windows.power)[windows.counts] ** 2).mean()))


def reliability(quantiles: np.ndarray, windows: Windows) -> np.ndarray:
    """How often the truth was at or below each quantile, (K,): equal to the levels where a forecast is calibrated.

    At night, and where cloudless power is the ceiling, ties are broken in the middle.
    """
    truth, given = windows.power[windows.counts][:, None], quantiles[windows.counts]
    return ((truth < given).mean(0) + (truth <= given).mean(0)) / 2


def coverage(quantiles: np.ndarray, windows: Windows) -> pd.DataFrame:
    """Intervals: nominal and observed coverage, and mean width, all in per cent."""
    truth, given = windows.power[windows.counts], quantiles[windows.counts]
    rows = [
        {
            "nominal": nominal,
            "observed": 100 * ((truth >= given[:, low]) & (truth <= given[:, high])).mean(),
            "mean width": 100 * (given[:, high] - given[:, low]).mean(),
        }
        for nominal, (low, high) in INTERVALS.items()
    ]
    return pd.DataFrame(rows)


def held(quantiles: np.ndarray, windows: Windows, nominal: int) -> float:
    """Observed coverage of one of :data:`INTERVALS`, in per cent."""
    return float(coverage(quantiles, windows).set_index("nominal")["observed"][nominal])


def block_gain(first: np.ndarray, second: np.ndarray, windows: Windows, draws: int = 500) -> tuple[float, float]:
    """A 95 per cent interval of how much lower the second forecast's CRPS is, in per cent of the rating.

    Weeks are drawn with replacement, all parks of a week together: hours and neighbours share their weather, so they
    are no independent evidence.
    """
    loss = 100 * (pinball(first, windows.power) - pinball(second, windows.power)) * windows.counts
    week = np.asarray(windows.time.isocalendar().week, dtype=int)
    total = np.bincount(week, loss.sum(1))[1:]
    count = np.bincount(week, windows.counts.sum(1))[1:]
    chosen = np.random.default_rng(0).integers(0, len(total), (draws, len(total)))
    gains = total[chosen].sum(1) / count[chosen].sum(1)
    low, high = np.quantile(gains, [0.025, 0.975])
    return float(low), float(high)
