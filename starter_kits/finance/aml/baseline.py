"""What the model has to beat: rules as banks use them, and boosted trees on hand-made features, tuned."""

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import average_precision_score

from aml.study import CHOOSE, TRAIN, Study

# feature, threshold before the logarithm (EUR or a count), points: scenarios as monitoring systems ship with
RULES = (
    ("cash deposits just below the limit, 4 weeks", 2, 3.0),
    ("cash paid in, 4 weeks", 10_000, 2.0),
    ("passed on within 48 h, this week", 2_000, 2.0),
    ("passed on one for one, this week", 1_500, 2.0),
    ("sent to listed countries, 4 weeks", 1_000, 2.0),
    ("sent outside the EU, 4 weeks", 3_000, 1.0),
    ("sent to crypto exchanges, 4 weeks", 1_500, 2.0),
    ("new senders, 4 weeks", 8, 1.0),
    ("sent to new counterparties, this week", 4_000, 1.0),
    ("shares a counterparty with a known case", 1, 2.0),
    ("rings of three", 1, 1.0),
)
DEPTHS = ((31, 0.06), (7, 0.1))  # leaves of a tree, learning rate
TREES = 160


def rules(study: Study) -> np.ndarray:
    """Points (weeks, customers) of the rules that hold, and a little by how far the first of them is passed.

    A threshold is that of RULES, or what 99 % of the same segment stay below in the weeks TRAIN, if that is more: banks
    set thresholds by groups of peers, so that not every shop that pays in its takings trips a rule.
    """
    values, people = study.features.values, study.bank.people
    points = np.zeros(values.shape[:2])
    for name, threshold, worth in RULES:
        value = values[..., study.features.names.index(name)]
        for segment in np.unique(people.segment):
            own = people.segment == segment
            limit = max(np.log1p(threshold) - 1e-6, float(np.quantile(value[TRAIN][:, own], 0.99)))
            points[:, own] += worth * (value[:, own] >= limit) * (1 + 0.1 * np.clip(value[:, own] - limit, 0, 3))
    return points + 0.001 * values[..., study.features.names.index("money in, 4 weeks")]


def trees(study: Study, seed: int = 0) -> tuple[np.ndarray, dict[str, float]]:
    """Probabilities (weeks, customers) of the best of DEPTHS and numbers of trees, by average precision on CHOOSE.

    Returns them with what was chosen. About 15 s for the defaults.
    """
    learn = study.flat(study.features.values, TRAIN), study.flat(study.known, TRAIN)
    choose = study.flat(study.features.values, CHOOSE)
    wanted = study.flat(study.known, CHOOSE)
    best, chosen, model = -1.0, {}, None
    for leaves, rate in DEPTHS:
        made = _boosted(leaves, rate, TREES, seed).fit(*learn)
        for number, guess in enumerate(made.staged_predict_proba(choose), 1):
            if number % 20 == 0 and (score := average_precision_score(wanted, guess[:, 1])) > best:
                best, model = score, made
                chosen = {"leaves": leaves, "rate": rate, "trees": number, "on validation": score}
    if chosen["trees"] < TREES:
        model = _boosted(chosen["leaves"], chosen["rate"], chosen["trees"], seed).fit(*learn)
    rows = study.features.values.reshape(-1, study.features.values.shape[-1])
    return model.predict_proba(rows)[:, 1].reshape(study.truth.shape), chosen


def _boosted(leaves: int, rate: float, trees: int, seed: int) -> HistGradientBoostingClassifier:
    return HistGradientBoostingClassifier(
        learning_rate=rate,
        max_leaf_nodes=leaves,
        max_iter=trees,
        l2_regularization=1.0,
        early_stopping=False,
        random_state=seed,
    )
