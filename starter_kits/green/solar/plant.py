"""The plant as physics: from sun and weather to alternating current, with pvlib.

The plant is the one that made the data: a single-axis tracker with crystalline modules (PVWatts, Dobos 2014,
NREL/TP-6A20-62641). Powers are fractions of the inverter's rating unless a name says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pvlib

_MODULE_COEFFICIENT = -0.0047  # of power, per kelvin: a standard module in PVWatts
_COLDEST, _WARMEST = -1.0, 23.0  # monthly mean air temperature in degrees Celsius, Rhode Island: an assumption
_TURN = 45.0  # degrees from flat that the rows turn at most
_WIND = 3.0  # metres per second: an assumption


@dataclass(frozen=True)
class Plant:
    """A solar park."""

    tracker: bool = True
    """Rows that follow the sun from east to west; else fixed rows that look south."""
    tilt: float = 35.0
    """Degrees from horizontal, of fixed rows."""
    dc_to_ac: float = 1.3
    """Rating of the modules over that of the inverter."""
    losses: float = 14.07566
    """Per cent of direct current lost to soiling, shading, wiring and the like."""
    inverter: float = 0.96
    """Nominal efficiency."""
    ground_cover: float = 0.4
    """Width of the rows over their distance."""


def sun(times: pd.DatetimeIndex, latitude: float, longitude: float, altitude: float = 50.0) -> pd.DataFrame:
    """Position of the sun in degrees: a row a time, columns apparent_zenith, azimuth, apparent_elevation and more."""
    return pvlib.location.Location(latitude, longitude, altitude=altitude).get_solarposition(times)


def clear_weather(times: pd.DatetimeIndex, latitude: float, longitude: float, altitude: float = 50.0) -> pd.DataFrame:
    """Weather as it would be without clouds: ghi, dni, dhi in W/m2 (Ineichen), temp_air, wind_speed."""
    place = pvlib.location.Location(latitude, longitude, altitude=altitude)
    weather = place.get_clearsky(times, model="ineichen")
    phase = 2 * np.pi * (times.day_of_year.to_numpy() - 22) / 365.25
    weather["temp_air"] = (_WARMEST + _COLDEST) / 2 - (_WARMEST - _COLDEST) / 2 * np.cos(phase)
    weather["wind_speed"] = _WIND
    return weather


def chain(weather: pd.DataFrame, position: pd.DataFrame, plant: Plant) -> pd.DataFrame:
    """The steps from weather to power, a row a time.

    ``weather`` has ghi, dni, dhi (W/m2), temp_air (degrees Celsius), wind_speed (m/s); ``position`` is of :func:`sun`.
    Columns: tilt and azimuth of the modules in degrees, poa (irradiance on them, W/m2), cell (degrees Celsius),
    dc and ac (fractions of the inverter's rating).
    """
    zenith, azimuth = position["apparent_zenith"], position["azimuth"]
    if plant.tracker:
        turned = pvlib.tracking.singleaxis(
            zenith, azimuth, axis_tilt=0, axis_azimuth=180, max_angle=_TURN, backtrack=False, gcr=plant.ground_cover
        )
        tilt, facing = turned["surface_tilt"].fillna(0.0), turned["surface_azimuth"].fillna(180.0)
    else:
        tilt = pd.Series(plant.tilt, index=position.index)
        facing = pd.Series(180.0, index=position.index)
    extra = pvlib.irradiance.get_extra_radiation(position.index)
    on_plane = pvlib.irradiance.get_total_irradiance(
        tilt,
        facing,
        zenith,
        azimuth,
        weather["dni"],
        weather["ghi"],
        weather["dhi"],
        dni_extra=extra,
        model="haydavies",
    )["poa_global"].fillna(0.0)
    seen = on_plane.where(position["apparent_elevation"] > 0, 0.0).clip(lower=0.0)
    reflected = pvlib.iam.physical(pvlib.irradiance.aoi(tilt, facing, zenith, azimuth)).fillna(0.0)
    beam_share = (
        (weather["dni"] * np.cos(np.radians(zenith)) / weather["ghi"].where(weather["ghi"] > 1)).clip(0, 1).fillna(0)
    )
    effective = seen * (1 - beam_share * (1 - reflected))
    cell = pvlib.temperature.faiman(seen, weather["temp_air"], weather["wind_speed"])
    dc = pvlib.pvsystem.pvwatts_dc(effective, cell, plant.dc_to_ac, _MODULE_COEFFICIENT) * (1 - plant.losses / 100)
    ac = pvlib.inverter.pvwatts(dc, 1 / plant.inverter, plant.inverter).clip(lower=0.0)
    return pd.DataFrame({"tilt": tilt, "azimuth": facing, "poa": seen, "cell": cell, "dc": dc, "ac": ac})


def clear_power(times: pd.DatetimeIndex, latitude: float, longitude: float, plant: Plant) -> pd.Series:
    """What the plant would give without clouds, as a fraction of the inverter's rating."""
    position = sun(times, latitude, longitude)
    return chain(clear_weather(times, latitude, longitude), position, plant)["ac"]
