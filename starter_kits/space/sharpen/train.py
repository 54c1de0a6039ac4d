"""Train the networks: from a notebook, or ``python -m sharpen.train`` as a batch job."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from kitlib import card, compute, figures, settings, tracking
from sharpen import baseline, facts
from sharpen.data import FACTOR, PARTS, Scene, scene
from sharpen.evaluate import rmse
from sharpen.model import Ensemble, Sharpener, inputs, loss

MODEL = "model.safetensors"
_PATCH = 40  # pixels; a multiple of FACTOR
_RATE = 6e-3
_PENALTY = 1e-3  # of the regression that it starts from


def plan(on: compute.Compute) -> dict[str, int]:
    """How much is trained at this scale."""
    return {
        "networks": on.pick(3, 8),
        "width": on.pick(32, 64),
        "depth": on.pick(3, 5),
        "steps": on.pick(400, 6000),
        "batch": on.pick(6, 16),
    }


def _turned(images: list[torch.Tensor], quarter: int, mirror: bool) -> list[torch.Tensor]:
    """Turned by quarters and mirrored: the ground has no preferred direction, and there is little of it."""
    turned = [torch.rot90(image, quarter, (2, 3)) for image in images]
    return [image.flip(3) for image in turned] if mirror else turned


def fit(given: Scene, on: compute.Compute, seed: int, log: Callable[[dict[str, float], int], None]) -> Sharpener:
    """Train one network on the part "train", and keep it as it was when its error on "validation" was smallest."""
    torch.manual_seed(seed)
    draw = np.random.default_rng(seed)
    sizes = plan(on)
    network = Sharpener(sizes["width"], sizes["depth"])
    network.start_from(baseline.Regression.fit(given, 5, _PENALTY).weights)
    network.to(on.device)
    steps = sizes["steps"]
    optimiser = torch.optim.AdamW(network.parameters(), _RATE, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, _RATE, total_steps=steps)
    seen, bicubic, coarse, truth = (
        tensor.to(on.device) for tensor in (inputs(given), given.bicubic, given.coarse, given.truth)
    )
    rows, columns = PARTS["train"][1], truth.shape[3]
    best, kept = float("inf"), copy.deepcopy(network.state_dict())
    for step in range(1, steps + 1):
        tops = draw.integers(0, (rows - _PATCH) // FACTOR + 1, sizes["batch"]) * FACTOR
        lefts = draw.integers(0, (columns - _PATCH) // FACTOR + 1, sizes["batch"]) * FACTOR
        cut = [_cut(tensor, tops, lefts, _PATCH) for tensor in (seen, bicubic, truth)]
        cut.append(_cut(coarse, tops // FACTOR, lefts // FACTOR, _PATCH // FACTOR))
        x, base, wanted, measured = _turned(cut, int(draw.integers(4)), bool(draw.integers(2)))
        with on.autocast():
            image = network(x, base, measured)
        error = loss(image, wanted, FACTOR)
        optimiser.zero_grad()
        error.backward()
        optimiser.step()
        schedule.step()
        if step % (steps // 10) == 0 or step == steps:
            now = rmse(network.sharpen(given), given, "validation")
            log({f"loss_{seed}": error.item(), f"validation_rmse_{seed}": now}, step)
            if now < best:
                best, kept = now, copy.deepcopy(network.state_dict())
    network.load_state_dict(kept)
    return network.eval()


def _cut(image: torch.Tensor, tops: np.ndarray, lefts: np.ndarray, size: int) -> torch.Tensor:
    return torch.cat([image[:, :, y : y + size, x : x + size] for y, x in zip(tops, lefts, strict=True)])


def networks(given: Scene, on: compute.Compute, log: Callable[[dict[str, float], int], None]) -> Ensemble:
    """Networks with seeds from the kit's own seed upwards, on the processor."""
    return Ensemble([fit(given, on, on.seed + number, log) for number in range(plan(on)["networks"])]).cpu()


def train(given: Scene, on: compute.Compute, log: Callable[[dict[str, float], int], None]) -> Ensemble:
    """The same, saved in ``results/``."""
    made = networks(given, on, log)
    made.save(settings.results() / MODEL)
    return made


def load() -> Ensemble:
    """The networks trained last. Raises FileNotFoundError, saying what to do, where there are none."""
    return Ensemble.load(settings.results() / MODEL)


def main() -> dict[str, Any]:
    """Baselines, training, figures and card in one go."""
    on = compute.choose()
    print(on, plan(on), flush=True)
    given = scene()
    regression, _ = baseline.best_regression(given)
    trees, _ = baseline.best_trees(given, regression, on.pick(baseline.TREES, baseline.MORE_TREES))
    baseline.keep(regression, trees)
    with tracking.run("sharpen", plan(on)) as run:
        made = train(given, on, run.log)
        found = facts.gather(given, regression, trees, made)
        run.log({"test_rmse": found["model"], "baseline_rmse": found["baseline"]})
    figures.keep(**found)
    text = card.fill(**found, energy_wh=1000 * (run.energy_kwh or 0.0), **facts.wording(on))
    run.register(made, "sharpen", text)
    return found


if __name__ == "__main__":
    for key, value in main().items():
        print(key, value)
