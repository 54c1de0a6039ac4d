"""Two years of a hundred solar parks, half an hour apart, and what they would have given without clouds."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from solar.plant import Plant, clear_power

FILE = Path(__file__).resolve().parent.parent / "data" / "parks.npz"
STEP = 0.5
"""Hours between two values."""
DAYLIGHT = 0.05
"""Clear-sky power, as a fraction of the inverter's rating, from which on it is day for us."""
_TRIMMED = 1.4  # clear-sky index above which the physical model is wrong, not the sky bright


@dataclass(frozen=True)
class Fleet:
    """What the parks gave. Shapes: T times, S sites."""

    times: pd.DatetimeIndex
    """T times in UTC; 29 February is not in the data."""
    sites: pd.DataFrame
    """A row a site: latitude, longitude in degrees."""
    power: np.ndarray
    """(T, S), fraction of the inverter's rating."""
    clear: np.ndarray
    """(T, S), the same without clouds, by the physical model."""

    @property
    def index(self) -> np.ndarray:
        """(T, S), clear-sky index: power over clear-sky power; NaN where it is night."""
        day = self.clear >= DAYLIGHT
        return np.where(day, np.clip(self.power / np.where(day, self.clear, 1.0), 0.0, _TRIMMED), np.nan)


def load(plant: Plant | None = None) -> Fleet:
    """The fleet as it is in ``data/parks.npz``; ``plant`` is the physical model's, by default the one of the data."""
    with np.load(FILE, allow_pickle=False) as kept:
        sites = pd.DataFrame({"latitude": kept["latitude"], "longitude": kept["longitude"]}).round(2)
        times = pd.DatetimeIndex(pd.to_datetime(kept["unix_seconds"], unit="s", utc=True))
        power = kept["per_mille_of_modules"].T.astype(np.float32)
    plant = plant or Plant()
    power = power * np.float32(plant.dc_to_ac / 1000)
    return Fleet(times, sites, power, _clear(times, sites, plant))


def checksum() -> str:
    """SHA-256 of the data file, as ``data/croissant.json`` has it."""
    return hashlib.sha256(FILE.read_bytes()).hexdigest()


def _clear(times: pd.DatetimeIndex, sites: pd.DataFrame, plant: Plant) -> np.ndarray:
    """Clear-sky power of every site: computed at the south and the north end, linear in latitude between.

    The region is 125 km long and 17 km wide, so longitude is taken at its middle (a minute of sun time at most).
    """
    south, north = sites["latitude"].min(), sites["latitude"].max()
    middle = float((sites["longitude"].min() + sites["longitude"].max()) / 2)
    ends = [clear_power(times, float(at), middle, plant).to_numpy() for at in (south, north)]
    share = ((sites["latitude"] - south) / (north - south)).to_numpy()
    return (ends[0][:, None] * (1 - share) + ends[1][:, None] * share).astype(np.float32)
