"""The sensor's values: made by an equation with a delay, so that the past says much of the future, but not simply.

Source: M. C. Mackey and L. Glass, "Oscillation and Chaos in Physiological Control Systems", Science 197 (1977),
pp. 287-289.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float32]

_DELAY, _BETA, _GAMMA, _POWER = 17, 0.2, 0.1, 10
_WARM_UP = 500  # steps until where it started from no longer shows
_NOISE = 0.01  # of the sensor; the values lie between 0.2 and 1.4
_EVERY = 3  # steps of the equation between two readings


def readings(count: int, seed: int) -> Values:
    """So many readings, one after the other: shape (count,), without a unit."""
    random = np.random.default_rng(seed)
    steps = _WARM_UP + count * _EVERY
    x = np.empty(steps + _DELAY + 1)
    x[: _DELAY + 1] = 1.2 + 0.1 * random.standard_normal(_DELAY + 1)
    for t in range(_DELAY, steps + _DELAY):
        delayed = x[t - _DELAY]
        x[t + 1] = x[t] + _BETA * delayed / (1 + delayed**_POWER) - _GAMMA * x[t]
    clean = x[-count * _EVERY :: _EVERY]
    return (clean + _NOISE * random.standard_normal(count)).astype(np.float32)


def windows(values: Values, length: int, ahead: int) -> tuple[Values, Values]:
    """Each stretch of ``length`` readings, and the reading ``ahead`` after its last: shapes (n, length) and (n,)."""
    count = len(values) - length - ahead + 1
    past = np.lib.stride_tricks.sliding_window_view(values, length)[:count]
    return past.copy(), values[length + ahead - 1 :][:count]


def split(values: Values) -> tuple[Values, Values, Values]:
    """The first 70 %, the next 15 %, the last 15 %: to learn from, to choose by, and to test on, in time's order."""
    first, second = int(len(values) * 0.7), int(len(values) * 0.85)
    return values[:first], values[first:second], values[second:]
