"""Training the network: from a notebook, or at full scale as a batch job with ``python -m sensor.train``."""

from __future__ import annotations

import copy
from dataclasses import asdict, dataclass

import torch

from kitlib import card, compute, figures, tracking
from sensor.baseline import error, fitted
from sensor.data import readings, split, windows
from sensor.model import Forecaster

LENGTH, AHEAD = 24, 8


@dataclass(frozen=True)
class Plan:
    """How much to train."""

    readings: int
    width: int
    epochs: int
    batch: int = 64
    rate: float = 5e-3


def plan(chosen: compute.Compute) -> Plan:
    """The plan of this scale."""
    return chosen.pick(Plan(3_000, 64, 60), Plan(200_000, 256, 60, batch=512))


def train(chosen: compute.Compute, ours: Plan) -> tuple[Forecaster, dict[str, float], tracking.Run]:
    """A trained network, the errors of all on the test windows, and the run that tracked it.

    The epoch to keep is chosen on the middle stretch of time; the last one is looked at once, at the end.
    """
    parts = [windows(part, LENGTH, AHEAD) for part in split(readings(ours.readings, chosen.seed))]
    (past, future), (check_past, check_future), (test_past, test_future) = parts
    baselines = fitted(past, future, chosen.seed)
    errors = {name: error(model.predict(test_past), test_future) for name, model in baselines.items()}
    model = Forecaster(LENGTH, ours.width).to(chosen.device)
    with tracking.run("forecaster", asdict(ours)) as run:
        best, state = float("inf"), copy.deepcopy(model.state_dict())
        optimiser = torch.optim.AdamW(model.parameters(), lr=ours.rate, weight_decay=1e-2)
        steps = ours.epochs * -(-len(past) // ours.batch)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, ours.rate, total_steps=steps)
        x, y = torch.from_numpy(past).to(chosen.device), torch.from_numpy(future).to(chosen.device)
        for epoch in range(ours.epochs):
            for rows in torch.randperm(len(x)).to(chosen.device).split(ours.batch):
                with chosen.autocast():
                    loss = torch.nn.functional.mse_loss(model(x[rows]), y[rows])
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                schedule.step()
            reached = error(model.forecast(check_past), check_future)
            run.log({"loss": loss.item(), "error": reached}, epoch)
            if reached < best:
                best, state = reached, copy.deepcopy(model.state_dict())
        model.load_state_dict(state)
        errors["network"] = error(model.forecast(test_past), test_future)
        run.log({"test_error": errors["network"]}, ours.epochs)
    return model, errors, run


def keep(model: Forecaster, errors: dict[str, float], run: tracking.Run, ours: Plan) -> str:
    """Keep figures and card, and register the model with it; the card's text."""
    best = min(errors["linear"], errors["boosted trees"])
    figures.keep(baseline=best, model=errors["network"], energy_kwh=run.energy_kwh, readings=ours.readings)
    text = card.fill(
        network=errors["network"],
        linear=errors["linear"],
        trees=errors["boosted trees"],
        readings=ours.readings,
        parameters=sum(each.numel() for each in model.parameters()),
        energy_wh=1000 * (run.energy_kwh or 0.0),
    )
    run.register(model, "sensor-forecaster", text)
    return text


if __name__ == "__main__":
    chosen = compute.choose()
    print(f"Training: {chosen}", flush=True)
    ours = plan(chosen)
    print(keep(*train(chosen, ours), ours))
