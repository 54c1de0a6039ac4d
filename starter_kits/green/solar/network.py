"""A small residual network that gives the quantiles of the clear-sky index of each hour ahead."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_model, save_model
from torch import nn

from kitlib.compute import Compute
from solar.scores import LEVELS
from solar.windows import HORIZONS, Windows

_CEILING = 1.2  # clear-sky index: edges of clouds, and what the physical model leaves, go above 1


@dataclass(frozen=True)
class Recipe:
    """How a network is made and taught; found on the tuning days."""

    width: int = 64
    depth: int = 2
    dropout: float = 0.2
    epochs: int = 6
    batch: int = 512
    rate: float = 3e-3
    decay: float = 1e-2


class Forecaster(nn.Module):
    """(N, F) features to (N, H, K) quantiles of the clear-sky index, in rising order by construction."""

    def __init__(self, features: int, recipe: Recipe) -> None:
        super().__init__()
        width = recipe.width
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("scale", torch.ones(features))
        self.enter = nn.Linear(features, width)
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.LayerNorm(width),
                nn.Linear(width, width),
                nn.SiLU(),
                nn.Dropout(recipe.dropout),
                nn.Linear(width, width),
            )
            for _ in range(recipe.depth)
        )
        self.leave = nn.Sequential(nn.SiLU(), nn.Linear(width, HORIZONS * len(LEVELS)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Quantiles, lowest first: the first one free, each next one a positive step above it."""
        hidden = self.enter((x - self.mean) / self.scale)
        for block in self.blocks:
            hidden = hidden + block(hidden)
        raw = self.leave(hidden).float().view(-1, HORIZONS, len(LEVELS))
        steps = nn.functional.softplus(raw[..., 1:] - 1.0).cumsum(-1)
        return _CEILING * torch.sigmoid(torch.cat([raw[..., :1], raw[..., :1] + steps], -1))


class Ensemble(nn.Module):
    """Networks that differ in their seed alone: their quantiles are averaged, then calibrated."""

    def __init__(self, members: list[Forecaster]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        self.register_buffer("shift", torch.zeros(HORIZONS, len(LEVELS)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, F) to (N, H, K)."""
        mean = torch.stack([member(x) for member in self.members]).mean(0)
        return (mean + self.shift).clamp(0.0, _CEILING).sort(-1).values

    @torch.no_grad()
    def calibrate(self, tune: Windows) -> None:
        """Move each quantile of each hour ahead so that the tuning days fall below it as often as they should.

        Conformalised quantile regression (Romano, Patterson, Candes 2019), one-sided for every level. A network that
        has seen the learning days a few times is too sure of itself; days that it did not learn from say by how much.
        """
        self.shift.zero_()
        given = _indices(self, tune)
        for h in range(HORIZONS):
            day = tune.counts[:, h]
            for k, level in enumerate(LEVELS):
                self.shift[h, k] = float(np.quantile(tune.index[day, h] - given[day, h, k], level))


def pinball(quantiles: torch.Tensor, truth: torch.Tensor, size: torch.Tensor) -> torch.Tensor:
    """The loss: the score of :func:`solar.scores.crps` itself, on indices weighted by clear-sky power; 0 at night."""
    levels = torch.tensor(LEVELS, dtype=quantiles.dtype, device=quantiles.device)
    missed = truth[..., None] - quantiles
    loss = 2 * torch.maximum(levels * missed, (levels - 1) * missed).mean(-1)
    return (loss * size).sum() / (size > 0).sum()


def fit(
    learn: Windows, recipe: Recipe, compute: Compute, seed: int, tell: Callable[[int, float], None] | None = None
) -> Forecaster:
    """A network taught on ``learn``; ``tell`` hears each epoch's mean loss. On a processor, same seed, same network."""
    torch.manual_seed(seed)
    model = Forecaster(learn.x.shape[1], recipe)
    x = torch.from_numpy(learn.x)
    model.mean.copy_(x.mean(0))
    model.scale.copy_(x.std(0) + 1e-6)
    model.to(compute.device)
    x = x.to(compute.device)
    truth = torch.from_numpy(learn.index.astype(np.float32)).to(compute.device)
    size = torch.from_numpy((learn.clear * learn.counts).astype(np.float32)).to(compute.device)
    optimiser = torch.optim.AdamW(model.parameters(), recipe.rate, weight_decay=recipe.decay)
    steps = max(1, len(x) // recipe.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, recipe.rate, total_steps=recipe.epochs * steps)
    for epoch in range(recipe.epochs):
        order = torch.randperm(len(x), device=compute.device)
        total = torch.zeros((), device=compute.device)
        for step in range(steps):
            batch = order[step * recipe.batch : (step + 1) * recipe.batch]
            with compute.autocast():
                loss = pinball(model(x[batch]), truth[batch], size[batch])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total += loss.detach()
        if tell:
            tell(epoch, float(total) / steps)
    return model.eval()


def forecast(model: nn.Module, windows: Windows) -> np.ndarray:
    """Quantiles of power, (N, H, K), as fractions of the inverter's rating."""
    return np.asarray(_indices(model, windows) * windows.clear[..., None], dtype=np.float32)


@torch.no_grad()
def _indices(model: nn.Module, windows: Windows) -> np.ndarray:
    """Quantiles of the clear-sky index, (N, H, K)."""
    model.eval()
    where = next(model.parameters()).device
    return torch.cat([model(part.to(where)).cpu() for part in torch.from_numpy(windows.x).split(8192)]).numpy()


def keep(model: Ensemble, file: Path) -> None:
    """Write the weights as safetensors: numbers only."""
    save_model(model, str(file))


def again(file: Path, features: int, recipe: Recipe, members: int) -> Ensemble:
    """The ensemble whose weights :func:`keep` wrote."""
    model = Ensemble([Forecaster(features, recipe) for _ in range(members)])
    load_model(model, str(file))
    return model.eval()
