"""From probabilities to alerts: budgets, costs, calibration, cases found, and who is alarmed for nothing."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from sklearn.metrics import average_precision_score

PER_DAY = 8  # alerts that an analyst works off in a day
HOURLY = 60.0  # EUR, an analyst's hour with all that comes with it
FALSE_ALARM = HOURLY * 8 / PER_DAY  # EUR
MISSED = 3000.0  # EUR: made up, as any such figure is; the app has a slider for it


def ap(truth: np.ndarray, score: np.ndarray) -> float:
    """Average precision over account-weeks, in whatever shape they come."""
    return float(average_precision_score(truth.ravel(), score.ravel()))


def top(score: np.ndarray, budget: int) -> np.ndarray:
    """(weeks, customers) bool: the ``budget`` highest of each week, as a team works that gets its list on Monday."""
    order = np.argsort(-score, axis=1, kind="stable")[:, :budget]
    alarm = np.zeros(score.shape, dtype=bool)
    np.put_along_axis(alarm, order, True, axis=1)
    return alarm


def threshold(false_alarm: float = FALSE_ALARM, missed: float = MISSED) -> float:
    """The probability from which an alert costs less than it saves, where probabilities are calibrated (Elkan 2001)."""
    return false_alarm / (false_alarm + missed)


def cost(truth: np.ndarray, alarm: np.ndarray, false_alarm: float = FALSE_ALARM, missed: float = MISSED) -> float:
    """EUR: of alerts for nothing, and of account-weeks that were missed."""
    return float(false_alarm * (alarm & ~truth).sum() + missed * (truth & ~alarm).sum())


def brier(truth: np.ndarray, chance: np.ndarray) -> float:
    """Mean squared difference of probabilities from what happened."""
    return float(np.mean((chance - truth) ** 2))


def reliability(truth: np.ndarray, chance: np.ndarray, edges: np.ndarray) -> list[tuple[float, float, float, int]]:
    """For each bin of ``edges``: mean probability, share that was laundering, its standard error, number."""
    found = []
    for low, high in pairwise(edges):
        here = (chance >= low) & (chance < high)
        if (number := int(here.sum())) >= 5:
            rate = truth[here].mean()
            # one more of each, so that no share is without an error
            spread = np.sqrt((rate * number + 1) * ((1 - rate) * number + 1)) / (number + 2) / np.sqrt(number)
            found.append((float(chance[here].mean()), float(rate), float(spread), number))
    return found


@dataclass(frozen=True)
class Group:
    """False alarms among ``number`` lawful account-weeks of a group: how many in 10,000, with a 95 % interval."""

    name: str
    number: int
    alarms: int
    rate: float
    low: float
    high: float


def false_alarms(truth: np.ndarray, alarm: np.ndarray, group: np.ndarray, names: tuple[str, ...]) -> list[Group]:
    """By group of customers: ``truth`` and ``alarm`` (weeks, customers), ``group`` (customers,) index in ``names``.

    Intervals are Wilson's. Weeks of one customer are not independent, so that they are a little too narrow.
    """
    found = []
    for number, name in enumerate(names):
        lawful = ~truth[:, group == number]
        size, alarms = int(lawful.sum()), int((alarm[:, group == number] & lawful).sum())
        rate, z = alarms / max(size, 1), 1.96
        middle = (rate + z**2 / 2 / size) / (1 + z**2 / size)
        wide = z / (1 + z**2 / size) * np.sqrt(rate * (1 - rate) / size + z**2 / 4 / size**2)
        bounds = max(0.0, middle - wide), middle + wide
        found.append(Group(name, size, alarms, 1e4 * rate, 1e4 * bounds[0], 1e4 * bounds[1]))
    return found


def gain(truth: np.ndarray, model: np.ndarray, baseline: np.ndarray, draws: int = 60) -> tuple[float, float]:
    """95 % interval of the gain in average precision, by drawing customers anew (all weeks of one go together)."""
    rng = np.random.default_rng(0)
    gains = []
    for _ in range(draws):
        who = rng.integers(0, truth.shape[1], truth.shape[1])
        gains.append(ap(truth[:, who], model[:, who]) - ap(truth[:, who], baseline[:, who]))
    low, high = np.quantile(gains, [0.025, 0.975])
    return float(low), float(high)
