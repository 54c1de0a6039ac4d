"""The kit's figures in one place: what notebooks, card and batch job say is computed here."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from kitlib import compute
from sharpen.baseline import Regression, Trees
from sharpen.data import DN, PARTS, PIXEL, Scene, part
from sharpen.evaluate import COVERS, by_band, caught, covers, errors, gain_interval, moisture, rmse
from sharpen.model import Ensemble

FLAGGED = 0.1  # the share of pixels that is flagged as unsure


def gather(given: Scene, regression: Regression, trees: Trees, made: Ensemble) -> dict[str, Any]:
    """Errors in DN on the part "test".

    The baseline is the better of regression and trees there; the model is what the app shows, the networks' mean image.
    """
    by_regression, by_trees = regression.sharpen(given), trees.sharpen(given)
    mean, spread = made.sharpen(given)
    height, width = given.truth.shape[2:]
    singles = [rmse(member.sharpen(given), given, "test") for member in made.members]
    strongest = min(by_regression, by_trees, key=lambda image: rmse(image, given, "test"))
    low, high = gain_interval(strongest, mean, given)
    square = (errors(mean, given, "test") ** 2).mean(0)
    unsure = part(spread, "test")[0].mean(0).numpy() * DN
    right = part(moisture(given, given.truth)[None, None], "test")
    index = {
        name: float((part(moisture(given, image)[None, None], "test") - right).abs().mean())
        for name, image in (("bicubic", given.bicubic), ("baseline", strongest), ("model", mean))
    }
    return {
        "baseline": rmse(strongest, given, "test"),
        "model": rmse(mean, given, "test"),
        "one_network": sum(singles) / len(singles),
        "bicubic": rmse(given.bicubic, given, "test"),
        "regression": rmse(by_regression, given, "test"),
        "trees": rmse(by_trees, given, "test"),
        "ensemble": rmse(mean, given, "test"),
        "together": rmse((mean + by_trees) / 2, given, "test"),
        "trees_strip": rmse(by_trees, given, "validation"),
        "ensemble_strip": rmse(mean, given, "validation"),
        "worst_network": max(singles),
        "best_network": min(singles),
        "networks": len(singles),
        "gain": rmse(strongest, given, "test") - rmse(mean, given, "test"),
        "gain_low": low,
        "gain_high": high,
        "band5": by_band(mean, given, "test")[0],
        "band7": by_band(mean, given, "test")[1],
        "flagged_share": 100 * caught(unsure, square, FLAGGED),
        "kilometres": f"{height * PIXEL / 1000:.1f} x {width * PIXEL / 1000:.1f}",
        "moisture_bicubic": index["bicubic"],
        "moisture_baseline": index["baseline"],
        "moisture_model": index["model"],
    }


def by_cover(image: torch.Tensor, given: Scene, name: str = "test") -> dict[str, float]:
    """The error in DN on each of COVERS."""
    first, last = PARTS[name]
    kind, square = covers(given)[first:last], (errors(image, given, name) ** 2).mean(0)
    return {cover: float(np.sqrt(square[kind == at].mean())) for at, cover in enumerate(COVERS)}


def wording(on: compute.Compute) -> dict[str, str]:
    """Words that the card asks for."""
    return {"scale": str(on)}
