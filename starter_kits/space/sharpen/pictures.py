"""The kit's pictures: matplotlib figures with units, in colours that people with any colour vision tell apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from sharpen.data import BANDS, DN, FACTOR, PARTS, PIXEL, Scene

# Okabe and Ito's palette.
BLUE, ORANGE, GREEN, GREY = "#0072B2", "#E69F00", "#009E73", "#8A8A8A"
_PLAIN = {"axes.spines.top": False, "axes.spines.right": False, "axes.titlesize": 11, "font.size": 10}
plt.rcParams.update(_PLAIN)


def _stretch(image: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    return np.clip((image - low) / (high - low), 0, 1)


def colours(planes: torch.Tensor) -> np.ndarray:
    """Three bands [3, rows, columns] as red, green and blue, each stretched between its 1st and 99th percentile."""
    image = planes.permute(1, 2, 0).numpy()
    low, high = np.quantile(image, [0.01, 0.99], axis=(0, 1))
    return _stretch(image, low, high)


def bare(axes: Axes, title: str) -> None:
    """An image without ticks and frame, under a title."""
    axes.set_title(title)
    axes.set_xticks([])
    axes.set_yticks([])
    for side in axes.spines.values():
        side.set_visible(False)


def _scale(axes: Axes, width: int, metres: int) -> None:
    """A scale bar in the lower left corner."""
    long = metres / PIXEL
    low = axes.get_ylim()[0]
    axes.plot([width * 0.05, width * 0.05 + long], [low * 0.95] * 2, color="white", linewidth=3)
    words = f"{metres / 1000:g} km"
    axes.text(width * 0.05, low * 0.92, words, color="white", fontsize=9, va="bottom")


def overview(scene: Scene) -> Figure:
    """The scene as an eye would see it and in infrared, with the three parts."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 5.2), layout="constrained")
    left.imshow(colours(scene.fine[0, [2, 1, 0]]))
    bare(left, "Red, green, blue: 28.5 m")
    _scale(left, scene.fine.shape[3], 2000)
    right.imshow(colours(torch.stack([scene.truth[0, 1], scene.truth[0, 0], scene.fine[0, 2]])))
    bare(right, "Infrared (bands 7, 5 and 3), with the three parts")
    for name, (first, last) in PARTS.items():
        right.add_patch(Rectangle((1, first), scene.fine.shape[3] - 3, last - first - 1, fill=False, color="white"))
        right.text(6, first + 6, name, color="white", va="top", fontsize=10, weight="bold")
    return figure


def histograms(image: torch.Tensor) -> Figure:
    """How often each value occurs, band by band."""
    figure, every = plt.subplots(2, 3, figsize=(10, 4.6), sharex=True, layout="constrained")
    for axes, (number, (name, low, high)), plane in zip(every.flat, BANDS.items(), image[0] * DN, strict=True):
        axes.hist(plane.numpy().ravel(), bins=np.arange(0, 257, 4), color=BLUE)
        axes.set_title(f"{number}: {name}, {low}-{high} µm")
    for axes in every[1]:
        axes.set_xlabel("digital number")
    for axes in every[:, 0]:
        axes.set_ylabel("pixels")
    return figure


def side_by_side(
    images: Mapping[str, np.ndarray], top: int, left: int, size: int, unit: str = "digital number"
) -> Figure:
    """The same square of one band from several images, all in the same grey scale."""
    cut = {name: image[top : top + size, left : left + size] for name, image in images.items()}
    low, high = np.quantile(np.stack(list(cut.values())), [0.01, 0.99])
    figure, every = plt.subplots(1, len(cut), figsize=(2.7 * len(cut), 3.1), layout="constrained")
    for axes, (name, image) in zip(every, cut.items(), strict=True):
        drawn = axes.imshow(image, cmap="gray", vmin=low, vmax=high, interpolation="nearest")
        bare(axes, name)
    figure.colorbar(drawn, ax=every, shrink=0.75, label=unit)
    return figure


def bars(found: Sequence[tuple[str, float]], marked: int, unit: str) -> Figure:
    """Errors as bars, each with its number; ``marked`` is the one to look at."""
    figure, axes = plt.subplots(figsize=(7, 0.45 * len(found) + 1), layout="constrained")
    names, values = zip(*found, strict=True)
    drawn = axes.barh(names, values, color=[BLUE if at == marked else GREY for at in range(len(found))])
    axes.bar_label(drawn, fmt="%.2f", padding=4)
    axes.invert_yaxis()
    axes.set_xlabel(unit)
    axes.set_xlim(0, max(values) * 1.12)
    return figure


def lines(x: Sequence[float], series: Mapping[str, Sequence[float]], across: str, unit: str) -> Figure:
    """Some series over the same x, each named at its end."""
    figure, axes = plt.subplots(figsize=(6.5, 3.4), layout="constrained")
    marks = [("o", GREY), ("s", ORANGE), ("^", BLUE), ("D", GREEN)]
    for (name, values), (mark, colour) in zip(series.items(), marks, strict=False):
        axes.plot(x, values, marker=mark, color=colour, label=name)
    axes.set_xlabel(across)
    axes.set_ylabel(unit)
    axes.legend(frameon=False)
    return figure


def doubt(mean: np.ndarray, error: np.ndarray, spread: np.ndarray, flags: np.ndarray) -> Figure:
    """The sharpened band, its true error, and where the networks disagree, flagged pixels in orange; all in DN."""
    figure, every = plt.subplots(3, 1, figsize=(8, 7.4), layout="constrained")
    every[0].imshow(mean, cmap="gray", vmin=np.quantile(mean, 0.01), vmax=np.quantile(mean, 0.99))
    bare(every[0], "Sharpened band; flagged pixels in orange")
    shown = np.zeros((*flags.shape, 4))
    shown[flags] = (*plt.matplotlib.colors.to_rgb(ORANGE), 0.85)
    every[0].imshow(shown, interpolation="nearest")
    for axes, plane, title in ((every[1], error, "True error (DN)"), (every[2], spread, "Disagreement (DN)")):
        drawn = axes.imshow(plane, cmap="viridis", vmin=0, vmax=np.quantile(plane, 0.99))
        bare(axes, title)
        figure.colorbar(drawn, ax=axes, shrink=0.85, label="DN")
    return figure


def result(scene: Scene, strongest: torch.Tensor, mean: torch.Tensor, found: Mapping[str, float]) -> Figure:
    """The picture of the whole kit: the best visible square of the part "test", and the errors."""
    top, left, size = 268, 130, 76
    images = {
        f"What the camera sends\n{PIXEL * FACTOR:.0f} m": scene.coarse[0, 0].repeat_interleave(FACTOR, 0),
        f"Boosted trees\nerror {found['baseline']:.2f} DN": strongest[0, 0],
        f"This kit's networks\nerror {found['ensemble']:.2f} DN": mean[0, 0],
        f"Landsat 7 itself\n{PIXEL} m": scene.truth[0, 0],
    }
    planes = {name: plane * DN for name, plane in images.items()}
    first = next(iter(planes))
    planes[first] = planes[first].repeat_interleave(FACTOR, 1)
    return side_by_side({name: plane.numpy() for name, plane in planes.items()}, top, left, size)
