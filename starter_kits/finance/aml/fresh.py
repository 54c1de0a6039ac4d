"""The experiment on banks that nobody had seen when its settings were made: ``python -m aml.fresh [SEED ...]``."""

import sys

from aml import baseline, decisions, study, training
from kitlib import compute

SEEDS = (2026, 2027, 2028, 2029)


def gain(seed: int) -> tuple[float, float]:
    """Average precision of trees and of model on the test weeks of that bank. About a minute at the default scale."""
    how, bank = compute.choose(), study.make(seed)
    truth, weeks = bank.truth[study.TEST], range(bank.bank.weeks)[study.TEST]
    trees, _ = baseline.trees(bank)
    graph = bank.graph(str(how.device))
    net = training.fit(graph, how, seed=how.seed)
    return decisions.ap(truth, trees[study.TEST]), decisions.ap(truth, training.score(net, graph, weeks))


def main() -> None:
    """Prints a line for each bank."""
    for seed in [int(text) for text in sys.argv[1:]] or SEEDS:
        trees, model = gain(seed)
        print(f"bank {seed}: trees {trees:.3f}, model {model:.3f}, gain {model - trees:+.3f}", flush=True)


if __name__ == "__main__":
    main()
