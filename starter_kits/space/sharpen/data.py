"""A real Landsat 7 scene, and the coarse camera that is simulated from it.

Values are digital numbers (DN): 8 bits, 0 to 255, linear in the radiance at the sensor; 255 is saturated. The file does
not bring the gains that would turn them into W/(m² sr µm). Images are tensors [1, band, row, column] in DN / 255.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

FILE = Path(__file__).resolve().parent.parent / "data" / "landsat7_olinda.png"

# Band -> its name and limits in µm. Source: Landsat 7 Science Data Users Handbook, "Spectral bandwidths".
BANDS = {
    1: ("blue", 0.45, 0.515),
    2: ("green", 0.525, 0.605),
    3: ("red", 0.63, 0.69),
    4: ("near infrared", 0.775, 0.90),
    5: ("short-wave infrared 1", 1.55, 1.75),
    7: ("short-wave infrared 2", 2.09, 2.35),
}
PIXEL = 28.5  # m on the ground, from the GeoTIFF
WEST, NORTH = 288_776.25, 9_120_760.75  # m, upper left corner in UTM zone 25 south, from the GeoTIFF
FACTOR = 4  # how many times coarser the infrared camera is
FINE = 4  # bands 1 to 4 stay fine
DN = 255.0

# Rows from north to south. Between two parts lie 16 rows (456 m) that belong to none: no model looks that far.
PARTS = {"train": (0, 176), "validation": (192, 240), "test": (256, 352)}


def load(path: Path = FILE) -> torch.Tensor:
    """A scene [1, 6, rows, columns] in DN / 255, as wide as FACTOR divides: Olinda is 352 x 348 of the file's 349."""
    stacked = np.array(Image.open(path))
    image = stacked.reshape(len(BANDS), -1, stacked.shape[1])
    return torch.from_numpy(image[None, :, :, : image.shape[2] // FACTOR * FACTOR].copy()).float() / DN


def up(coarse: torch.Tensor) -> torch.Tensor:
    """Interpolated to the fine grid by cubic convolution: what image software does."""
    return F.interpolate(coarse, scale_factor=FACTOR, mode="bicubic", align_corners=False)


def down(fine: torch.Tensor) -> torch.Tensor:
    """What a camera with pixels FACTOR times as wide measures: the mean over each of its pixels."""
    return F.avg_pool2d(fine, FACTOR)


@dataclass(frozen=True)
class Scene:
    """What the satellite would send, and the truth that only we have."""

    fine: torch.Tensor
    """Bands 1 to 4 at 28.5 m."""
    coarse: torch.Tensor
    """Bands 5 and 7 at 114 m: the simulated camera."""
    truth: torch.Tensor
    """Bands 5 and 7 as Landsat 7 measured them at 28.5 m."""

    @property
    def bicubic(self) -> torch.Tensor:
        """The coarse bands, interpolated."""
        return up(self.coarse)

    @property
    def detail(self) -> torch.Tensor:
        """What the fine bands show that a coarse camera would not have seen."""
        return self.fine - up(down(self.fine))


def scene(image: torch.Tensor | None = None, blur: float = 0.0, noise: float = 0.0, shift: int = 0) -> Scene:
    """The scene through the coarse camera.

    Its faults, for the test of limits: ``blur``, the spread in fine pixels of its optics; ``noise`` in DN; ``shift``,
    by how many fine pixels its image lies too far east.
    """
    image = load() if image is None else image
    fine, truth = image[:, :FINE], image[:, FINE:]
    seen = torch.roll(truth, shift, dims=3) if shift else truth
    if blur:
        reach = int(3 * blur) + 1
        line = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / blur) ** 2)
        line = (line / line.sum()).view(1, 1, -1, 1)
        planes = F.pad(seen.transpose(0, 1), [reach] * 4, mode="reflect")
        seen = F.conv2d(F.conv2d(planes, line), line.transpose(2, 3)).transpose(0, 1)
    coarse = down(seen)
    if noise:
        coarse = coarse + torch.randn(coarse.shape, generator=torch.Generator().manual_seed(7)) * noise / DN
    return Scene(fine, coarse, truth)


def keep_measured(image: torch.Tensor, coarse: torch.Tensor) -> torch.Tensor:
    """The image, corrected so that its mean over each coarse pixel is what was measured there."""
    return image + F.interpolate(coarse - down(image), scale_factor=FACTOR, mode="nearest")


def part(image: torch.Tensor, name: str) -> torch.Tensor:
    """The rows of one of PARTS."""
    first, last = PARTS[name]
    return image[:, :, first:last]
