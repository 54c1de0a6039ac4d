"""The baseline that is hard to beat: n-grams of characters, TF-IDF, logistic regression, tuned on validation data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from gatewatch.text import crossed, decoded

FEATURES: dict[str, dict[str, object]] = {
    "n-grams of the request": {
        "analyzer": "char",
        "ngram_range": (1, 4),
        "preprocessor": decoded,
        "lowercase": False,
        "max_features": 40_000,
    },
    "n-grams by field (crossed)": {"analyzer": crossed, "max_features": 80_000},
}
STRENGTHS = (30.0, 300.0)
"""Values of scikit-learn's C: higher is less regularised."""


@dataclass(frozen=True)
class Baseline:
    """Features and a linear model over them."""

    features: TfidfVectorizer
    regression: LogisticRegression

    def score(self, requests: Sequence[str]) -> np.ndarray:
        """Log-odds, shape (n,): higher is more like an attack."""
        return np.asarray(self.regression.decision_function(self.features.transform(requests)))


def grid(
    requests: Sequence[str], attack: np.ndarray, judge: Callable[[np.ndarray], float], validation: Sequence[str]
) -> tuple[Baseline, list[dict[str, object]]]:
    """The best of all combinations of features and regularisation, as ``judge`` has the scores of ``validation``.

    Returns it with one row for each combination.
    """
    best, highest = None, -np.inf
    rows: list[dict[str, object]] = []
    for name, options in FEATURES.items():
        features = TfidfVectorizer(sublinear_tf=True, min_df=3, dtype=np.float32, **options)
        table = features.fit_transform(requests)
        judged = features.transform(validation)
        for strength in STRENGTHS:
            regression = LogisticRegression(C=strength, solver="liblinear", random_state=0).fit(table, attack)
            value = judge(regression.decision_function(judged))
            rows.append({"features": name, "C": strength, "validation": value})
            if value > highest:
                best, highest = Baseline(features, regression), value
    assert best is not None
    return best, rows
