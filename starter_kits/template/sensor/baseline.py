"""What the network has to beat: a linear model, and boosted trees, on the same windows."""

from __future__ import annotations

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge

from sensor.data import Values


def fitted(past: Values, future: Values, seed: int) -> dict[str, Ridge | HistGradientBoostingRegressor]:
    """The baselines, by name, learnt from these windows."""
    return {
        "linear": Ridge(alpha=1e-3).fit(past, future),
        "boosted trees": HistGradientBoostingRegressor(random_state=seed).fit(past, future),
    }


def error(forecast: Values, future: Values) -> float:
    """Mean absolute error, in the unit of the readings."""
    return float(np.abs(forecast - future).mean())
