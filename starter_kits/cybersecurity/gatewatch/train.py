"""Trains and measures everything once: ``python -m gatewatch.train``. Notebooks, batch job and app use its parts.

With ``scale = "full"`` in settings.toml (or KIT_SCALE=full) the model is larger, sees ten times as much benign traffic
and all attacks, and computes on a GPU in bfloat16 where there is one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from gatewatch import baseline, budget, data, model
from kitlib import compute, figures, settings, tracking

WEIGHTS = "detector.safetensors"


@dataclass(frozen=True)
class Plan:
    """How much of everything, at one scale."""

    benign: int
    attacks: int | None
    misplaced: int
    judged: int
    """Benign requests in validation and in test."""
    epochs: int
    seeds: int
    shape: model.Shape


def plan(on: compute.Compute) -> Plan:
    return on.pick(
        Plan(3000, 1500, 1500, 6000, 2, 2, model.Shape()),
        Plan(
            60_000, None, 20_000, 60_000, 6, 3, model.Shape(length=512, width=256, layers=6, heads=8, buckets=1 << 16)
        ),
    )


@dataclass(frozen=True)
class Split:
    """The data of one plan. ``texts`` and ``truth`` are the training part with misplaced code added."""

    texts: list[str]
    truth: np.ndarray
    train: data.Part
    validation: data.Part
    test: data.Part


def split(made: Plan, seed: int) -> Split:
    """Training, validation and test, in the order of time."""
    train = data.part("train", made.benign, seed, most_attacks=made.attacks)
    more = data.misplaced(made.misplaced, seed)
    return Split(
        [*train.text, *more],
        np.concatenate([train.attack, np.ones(len(more), dtype=bool)]),
        train,
        data.part("validation", made.judged, seed),
        data.part("test", made.judged, seed),
    )


def tuned(found: Split) -> tuple[baseline.Baseline, list[dict[str, object]]]:
    """The baseline, tuned by its mean recall on validation."""
    part = found.validation
    return baseline.grid(found.texts, found.truth, lambda scores: budget.mean_recall(scores, part.attack), part.text)


def detectors(
    found: Split, made: Plan, on: compute.Compute, log: Callable[[dict[str, float], int], None] | None = None
) -> list[model.Detector]:
    """One detector for each seed; the first's loss is logged."""
    return [
        model.fit(
            found.texts,
            found.truth,
            seed=on.seed + number,
            epochs=made.epochs,
            shape=made.shape,
            compute=on,
            batch=on.pick(48, 256),
            rate=on.pick(2e-3, 5e-4),
            log=None if number else log,
        )
        for number in range(made.seeds)
    ]


def summary(scores: Sequence[np.ndarray], part: data.Part) -> dict[str, float]:
    """Mean over seeds, and the least, of the metric; and recall at the budget."""
    every = [budget.mean_recall(values, part.attack) for values in scores]
    at = [budget.recall(values, part.attack, budget.rate()) for values in scores]
    return {"mean": float(np.mean(every)), "least": float(min(every)), "at_budget": float(np.mean(at))}


def main() -> None:
    on = compute.choose()
    made = plan(on)
    print(on, made, sep="\n", flush=True)
    found = split(made, on.seed)
    best, rows = tuned(found)
    print(*rows, sep="\n", flush=True)
    with tracking.run("train", {"scale": "full" if on.full else "default", "seeds": made.seeds}) as run:
        trained = detectors(found, made, on, run.log)
        theirs = summary([model.score(each, found.test.text, on) for each in trained], found.test)
        ours = budget.mean_recall(best.score(found.test.text), found.test.attack)
        run.log({"test_mean_recall": theirs["mean"], "baseline_mean_recall": ours})
    benign = found.validation.text[: made.judged]
    threshold = budget.threshold(model.score(trained[0], benign, on), budget.rate())
    model.keep(trained[0].cpu(), settings.results() / WEIGHTS, threshold)
    print(figures.keep(baseline=ours, model=theirs["mean"], least=theirs["least"], energy_kwh=run.energy_kwh))


if __name__ == "__main__":
    main()
