"""How far an image is from what the satellite measured: errors in digital numbers (DN)."""

from __future__ import annotations

import numpy as np
import torch

from sharpen.data import DN, Scene, part

BLOCK = 24  # pixels: 684 m; larger than what any model sees around a pixel
COVERS = ("water", "vegetation", "built-up or bare")


def errors(image: torch.Tensor, scene: Scene, name: str) -> np.ndarray:
    """Error of each pixel of a part, in DN: [band, row, column]."""
    return (part(image - scene.truth, name)[0] * DN).numpy()


def rmse(image: torch.Tensor, scene: Scene, name: str) -> float:
    """Root of the mean squared error over both bands of a part, in DN."""
    return float(np.sqrt((errors(image, scene, name) ** 2).mean()))


def by_band(image: torch.Tensor, scene: Scene, name: str) -> list[float]:
    """The same for each band."""
    return [float(np.sqrt((error**2).mean())) for error in errors(image, scene, name)]


def blocks(image: torch.Tensor, scene: Scene, name: str) -> np.ndarray:
    """Mean squared error of each block of BLOCK x BLOCK pixels, in DN²; a rest at the rim is left away."""
    square = (errors(image, scene, name) ** 2).mean(0)
    high, wide = (side // BLOCK for side in square.shape)
    return square[: high * BLOCK, : wide * BLOCK].reshape(high, BLOCK, wide, BLOCK).mean((1, 3)).ravel()


def gain_interval(
    baseline: torch.Tensor, model: torch.Tensor, scene: Scene, name: str = "test", draws: int = 2000
) -> tuple[float, float]:
    """By how many DN the model's error is smaller: the middle 95 % over bootstrap draws of whole blocks.

    Neighbouring pixels are alike: drawing pixels would make the interval too narrow.
    """
    before, after = blocks(baseline, scene, name), blocks(model, scene, name)
    drawn = np.random.default_rng(0).integers(0, len(before), (draws, len(before)))
    gains = np.sqrt(before[drawn].mean(1)) - np.sqrt(after[drawn].mean(1))
    low, high = np.quantile(gains, [0.025, 0.975])
    return float(low), float(high)


def covers(scene: Scene) -> np.ndarray:
    """A rough kind of ground for each pixel, as an index into COVERS, from what was measured.

    By simple rules on DN, good enough to group errors; it is no land cover map.
    """
    red, near = scene.fine[0, 2].numpy(), scene.fine[0, 3].numpy()
    green, wave = scene.fine[0, 1].numpy(), scene.truth[0, 0].numpy()
    water = (green - wave) / (green + wave + 1e-6) > 0.3
    plants = (near - red) / (near + red + 1e-6) > 0.1
    return np.where(water, 0, np.where(plants, 1, 2))


def moisture(scene: Scene, waves: torch.Tensor) -> torch.Tensor:
    """The moisture index (near infrared - short-wave infrared 1) / (their sum), here from DN: [row, column]."""
    near, wave = scene.fine[0, 3], waves[0, 0]
    return (near - wave) / (near + wave).clamp(min=1 / DN)


def caught(spread: np.ndarray, square: np.ndarray, share: float) -> float:
    """Which part of all squared error lies in the ``share`` of pixels with the largest spread."""
    edge = np.quantile(spread, 1 - share)
    return float(square[spread >= edge].sum() / square.sum())
