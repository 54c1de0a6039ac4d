"""The whole experiment as a program: ``python -m aml.train``; with ``KIT_SCALE=full`` on a GPU and more customers."""

from typing import Any

import numpy as np

from aml import baseline, report, study, training
from aml.model import Suspicion
from aml.training import EPOCHS, WIDTH
from kitlib import card, compute, figures, tracking

NAME = "aml-graph"


def main() -> None:
    """Makes the bank, fits trees and graph model, keeps scores, figures, weights and card in results/."""
    how = compute.choose()
    print(how, flush=True)
    bank = study.make()
    print(f"{len(bank.bank.people):,} customers, {len(bank.bank.table):,} payments", flush=True)
    rules = baseline.rules(bank)
    trees, chosen = baseline.trees(bank)
    print(f"boosted trees, tuned: {chosen}", flush=True)
    graph = bank.graph(str(how.device))

    with tracking.run("train", parameters(how, bank)) as run:

        def log(values: dict[str, float], epoch: int) -> None:
            run.log(values, epoch)
            print(f"epoch {epoch + 1}: loss {values['loss']:.4f}", flush=True)

        net = training.fit(graph, how, seed=how.seed, log=log)
        values = finish(bank, net, training.score(net, graph), trees, rules, run)
    register(run, net, values)
    print(f"average precision on later weeks: trees {values['ap_trees']:.3f}, model {values['ap_model']:.3f}")


def parameters(how: compute.Compute, bank: study.Study) -> dict[str, Any]:
    """What a run was made with, for its tracking."""
    made = {"customers": len(bank.bank.people), "epochs": how.pick(EPOCHS, 3 * EPOCHS), "seed": how.seed}
    return made | {"width": how.pick(WIDTH, 2 * WIDTH), "device": str(how.device), "dtype": str(how.dtype)}


def finish(
    bank: study.Study, net: Suspicion, logits: np.ndarray, trees: np.ndarray, rules: np.ndarray, run: tracking.Run
) -> dict[str, Any]:
    """Calibrates, keeps scores, weights and figures in results/, logs them; returns what the card needs of them.

    ``logits``: of the model; ``trees``: probabilities; ``rules``: points; all (weeks, customers).
    """
    model = training.calibrate(logits, bank.known)
    level = training.calibrate(training.logit(trees), bank.known)
    study.keep("scores", rules=rules, trees=level, model=model)
    training.save(net)
    values = report.card_values(bank, model, level, rules)
    run.log({"average_precision": values["ap_model"], "average_precision_trees": values["ap_trees"]})
    figures.keep(baseline=values["ap_trees"], model=values["ap_model"], rules=values["ap_rules"])
    return values


def register(run: tracking.Run, net: Suspicion, values: dict[str, Any]) -> int:
    """Fills the card, now that the energy of ``run`` is known, and registers the model with it; returns the version."""
    text = card.fill(**values, energy_wh=1000 * (run.energy_kwh or 0.0), co2_g=1000 * (run.emissions_kg or 0.0))
    return run.register(net, NAME, text)


if __name__ == "__main__":
    main()
