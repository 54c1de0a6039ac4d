"""The kit's result in one picture."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from kitlib import figures
from solar import ledger, plots

_DAY, _HOURS = "2013-06-16", (7, 10, 13)


def picture(park: ledger.Park) -> Figure:
    """Fans of three hours of one day, and the scores. Raises FileNotFoundError where nothing was trained."""
    found = figures.read()
    local = park.time.tz_convert(plots.ZONE)
    today = np.flatnonzero(local.strftime("%Y-%m-%d") == _DAY)
    figure, panels = plt.subplots(1, 4, figsize=(14, 4.1), layout="constrained", width_ratios=(1, 1, 1, 0.9))
    for panel, at in zip(panels, _HOURS, strict=False):
        row = today[local[today].hour == at][0]
        day = park.counts[row]
        panel.plot(local[today].hour + 0.5, 100 * park.clear[today, 0], ":", color=plots.ORANGE, label="clear sky")
        plots.fan(panel, at + np.arange(1, len(day) + 1)[day] - 0.5, 100 * park.quantiles[row][day])
        panel.plot(local[today].hour + 0.5, 100 * park.power[today, 0], "o-", color="black", markersize=3,
                   linewidth=1, label="what came")  # fmt: skip
        panel.axvline(at, color=plots.GREY)
        panel.set(title=f"Forecast made at {at}:00", xlabel="hour of the day", xlim=(5, 20), ylim=(0, 105))
    panels[0].set_ylabel("% of inverter's rating")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=6)
    plots.bars(
        panels[3], {str(found["best_baseline"]).replace(" ", "\n"): found["baseline"], "network": found["model"]},
        "CRPS on the test year, % of rating", "network",
    )  # fmt: skip
    panels[3].set_title("Lower is better")
    return figure
