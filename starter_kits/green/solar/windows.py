"""What a forecast may know when it is made, and what it has to say: no value crosses that line."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from solar.data import DAYLIGHT, Fleet

HORIZONS = 6
"""Hours ahead, of one hour each."""
_OWN = (0, 1, 2, 3, 4, 6, 8)  # half-hours back
_NEAR = 35.0  # kilometres that neighbours may be away
_KM_NORTH, _KM_EAST = 111.2, 83.2  # kilometres a degree, at 41.5 degrees north
_LAGS = 17  # half-hours that a look back takes at most
_HOURS_AHEAD = np.arange(1, HORIZONS + 1)


@dataclass(frozen=True)
class Windows:
    """Forecasts to make: a row is a site at an issue time. N rows, H horizons, F features."""

    time: pd.DatetimeIndex
    """N issue times, on the hour."""
    site: np.ndarray
    """(N,), the site's number."""
    x: np.ndarray
    """(N, F), all of it known at the issue time."""
    names: list[str]
    """The F features."""
    now: np.ndarray
    """(N,), clear-sky index at the issue time."""
    clear: np.ndarray
    """(N, H), mean clear-sky power of each hour ahead."""
    power: np.ndarray
    """(N, H), what was given in it: the truth."""
    counts: np.ndarray
    """(N, H), whether it is day then: only that is scored."""

    def where(self, keep: np.ndarray) -> Windows:
        """The rows that ``keep`` chooses."""
        return Windows(
            self.time[keep], self.site[keep], self.x[keep], self.names,
            self.now[keep], self.clear[keep], self.power[keep], self.counts[keep],
        )  # fmt: skip

    @property
    def index(self) -> np.ndarray:
        """(N, H), clear-sky index of each hour ahead; 0 at night."""
        return np.where(self.counts, self.power / np.where(self.counts, self.clear, 1.0), 0.0).clip(0.0, 1.5)


def make(fleet: Fleet, sites: list[int]) -> Windows:
    """Windows of ``sites``, one every hour of the day; their neighbours are all sites of the fleet.

    The hour ahead number h is the mean of the values half an hour and one hour before its end, so nothing of it is
    known at the issue time. A window needs the half-hours before it and after it without a gap.
    """
    held = _held(fleet.index)
    rough = pd.DataFrame(held).rolling(5, min_periods=1).std().fillna(0.0).to_numpy()
    issue = _issues(fleet)
    parts = []
    for site in sites:
        at = issue[fleet.clear[issue, site] >= DAYLIGHT]
        hours = at[:, None] + 2 * _HOURS_AHEAD[None, :]
        clear = (fleet.clear[hours, site] + fleet.clear[hours - 1, site]) / 2
        power = (fleet.power[hours, site] + fleet.power[hours - 1, site]) / 2
        columns = _columns(fleet, held, rough, at, site) | {f"clear_{h}": clear[:, h - 1] for h in _HOURS_AHEAD}
        parts.append((at, np.full(len(at), site), np.column_stack(list(columns.values())), clear, power))
        names = list(columns)
    at, number, x, clear, power = (np.concatenate(part) for part in zip(*parts, strict=True))
    now = held[at, number]
    return Windows(fleet.times[at], number, x.astype(np.float32), names, now, clear, power, clear >= DAYLIGHT)


def _issues(fleet: Fleet) -> np.ndarray:
    """Places in time, on the hour, with no gap from the oldest value looked at to the last hour ahead."""
    seconds = fleet.times.as_unit("s").asi8
    first, last = _LAGS, len(seconds) - 2 * HORIZONS
    places = np.arange(first, last)
    whole = seconds[places + 2 * HORIZONS] - seconds[places - _LAGS] == (2 * HORIZONS + _LAGS) * 1800
    return places[whole & (seconds[places] % 3600 == 0)]


def _held(index: np.ndarray) -> np.ndarray:
    """The clear-sky index, where it is night the last one of the day."""
    return pd.DataFrame(index).ffill().fillna(0.7).to_numpy(np.float32)


def _columns(fleet: Fleet, held: np.ndarray, rough: np.ndarray, at: np.ndarray, site: int) -> dict[str, np.ndarray]:
    """Features by name, each (rows,)."""
    columns = {f"index_{lag}": held[at - lag, site] for lag in _OWN}
    columns["rough"] = rough[at, site]
    north = (fleet.sites["latitude"] - fleet.sites["latitude"][site]).to_numpy() * _KM_NORTH
    east = (fleet.sites["longitude"] - fleet.sites["longitude"][site]).to_numpy() * _KM_EAST
    away = np.hypot(north, east)
    sides = {
        "ring": (away > 0) & (away < 12),
        "north": (north > 8) & (north < _NEAR),
        "south": (north < -8) & (north > -_NEAR),
        "west": (east < -2) & (away < 20),
        "east": (east > 2) & (away < 20),
        "all": away >= 0,
    }
    for name, chosen in sides.items():
        for lag in (0, 1, 3):
            columns[f"{name}_{lag}"] = held[at - lag][:, chosen].mean(1) if chosen.any() else held[at - lag, site]
    columns["spread"] = held[at].std(1)
    local = fleet.times[at].tz_convert("Etc/GMT+5")
    hour, day = local.hour.to_numpy() / 24, local.day_of_year.to_numpy() / 365.25
    for name, turn in (("hour", hour), ("day", day)):
        columns[f"{name}_sin"], columns[f"{name}_cos"] = np.sin(2 * np.pi * turn), np.cos(2 * np.pi * turn)
    columns["latitude"] = np.full(len(at), fleet.sites["latitude"][site])
    columns["clear_0"] = fleet.clear[at, site]
    return columns
