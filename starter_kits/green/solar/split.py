"""Which windows are for what: learning and tuning in 2012, and the whole of 2013 for the verdict."""

from __future__ import annotations

from solar.windows import Windows

SITES = tuple(range(3, 100, 8))
"""The parks that are forecast and scored: every eighth; what the others gave is known to all models."""
_LEARN_UNTIL = 22
_TUNE_FROM = 24


def split(windows: Windows) -> tuple[Windows, Windows, Windows]:
    """Windows to learn from, to tune with, to test on.

    Learning has days 1 to 22 of each month of 2012, tuning days from 24: the day between keeps a forecast that starts
    on one side from ending on the other. Both see every season. The test is the year after.
    """
    day, year = windows.time.day, windows.time.year
    learn = (year == 2012) & (day <= _LEARN_UNTIL)
    tune = (year == 2012) & (day >= _TUNE_FROM)
    return windows.where(learn), windows.where(tune), windows.where(year == 2013)
