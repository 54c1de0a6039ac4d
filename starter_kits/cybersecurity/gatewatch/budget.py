"""The false-alarm budget: what people can look at in a day decides the threshold, not the other way round."""

from __future__ import annotations

import numpy as np

REQUESTS_PER_DAY = 20_000
ALARMS_PER_DAY = 20
"""False alarms a day that the shop's one analyst has time for, at some six minutes each."""


def rate(alarms: float = ALARMS_PER_DAY, requests: int = REQUESTS_PER_DAY) -> float:
    """The false-alarm rate that so many alarms a day allow."""
    return alarms / requests


def threshold(benign_scores: np.ndarray, allowed: float) -> float:
    """The lowest threshold that no more than this share of benign requests is above."""
    ranked = np.sort(np.asarray(benign_scores, dtype=float))[::-1]
    return float(ranked[min(int(allowed * len(ranked)), len(ranked) - 1)])


def recall(scores: np.ndarray, attack: np.ndarray, allowed: float) -> float:
    """Share of attacks found when at most this share of these benign requests raises an alarm."""
    return float(np.mean(scores[attack] > threshold(scores[~attack], allowed)))


def mean_recall(scores: np.ndarray, attack: np.ndarray, most: float = 5.0) -> float:
    """Recall averaged over budgets from a fifth of the usual to ``most`` times, evenly on a logarithmic scale."""
    return float(np.mean([recall(scores, attack, rate() * factor) for factor in np.geomspace(0.2, most, 21)]))


def precision(recall_: float, false_rate: float, base_rate: float) -> float:
    """Share of alarms that are attacks (Bayes), when this share of all requests are attacks."""
    found = recall_ * base_rate
    return found / (found + false_rate * (1 - base_rate))
