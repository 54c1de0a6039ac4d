"""The app: any piece of the scene through the coarse camera, sharpened, and with the doubtful pixels flagged."""

from __future__ import annotations

from typing import Any

import ipywidgets as widgets
import numpy as np
from IPython.display import display
from matplotlib import pyplot as plt

from kitlib import settings
from sharpen import pictures, train
from sharpen.data import DN, FACTOR, PARTS, PIXEL, scene

_SIZE = 88  # pixels of the piece that is shown
_BANDS = {"Band 5 (1.55-1.75 µm)": 0, "Band 7 (2.09-2.35 µm)": 1}


class Desk:
    """Widgets and what they show. Raises FileNotFoundError where nothing was trained yet."""

    def __init__(self) -> None:
        self._networks = train.load()
        self._scene = scene()
        mean, spread = self._networks.sharpen(self._scene)
        self._mean, self._spread = (mean[0] * DN).numpy(), (spread[0] * DN).numpy()
        self._truth, self._bicubic = (self._scene.truth[0] * DN).numpy(), (self._scene.bicubic[0] * DN).numpy()
        wide = np.repeat(np.repeat((self._scene.coarse[0] * DN).numpy(), FACTOR, 1), FACTOR, 2)
        self._sent = wide
        height, width = self._truth.shape[1:]
        style: dict[str, Any] = {"description_width": "170px"}
        layout = widgets.Layout(width="500px")
        self.band = widgets.Dropdown(options=_BANDS, description="Band", style=style, layout=layout)
        self.south = widgets.IntSlider(
            264, 0, height - _SIZE, 4, description="Rows from the north", style=style, layout=layout
        )
        self.east = widgets.IntSlider(
            128, 0, width - _SIZE, 4, description="Columns from the west", style=style, layout=layout
        )
        self.limit = widgets.FloatSlider(
            3.0, min=0.5, max=10, step=0.25, description="Flag above (DN)", style=style, layout=layout
        )
        self._says = widgets.HTML()
        self._shows = widgets.Output()
        for each in (self.band, self.south, self.east, self.limit):
            each.observe(self._draw, "value")

    def show(self) -> None:
        left = widgets.VBox([self.band, self.south, self.east, self.limit])
        display(widgets.VBox([widgets.HBox([left, self._says], layout=widgets.Layout(gap="24px")), self._shows]))
        self._draw()

    def _piece(self) -> tuple[slice, slice]:
        return slice(self.south.value, self.south.value + _SIZE), slice(self.east.value, self.east.value + _SIZE)

    def figures(self) -> dict[str, float]:
        """What is said of the piece that is shown; errors in DN."""
        band, piece = self.band.value, self._piece()
        error = self._mean[band][piece] - self._truth[band][piece]
        before = self._bicubic[band][piece] - self._truth[band][piece]
        flags = self._spread[band][piece] > self.limit.value
        square = error**2
        return {
            "error": float(np.sqrt(square.mean())),
            "before": float(np.sqrt((before**2).mean())),
            "flagged": float(flags.mean()),
            "error_flagged": float(np.sqrt(square[flags].mean())) if flags.any() else float("nan"),
            "error_other": float(np.sqrt(square[~flags].mean())) if not flags.all() else float("nan"),
        }

    def _seen(self) -> str:
        """Whether the networks have learned from this piece."""
        first, last = self.south.value, self.south.value + _SIZE
        if first >= PARTS["test"][0]:
            return "The networks have <b>never seen</b> this piece."
        if last <= PARTS["train"][1]:
            return "The networks have <b>learned</b> from this piece: errors here flatter them."
        return "Part of this piece was used for training or choosing: move south for an honest look."

    def _draw(self, _: Any = None) -> None:
        said, band, piece = self.figures(), self.band.value, self._piece()
        lines = [
            f"<b>{_SIZE * PIXEL / 1000:.1f} x {_SIZE * PIXEL / 1000:.1f} km.</b> {self._seen()}",
            f"Error: <b>{said['error']:.1f} DN</b>; interpolated {said['before']:.1f} DN.",
            f"Flagged: <b>{said['flagged']:.0%}</b> of pixels.",
        ]
        if said["error_flagged"] == said["error_flagged"] and said["error_other"] == said["error_other"]:
            lines.append(f"Error where flagged {said['error_flagged']:.1f} DN, elsewhere {said['error_other']:.1f} DN.")
        self._says.value = "<br>".join(lines)
        self._shows.clear_output(wait=True)
        with self._shows:
            figure = self._picture(band, piece)
            display(figure)
            plt.close(figure)

    def _picture(self, band: int, piece: tuple[slice, slice]) -> Any:
        images = {
            f"Sent: {PIXEL * FACTOR:.0f} m": self._sent[band][piece],
            "Sharpened": self._mean[band][piece],
            f"Landsat 7: {PIXEL} m": self._truth[band][piece],
        }
        low, high = np.quantile(images[f"Landsat 7: {PIXEL} m"], [0.01, 0.99])
        figure, every = plt.subplots(1, 4, figsize=(13, 3.7), layout="constrained")
        for axes, (name, image) in zip(every, images.items(), strict=False):
            drawn = axes.imshow(image, cmap="gray", vmin=low, vmax=high, interpolation="nearest")
            pictures.bare(axes, name)
        figure.colorbar(drawn, ax=every[2], shrink=0.8, label="digital number (DN)")
        spread = self._spread[band][piece]
        last = every[3].imshow(spread, cmap="viridis", vmin=0, vmax=10)
        every[3].contour(spread > self.limit.value, levels=[0.5], colors=pictures.ORANGE, linewidths=0.8)
        pictures.bare(every[3], "Disagreement; flagged inside orange")
        figure.colorbar(last, ax=every[3], shrink=0.8, label="DN")
        return figure


def trained() -> bool:
    """Whether there are networks to show."""
    return (settings.results() / train.MODEL).is_file()
