"""What the kit computes on, from one setting: a processor in seconds, or a GPU at full scale."""

from __future__ import annotations

import random
import warnings
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch

from kitlib import settings

Value = TypeVar("Value")


@dataclass(frozen=True)
class Compute:
    """Where and how to compute."""

    device: torch.device
    dtype: torch.dtype
    """What :meth:`autocast` computes in: bfloat16 on a GPU that has it, else float32."""
    full: bool
    """Whether this is the full scale: it is asked for, and there is a GPU for it."""
    seed: int

    def autocast(self) -> AbstractContextManager[Any]:
        """Mixed precision where there is any to be had; else nothing changes."""
        return torch.autocast(self.device.type, dtype=self.dtype, enabled=self.dtype is not torch.float32)

    def pick(self, default: Value, full: Value) -> Value:
        """One of two: how many rows, epochs, layers at this scale."""
        return full if self.full else default

    def __str__(self) -> str:
        on = torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else "the processor"
        return f"{'full' if self.full else 'default'} scale on {on} in {str(self.dtype).removeprefix('torch.')}"


def scale() -> str:
    """At which of settings.SCALES is computed here: what is asked for, but the full one needs a GPU."""
    return settings.read().scale if torch.cuda.is_available() else "default"


def choose() -> Compute:
    """What ``settings.toml`` asks for and this machine has. Seeds random, numpy and torch with the same seed.

    Warns where the full scale is asked for and there is no GPU: on processors it would take a day.
    """
    said = settings.read()
    full = scale() == "full"
    if said.scale == "full" and not full:
        warnings.warn("The full scale needs a GPU, and there is none here: this is the default scale.", stacklevel=2)
    bfloat = full and torch.cuda.is_bf16_supported()
    random.seed(said.seed)
    np.random.seed(said.seed)
    torch.manual_seed(said.seed)
    return Compute(
        torch.device("cuda" if full else "cpu"), torch.bfloat16 if bfloat else torch.float32, full, said.seed
    )
