"""Drift: whether today's traffic is still the traffic that the threshold was chosen on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import ks_2samp

from gatewatch.text import route


def score_test(before: np.ndarray, now: np.ndarray) -> tuple[float, float]:
    """Kolmogorov and Smirnov's test of two samples of scores: the greatest distance of their distributions, and p."""
    found = ks_2samp(before, now)
    return float(found.statistic), float(found.pvalue)


def stability(before: Sequence[str], now: Sequence[str]) -> float:
    """The population stability index of two samples of labels; above 0.25 is usually called a large change."""
    names = sorted(set(before) | set(now))
    index = {name: at for at, name in enumerate(names)}

    def shares(labels: Sequence[str]) -> np.ndarray:
        counts = np.bincount([index[name] for name in labels], minlength=len(names)) + 0.5
        return np.asarray(counts / counts.sum())

    old, new = shares(before), shares(now)
    return float(np.sum((new - old) * np.log(new / old)))


def routes(requests: Sequence[str]) -> list[str]:
    """What each request asks for, without numbers and values."""
    return [route(text) for text in requests]
