"""A park's year at the market: what each way of offering would have earned in the test year."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd

from solar import data, market, train
from solar.plant import Plant, clear_power
from solar.scores import MEDIAN

POINT, RIVAL, NETWORK, PERFECT = (
    "network, median only",
    "best baseline, uncertainty used",
    "network, uncertainty used",
    "perfect foresight",
)
"""The ways of offering, from what everybody does to what nobody can."""


@dataclass(frozen=True)
class Park:
    """One park's forecasts and truth in the test year. Shapes and powers as in Windows."""

    time: pd.DatetimeIndex
    clear: np.ndarray
    power: np.ndarray
    counts: np.ndarray
    quantiles: np.ndarray
    rival: np.ndarray

    def scaled(self, factor: np.ndarray) -> Park:
        """The same clouds over other rows: everything times (N, H)."""
        more = factor[..., None]
        return Park(
            self.time, self.clear * factor, self.power * factor, self.counts, self.quantiles * more, self.rival * more
        )


def park(site: int) -> Park:
    """What was kept of the test year for one of the parks that are forecast. Raises FileNotFoundError as train.kept."""
    kept = _kept()
    its = kept["site"] == site
    if not its.any():
        raise ValueError(f"site {site} is not forecast; these are: {', '.join(map(str, np.unique(kept['site'])))}")
    times = pd.DatetimeIndex(pd.to_datetime(kept["unix_seconds"][its], unit="s", utc=True))
    return Park(times, *(kept[name][its] for name in ("clear", "power", "counts", "quantiles", "rival")))


@lru_cache(maxsize=1)
def _kept() -> dict[str, np.ndarray]:
    return train.kept()


@lru_cache(maxsize=16)
def fixed(site: int, tilt: float) -> np.ndarray:
    """How much fixed rows give compared with the trackers of the data, under a clear sky: (N, H).

    Used on clouds too, as if they took the same share from both: an approximation, since fixed rows live more of
    diffuse light.
    """
    its = park(site)
    where = _places().loc[site]
    hours = pd.DatetimeIndex(
        (its.time.as_unit("s").asi8[:, None] + 3600 * np.arange(1, its.power.shape[1] + 1)).ravel() * 1_000_000_000,
        tz="UTC",
    )
    plant = Plant(tracker=False, tilt=tilt)
    each, back = np.unique(hours.asi8, return_inverse=True)
    ends = pd.DatetimeIndex(each, tz="UTC")
    halves = [
        clear_power(ends - pd.Timedelta(minutes=ago), where["latitude"], where["longitude"], plant) for ago in (0, 30)
    ]
    given = ((halves[0].to_numpy() + halves[1].to_numpy()) / 2)[back].reshape(its.power.shape)
    return np.where(its.counts, given / np.where(its.counts, its.clear, 1.0), 0.0)


@lru_cache(maxsize=1)
def _places() -> pd.DataFrame:
    with np.load(data.FILE, allow_pickle=False) as kept:
        return pd.DataFrame({"latitude": kept["latitude"], "longitude": kept["longitude"]}).astype(float)


def hours(its: Park, lead: int, megawatts: float, prices: market.Prices, caution: float = 0.0) -> pd.DataFrame:
    """Every daylight hour that could be offered ``lead`` hours ahead: a row an hour, by when it begins (UTC).

    Columns: ``given`` and, for each way of offering, ``(way, "offer")`` in MWh and ``(way, "euro")``.
    """
    day = its.counts[:, lead - 1]
    given = its.power[day, lead - 1] * megawatts
    theirs, mine = (each[day, lead - 1] * megawatts for each in (its.rival, its.quantiles))
    offers = {
        POINT: mine[:, MEDIAN],
        RIVAL: market.offer(theirs, prices, caution),
        NETWORK: market.offer(mine, prices, caution),
        PERFECT: given,
    }
    columns: dict[tuple[str, str], np.ndarray] = {("given", ""): given}
    for way, offered in offers.items():
        columns[way, "offer"] = offered
        columns[way, "euro"] = market.income(offered, given, prices)
    return pd.DataFrame(columns, index=its.time[day] + pd.Timedelta(hours=lead - 1))


def year(table: pd.DataFrame) -> pd.DataFrame:
    """Income of each way in euro, and how much more it is than the median's, with a 95 per cent interval by days."""
    base = table[POINT, "euro"].to_numpy()
    days = table.index.floor("D").asi8
    rows = []
    for way in (POINT, RIVAL, NETWORK, PERFECT):
        earned = table[way, "euro"].to_numpy()
        more, low, high = market.yearly(earned - base, days)
        rows.append({"way": way, "euro": earned.sum(), "more than median": more, "from": low, "to": high})
    return pd.DataFrame(rows).set_index("way")
