"""Pictures: colours that colour-blind people tell apart (Okabe and Ito), units on every axis."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from solar.scores import INTERVALS, LEVELS, MEDIAN

BLUE, ORANGE, GREEN, RED, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#777777"
ZONE = "Etc/GMT+5"
"""Eastern Standard Time all year: what the clock at the parks says in winter."""

plt.rcParams.update(
    {
        "figure.dpi": 90,
        "font.size": 11,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "grid.alpha": 0.25,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "legend.frameon": False,
    }
)


def clock(times: pd.DatetimeIndex) -> np.ndarray:
    """Hours since the local midnight before the first time; past 24 on the next day."""
    local = times.tz_convert(ZONE)
    return ((local - local[0].normalize()) / pd.Timedelta(hours=1)).to_numpy()


def fan(axes: Axes, hours: np.ndarray, quantiles: np.ndarray, colour: str = BLUE, label: bool = True) -> None:
    """Intervals of 90, 60 and 20 per cent around the median: hours (H,), quantiles (H, K)."""
    for nominal, shade in ((90, 0.18), (60, 0.28), (20, 0.42)):
        low, high = INTERVALS[nominal]
        axes.fill_between(
            hours, quantiles[:, low], quantiles[:, high], color=colour, alpha=shade, linewidth=0,
            label=f"{nominal} % of cases" if label else None,
        )  # fmt: skip
    axes.plot(hours, quantiles[:, MEDIAN], color=colour, linewidth=2, label="median" if label else None)


def reliability(axes: Axes, observed: dict[str, np.ndarray]) -> None:
    """How often the truth was below each quantile, against how often it should be; (K,) each."""
    axes.plot([0, 100], [0, 100], color=GREY, linestyle="--", label="perfect")
    for (name, values), colour, mark in zip(observed.items(), (RED, BLUE, GREEN), "so^", strict=False):
        axes.plot(100 * LEVELS, 100 * values, mark + "-", color=colour, label=name, markersize=5)
    axes.set(xlabel="quantile, %", ylabel="truth at or below it, % of hours", title="Can the intervals be believed?")
    axes.legend()


def bars(axes: Axes, values: dict[str, float], unit: str, chosen: str) -> None:
    """One bar a name, the chosen one in another colour, with its number."""
    names = list(values)
    shown = axes.barh(names, list(values.values()), color=[BLUE if name == chosen else GREY for name in names])
    axes.bar_label(shown, fmt=" %.2f")
    axes.invert_yaxis()
    axes.set_xlabel(unit)
    axes.margins(x=0.14)
    axes.grid(axis="y", visible=False)


def keep(figure: Figure, name: str) -> Path:
    """Write a picture into ``results/``."""
    from kitlib import settings

    file = settings.results() / name
    figure.savefig(file, dpi=90, bbox_inches="tight")
    return file
