"""The kit's pictures: one look, in colours that colour-blind people can tell apart (Okabe and Ito's)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from gatewatch import budget

BLUE, ORANGE, GREEN, GREY, PINK = "#0072B2", "#D55E00", "#009E73", "#777777", "#CC79A7"


def axes(title: str, x: str, y: str, size: tuple[float, float] = (7.5, 4.0)) -> Axes:
    """One empty picture with a title and what its axes tell."""
    _, made = plt.subplots(figsize=size, layout="constrained")
    made.set_title(title, loc="left", fontsize=12)
    made.set_xlabel(x)
    made.set_ylabel(y)
    made.spines[["top", "right"]].set_visible(False)
    made.grid(alpha=0.25)
    return made


def recall_by_budget(
    scores: Mapping[str, Sequence[np.ndarray]], attack: np.ndarray, rules: tuple[float, float] | None = None
) -> Axes:
    """Recall over false alarms a day, one colour for each detector and one line for each seed.

    ``rules`` is what the signatures reach: false alarms a day, and recall.
    """
    made = axes(
        "Attacks found within a budget of alarms",
        f"false alarms a day, of {budget.REQUESTS_PER_DAY:,} requests (logarithmic)",
        "share of attacks found",
    )
    days = np.geomspace(4, 400, 40)
    for (name, runs), colour in zip(scores.items(), (BLUE, ORANGE, GREEN), strict=False):
        for number, values in enumerate(runs):
            line = [budget.recall(values, attack, budget.rate(day)) for day in days]
            made.plot(
                days, line, color=colour, lw=2, alpha=0.9 if len(runs) == 1 else 0.7, label=None if number else name
            )
    if rules:
        made.plot([max(rules[0], 4)], [rules[1]], "D", color=GREY, ms=8, label="signature rules")
    made.axvline(budget.ALARMS_PER_DAY, color="black", lw=1, ls="--")
    made.annotate(f" budget: {budget.ALARMS_PER_DAY} a day", (budget.ALARMS_PER_DAY, 0.03), fontsize=9)
    made.set_xscale("log")
    made.set_xticks([5, 10, 20, 50, 100, 200, 400], ["5", "10", "20", "50", "100", "200", "400"])
    made.minorticks_off()
    made.set_ylim(0, 1.02)
    made.legend(frameon=False, loc="upper left")
    return made


def bars(title: str, values: Mapping[str, Mapping[str, float]], x: str, size: tuple[float, float] = (7.5, 4.0)) -> Axes:
    """Lying bars: for each row, one bar of each kind; the numbers are written at their ends."""
    made = axes(title, x, "", size)
    kinds = list(values)
    rows = list(next(iter(values.values())))
    height = 0.8 / len(kinds)
    for number, (kind, colour) in enumerate(zip(kinds, (BLUE, ORANGE, GREEN, PINK), strict=False)):
        at = np.arange(len(rows)) + (number - (len(kinds) - 1) / 2) * height
        found = [values[kind][row] for row in rows]
        drawn = made.barh(at, found, height * 0.92, color=colour, label=kind)
        made.bar_label(drawn, fmt="%.2f" if max(found) <= 1 else "%.0f", padding=3, fontsize=8)
    made.set_yticks(range(len(rows)), rows)
    made.invert_yaxis()
    made.grid(axis="y", visible=False)
    if len(kinds) > 1:
        made.legend(frameon=False)
    return made


def days(title: str, before: Sequence[float], after: Sequence[float], repaired: Sequence[float]) -> Axes:
    """Alarms a day over the days before and after a release, as they were and as they are once repaired."""
    made = axes(title, "day", "false alarms a day")
    split = len(before)
    made.plot(range(1, split + 1), before, "o-", color=BLUE, label="before the release")
    made.plot(range(split + 1, split + 1 + len(after)), after, "s-", color=ORANGE, label="after it, nothing done")
    made.plot(range(split + 1, split + 1 + len(repaired)), repaired, "^-", color=GREEN, label="after it, retrained")
    made.axvline(split + 0.5, color="black", lw=1, ls="--")
    made.axhline(budget.ALARMS_PER_DAY, color=GREY, lw=1, ls=":")
    made.annotate("budget", (0.6, budget.ALARMS_PER_DAY), fontsize=9, color=GREY, va="bottom")
    made.set_ylim(bottom=0)
    made.legend(frameon=False)
    return made
