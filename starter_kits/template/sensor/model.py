"""The network: two hidden layers between the last readings and the next one."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from sensor.data import Values

# About the mean and the spread of the readings: a network learns best from numbers around 0.
_MEAN, _SPREAD = 0.92, 0.24


class Forecaster(nn.Module):
    """Takes windows of shape (n, length), gives forecasts of shape (n,)."""

    def __init__(self, length: int, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(length, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, 1)
        )

    def forward(self, past: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.layers((past - _MEAN) / _SPREAD).squeeze(-1)
        return _MEAN + _SPREAD * found

    def forecast(self, past: Values) -> Values:
        """The same, from and to numpy, without learning."""
        device = next(self.parameters()).device
        with torch.no_grad():
            found: Values = self(torch.from_numpy(past).to(device)).float().cpu().numpy()
        return np.asarray(found)
