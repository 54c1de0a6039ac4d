"""The figures of the experiment: what is kept for the check, and what the model's card says."""

from typing import Any

import numpy as np
import pandas as pd

from aml import decisions
from aml.customers import SEGMENTS, TIES
from aml.laundering import TYPOLOGIES
from aml.study import CHOOSE, TEST, TRAIN, Study

BUDGET = 40  # alerts a week for 5,000 customers: one analyst, with PER_DAY a day


def budget(study: Study) -> int:
    """Alerts a week that the team works off: BUDGET for each 5,000 customers."""
    return BUDGET * len(study.bank.people) // 5000


def schemes_found(study: Study, alarm: np.ndarray) -> pd.DataFrame:
    """Schemes with payments in the test weeks: ``kind``, and ``found``: an account of it had an alarm then."""
    table, weeks = study.bank.table, range(study.bank.weeks)[TEST]
    part = table[(table["scheme"] >= 0) & (table["week"] >= weeks.start)]
    hit = np.zeros(len(part), dtype=bool)
    for side in ("sender", "receiver"):
        own = part[side].to_numpy() < len(study.bank.people)
        hit[own] |= alarm[part["week"].to_numpy()[own] - weeks.start, part[side].to_numpy()[own]]
    by = pd.Series(hit).groupby(part["scheme"].to_numpy()).any()
    return pd.DataFrame({"kind": study.bank.schemes.kind[by.index], "found": by.to_numpy()}, index=by.index)


def by_kind(study: Study, alarms: dict[str, np.ndarray]) -> pd.DataFrame:
    """Share of schemes found in %, typologies by methods; ``alarms`` (test weeks, customers) of each method."""
    columns = {}
    for name, alarm in alarms.items():
        found = schemes_found(study, alarm)
        columns[name] = 100 * found.groupby("kind")["found"].mean().reindex(range(len(TYPOLOGIES)))
    return pd.DataFrame(columns).set_axis(list(TYPOLOGIES))


def fresh(study: Study) -> np.ndarray:
    """(customers,) bool: no laundering that the bank knew of before the test weeks, and none in truth either."""
    return ~study.truth[: TEST.start].any(axis=0)


def card_values(study: Study, model: np.ndarray, trees: np.ndarray, rules: np.ndarray) -> dict[str, Any]:
    """All figures of the card but those of the run: ``model`` and ``trees`` are calibrated probabilities, all weeks."""
    truth, chance = study.truth[TEST], model[TEST]
    alarm = decisions.top(chance, budget(study))
    before = decisions.top(trees[TEST], budget(study))
    ties = decisions.false_alarms(truth, alarm, study.bank.people.ties, TIES)
    segments = decisions.false_alarms(truth, alarm, study.bank.people.segment, SEGMENTS)
    worst = max(segments, key=lambda group: group.rate)
    new = fresh(study)
    low, high = decisions.gain(truth, chance, trees[TEST])
    cut = decisions.threshold()
    return {
        "customers": len(study.bank.people),
        "payments": len(study.bank.table),
        "weeks": study.bank.weeks,
        "train_weeks": TRAIN.stop - TRAIN.start,
        "choose_weeks": CHOOSE.stop - CHOOSE.start,
        "test_weeks": len(truth),
        "base_rate": 100 * truth.mean(),
        "positives": int(truth.sum()),
        "ap_rules": decisions.ap(truth, rules[TEST]),
        "ap_trees": decisions.ap(truth, trees[TEST]),
        "ap_model": decisions.ap(truth, chance),
        "gain_low": low,
        "gain_high": high,
        "ap_new_trees": decisions.ap(truth[:, new], trees[TEST][:, new]),
        "ap_new_model": decisions.ap(truth[:, new], chance[:, new]),
        "brier_trees": decisions.brier(truth, trees[TEST]),
        "brier_model": decisions.brier(truth, chance),
        "given": 100 * chance.mean(),
        "budget": budget(study),
        "precision": 100 * truth[alarm].mean(),
        "precision_trees": 100 * truth[before].mean(),
        "recall": 100 * alarm[truth].mean(),
        "recall_trees": 100 * before[truth].mean(),
        "schemes_trees": 100 * schemes_found(study, before)["found"].mean(),
        "schemes": 100 * schemes_found(study, alarm)["found"].mean(),
        "threshold": 100 * cut,
        "cost_model": decisions.cost(truth, chance >= cut) / len(truth),
        "cost_trees": decisions.cost(truth, trees[TEST] >= cut) / len(truth),
        "ties": "; ".join(f"{group.name} {group.rate:.0f} ({group.low:.0f} to {group.high:.0f})" for group in ties),
        "worst_segment": worst.name,
        "worst_rate": worst.rate,
    }
