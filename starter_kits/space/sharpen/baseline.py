"""What has to be beaten: interpolation, regression on the fine bands, and boosted trees. All learn on the part "train"
alone, and what has to be chosen is chosen on "validation"."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.ensemble import HistGradientBoostingRegressor

from kitlib import settings
from sharpen.data import PARTS, Scene, keep_measured
from sharpen.evaluate import rmse

_CHOICES = "choices.json"
WINDOWS = (1, 3, 5)
PENALTIES = (1e-3, 1e-1)
TREES: tuple[Mapping[str, float], ...] = (
    {"max_iter": 150, "learning_rate": 0.1, "max_leaf_nodes": 31},
    {"max_iter": 150, "learning_rate": 0.06, "max_leaf_nodes": 15},
)
MORE_TREES: tuple[Mapping[str, float], ...] = (
    *TREES,
    {"max_iter": 600, "learning_rate": 0.05, "max_leaf_nodes": 15},
    {"max_iter": 400, "learning_rate": 0.05, "max_leaf_nodes": 63},
)


def around(image: torch.Tensor, window: int) -> np.ndarray:
    """Each pixel's neighbourhood as a row: [pixels, bands * window²]."""
    padded = F.pad(image, [window // 2] * 4, mode="reflect")
    return F.unfold(padded, window)[0].T.numpy()


def _rows(scene: Scene, part: str) -> np.ndarray:
    """Which pixels, counted row by row, lie in a part."""
    height, width = scene.truth.shape[2:]
    first, last = PARTS[part]
    row = np.arange(height * width) // width
    return (row >= first) & (row < last)


def _image(scene: Scene, added: np.ndarray) -> torch.Tensor:
    """Interpolation plus what a model adds to it [pixels, bands], true to what was measured."""
    plane = torch.from_numpy(np.ascontiguousarray(added.T, dtype=np.float32)).view(scene.truth.shape)
    return keep_measured(scene.bicubic + plane, scene.coarse)


def _missing(scene: Scene) -> np.ndarray:
    """What interpolation lacks [pixels, bands]."""
    return (scene.truth - scene.bicubic).flatten(2)[0].T.numpy()


@dataclass(frozen=True)
class Regression:
    """Detail of the coarse bands as a linear function of the fine bands' detail in a window around the pixel."""

    window: int
    penalty: float
    weights: np.ndarray

    @classmethod
    def fit(cls, scene: Scene, window: int, penalty: float) -> Regression:
        rows = _rows(scene, "train")
        inputs = cls._inputs(scene, window)[rows]
        square = inputs.T @ inputs + penalty * np.eye(inputs.shape[1])
        return cls(window, penalty, np.linalg.solve(square, inputs.T @ _missing(scene)[rows]))

    @staticmethod
    def _inputs(scene: Scene, window: int) -> np.ndarray:
        detail = around(scene.detail, window).astype(np.float64)
        return np.c_[detail, np.ones(len(detail))]

    def added(self, scene: Scene) -> np.ndarray:
        return self._inputs(scene, self.window) @ self.weights

    def sharpen(self, scene: Scene) -> torch.Tensor:
        return _image(scene, self.added(scene))


@dataclass(frozen=True)
class Trees:
    """Boosted trees that see the fine bands' detail in 3 x 3 pixels, all six bands, and what the regression says."""

    regression: Regression
    settings: Mapping[str, float]
    models: tuple[HistGradientBoostingRegressor, ...]

    @classmethod
    def fit(cls, scene: Scene, regression: Regression, settings: Mapping[str, float]) -> Trees:
        rows = _rows(scene, "train")
        inputs, missing = cls._inputs(scene, regression)[rows], _missing(scene)[rows]
        models = (
            HistGradientBoostingRegressor(random_state=0, l2_regularization=1.0, early_stopping=False, **settings)
            for _ in range(missing.shape[1])
        )
        return cls(regression, settings, tuple(m.fit(inputs, missing[:, band]) for band, m in enumerate(models)))

    @staticmethod
    def _inputs(scene: Scene, regression: Regression) -> np.ndarray:
        near = around(scene.detail, 3)
        return np.c_[near, around(scene.fine, 1), around(scene.bicubic, 1), regression.added(scene)]

    def sharpen(self, scene: Scene) -> torch.Tensor:
        inputs = self._inputs(scene, self.regression)
        return _image(scene, np.stack([model.predict(inputs) for model in self.models], 1))


def best_regression(scene: Scene) -> tuple[Regression, list[tuple[int, float, float]]]:
    """The one with the smallest error on the part "validation", and (window, penalty, error in DN) of all."""
    tried = []
    for window in WINDOWS:
        for penalty in PENALTIES:
            made = Regression.fit(scene, window, penalty)
            tried.append((rmse(made.sharpen(scene), scene, "validation"), made))
    table = [(made.window, made.penalty, error) for error, made in tried]
    return min(tried, key=lambda pair: pair[0])[1], table


def best_trees(
    scene: Scene, regression: Regression, choices: tuple[Mapping[str, float], ...] = TREES
) -> tuple[Trees, list[float]]:
    """The ones with the smallest error on the part "validation", and the error in DN of each choice."""
    tried = [Trees.fit(scene, regression, settings) for settings in choices]
    errors = [rmse(made.sharpen(scene), scene, "validation") for made in tried]
    return tried[int(np.argmin(errors))], errors


def keep(regression: Regression, trees: Trees) -> None:
    """Write down what was chosen, for other notebooks: ``results/choices.json``."""
    chosen = {"window": regression.window, "penalty": regression.penalty, "trees": dict(trees.settings)}
    (settings.results() / _CHOICES).write_text(json.dumps(chosen) + "\n", "utf-8")


def again(scene: Scene) -> tuple[Regression, Trees]:
    """Regression and trees, fitted as they were chosen. Raises FileNotFoundError where nothing was chosen yet."""
    file = settings.results() / _CHOICES
    if not file.is_file():
        raise FileNotFoundError(f"{file} is not there yet: run notebook 2 first")
    chosen = json.loads(file.read_text("utf-8"))
    regression = Regression.fit(scene, chosen["window"], chosen["penalty"])
    return regression, Trees.fit(scene, regression, chosen["trees"])
