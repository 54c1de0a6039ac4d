"""Figures for people: medians with their spread, and ratios."""

from __future__ import annotations

import statistics
from collections.abc import Sequence


def spread(values: Sequence[float], unit: str) -> str:
    """``2.81 s (2.70 to 3.02, n = 10)``: the median, the quartiles where there are enough values, and how many."""
    low, _, high = statistics.quantiles(values, n=4) if len(values) > 3 else (min(values), 0, max(values))
    return f"{statistics.median(values):.2f} {unit} ({low:.2f} to {high:.2f}, n = {len(values)})"


def percentile(values: Sequence[float], percent: int) -> float:
    """The value below which so many percent lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def verdict(what: str, value: float, target: float) -> str:
    return f"{what}: {value:.2f}, target {target:g} or less: {'met' if value <= target else 'MISSED'}"
