"""The experiment on data that nobody had seen when its settings were made: ``python -m gatewatch.fresh [SEED ...]``.

A seed draws a shop's traffic anew, for training, validation and test. The attacks stay those of the kit, so the same
detectors are tested on attacks of another project as well, ``data/elsewhere.csv``.
"""

from __future__ import annotations

import sys

import numpy as np

from gatewatch import budget, data, model, traffic, train
from kitlib import compute

SEEDS = (2026, 2027, 2028, 2029)


def elsewhere(test: data.Part, seed: int) -> data.Part:
    """The benign requests of the test, with the attacks of the other project in place of its own."""
    rng = traffic.dice(seed + 4000)
    table = data.elsewhere()
    plain = [text for text, attack in zip(test.text, test.attack, strict=True) if not attack]
    return data.Part(
        [*plain, *(data.hide(payload, rng) for payload in table["payload"])],
        np.arange(len(plain) + len(table)) >= len(plain),
        np.array(["benign"] * len(plain) + list(table["family"])),
    )


def recalls(made: train.Plan, on: compute.Compute, seed: int) -> list[tuple[float, float]]:
    """Mean recall of the tuned n-grams, and of the model as a mean over its seeds: on the test, then on `elsewhere`."""
    found = train.split(made, seed)
    best, _ = train.tuned(found)
    trained = train.detectors(found, made, on)
    return [
        (
            budget.mean_recall(best.score(part.text), part.attack),
            train.summary([model.score(each, part.text, on) for each in trained], part)["mean"],
        )
        for part in (found.test, elsewhere(found.test, seed))
    ]


def main() -> None:
    """Prints a line for each seed and set of attacks. A minute or less a seed at the default scale."""
    on = compute.choose()
    for seed in [int(text) for text in sys.argv[1:]] or SEEDS:
        found = recalls(train.plan(on), on, seed)
        for name, (theirs, ours) in zip(("later attacks", "another project's attacks"), found, strict=True):
            print(f"shop {seed}, {name}: n-grams {theirs:.3f}, model {ours:.3f}, gain {ours - theirs:+.3f}", flush=True)


if __name__ == "__main__":
    main()
