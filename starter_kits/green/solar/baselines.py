"""What a model has to beat. All are fitted on the same windows as the model, and tuned on the same later days.

Each gives quantiles of power, (N, H, K), for windows it has not seen.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler

from solar.scores import LEVELS, crps
from solar.windows import HORIZONS, Windows

Point = Callable[[Windows], np.ndarray]
"""Gives the clear-sky index of each hour ahead, (N, H)."""
Forecast = Callable[[Windows], np.ndarray]
"""Gives quantiles of power, (N, H, K)."""


def persistence(_: Windows) -> Point:
    """The clouds stay as they are: the clear-sky index of now, at every hour ahead."""
    return lambda windows: np.repeat(windows.now[:, None], HORIZONS, axis=1)


def smart_persistence(learn: Windows) -> Point:
    """A blend for each hour ahead of the index now, one and two hours ago, that of all parks, and the mean."""

    def few(windows: Windows) -> np.ndarray:
        chosen = [windows.names.index(name) for name in ("index_0", "index_2", "index_4", "all_0")]
        return np.column_stack([windows.x[:, chosen], np.ones(len(windows.x))])

    weights = []
    for h in range(HORIZONS):
        day = learn.counts[:, h]
        root = np.sqrt(learn.clear[day, h])
        weights.append(np.linalg.lstsq(few(learn)[day] * root[:, None], learn.index[day, h] * root, rcond=None)[0])
    return lambda windows: few(windows) @ np.column_stack(weights)


def ridge(learn: Windows, alpha: float) -> Point:
    """Ridge regression on all features, one for each hour ahead."""
    scaler = StandardScaler().fit(learn.x)
    models = []
    for h in range(HORIZONS):
        day = learn.counts[:, h]
        models.append(
            Ridge(alpha).fit(scaler.transform(learn.x[day]), learn.index[day, h], sample_weight=learn.clear[day, h])
        )
    return lambda windows: np.stack([model.predict(scaler.transform(windows.x)) for model in models], axis=1)


def quantile_boosting(learn: Windows, rows: int, leaves: int, rounds: int, seed: int) -> Forecast:
    """Gradient-boosted trees, one ensemble for each quantile, on all features and the hour ahead.

    ``rows`` of the windows' hours are drawn: a park's neighbours tell almost the same, and trees are slow.
    """
    x, truth, size, _, _ = _long(learn)
    drawn = np.random.default_rng(seed).permutation(len(x))[:rows]
    models = [
        HistGradientBoostingRegressor(
            loss="quantile",
            quantile=level,
            max_iter=rounds,
            learning_rate=0.08,
            max_leaf_nodes=leaves,
            min_samples_leaf=200,
            max_bins=63,
            early_stopping=False,
        ).fit(x[drawn], truth[drawn], sample_weight=size[drawn])
        for level in LEVELS
    ]

    def forecast(windows: Windows) -> np.ndarray:
        x, _, _, row, hour = _long(windows)
        index = np.zeros((*windows.power.shape, len(LEVELS)), np.float32)
        index[row, hour] = np.sort(np.column_stack([model.predict(x) for model in models]), axis=1)
        return index * windows.clear[..., None]

    return forecast


def with_spread(point: Point, learn: Windows, bins: int) -> Forecast:
    """A point forecast made probabilistic: what came of forecasts like this one, hour by hour.

    Forecasts of the same hour ahead are put into ``bins`` of equal size by their value; a bin's quantiles are those of
    the truth in it.
    """
    expected, truth = point(learn), learn.index
    edges, tables = [], []
    for h in range(HORIZONS):
        day = learn.counts[:, h]
        cuts = np.quantile(expected[day, h], np.linspace(0, 1, bins + 1)[1:-1])
        where = np.digitize(expected[day, h], cuts)
        whole = np.quantile(truth[day, h], LEVELS)
        table = [
            np.quantile(truth[day, h][where == b], LEVELS) if (where == b).sum() > len(LEVELS) else whole
            for b in range(bins)
        ]
        edges.append(cuts)
        tables.append(np.array(table))

    def forecast(windows: Windows) -> np.ndarray:
        expected = point(windows)
        index = np.stack([tables[h][np.digitize(expected[:, h], edges[h])] for h in range(HORIZONS)], axis=1)
        return index * windows.clear[..., None]

    return forecast


def best(candidates: dict[str, Forecast], tune: Windows) -> tuple[str, dict[str, float]]:
    """The name with the lowest CRPS on the tuning days, and everyone's CRPS there."""
    found = {name: crps(forecast(tune), tune) for name, forecast in candidates.items()}
    return min(found, key=found.__getitem__), found


def _long(windows: Windows) -> tuple[np.ndarray, ...]:
    """A row for each daylight hour ahead: features with the hour, index, clear-sky power, and where it came from."""
    row, hour = np.nonzero(windows.counts)
    clear = windows.clear[row, hour]
    return np.column_stack([windows.x[row], hour + 1, clear]), windows.index[row, hour], clear, row, hour
