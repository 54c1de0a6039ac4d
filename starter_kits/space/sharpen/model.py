"""A small convolutional network that adds to the interpolated bands what they lack."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

from sharpen.data import FINE, Scene, keep_measured

_BRIGHTNESS, _SPREAD = 0.28, 0.1  # about the mean and the spread of the part "train", in DN / 255
_DETAIL = 20.0  # detail is small: about 1/20 at its largest


class Sharpener(nn.Module):
    """Detail for the coarse bands: a linear filter of 5 x 5 pixels, as regression has, and a network beside it.

    Input and output are images, [1 or more, bands, rows, columns] in DN / 255. The result's mean over each coarse pixel
    is what was measured, whatever the weights are.
    """

    def __init__(self, width: int = 24, depth: int = 3) -> None:
        super().__init__()
        self.width, self.depth = width, depth
        layers: list[nn.Module] = []
        for level in range(depth):
            layers += [nn.Conv2d(width if level else 10, width, 3, padding=1), nn.SiLU()]
        self.network = nn.Sequential(*layers, nn.Conv2d(width, 2, 3, padding=1))
        self.linear = nn.Conv2d(10, 2, 5, padding=2)
        for last in (self.network[-1], self.linear):
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)

    def start_from(self, weights: np.ndarray) -> None:
        """Start as the regression in a window of 5 pixels: ``weights`` [4 bands * 25 + 1, 2 bands]."""
        filters = torch.from_numpy(weights.T.astype(np.float32))
        with torch.no_grad():
            self.linear.weight[:, :FINE] = filters[:, :-1].view(2, FINE, 5, 5)
            self.linear.bias[:] = filters[:, -1] * _DETAIL

    @property
    def reach(self) -> int:
        """How many pixels around a pixel it looks at."""
        return self.depth + 1

    def forward(self, inputs: torch.Tensor, bicubic: torch.Tensor, coarse: torch.Tensor) -> torch.Tensor:
        added = self.network(inputs) + self.linear(inputs)
        return keep_measured(bicubic + added.float() / _DETAIL, coarse)

    @torch.no_grad()
    def sharpen(self, scene: Scene) -> torch.Tensor:
        """The coarse bands at the fine bands' resolution, on the processor."""
        device = next(self.parameters()).device
        given = (inputs(scene), scene.bicubic, scene.coarse)
        return self(*(tensor.to(device) for tensor in given)).cpu()


def inputs(scene: Scene) -> torch.Tensor:
    """What the network sees: the fine bands' detail, the fine bands, the interpolated bands; each about 1 in size."""
    seen = torch.cat([scene.fine, scene.bicubic], 1)
    return torch.cat([scene.detail * _DETAIL, (seen - _BRIGHTNESS) / _SPREAD], 1)


class Ensemble(nn.Module):
    """Networks that differ in their seed alone: their mean is the image, their spread says how sure they are."""

    def __init__(self, members: Sequence[Sharpener]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def sharpen(self, scene: Scene) -> tuple[torch.Tensor, torch.Tensor]:
        """The image, and the networks' standard deviation for each pixel; both [1, 2, rows, columns] in DN / 255."""
        images = torch.stack([member.sharpen(scene) for member in self.members])
        return images.mean(0), images.std(0, correction=0)

    def save(self, path: Path) -> None:
        first = self.members[0]
        shape = {"width": str(first.width), "depth": str(first.depth), "members": str(len(self.members))}
        save_file({key: value.cpu().contiguous() for key, value in self.state_dict().items()}, path, shape)

    @classmethod
    def load(cls, path: Path) -> Ensemble:
        """Raises FileNotFoundError where none was saved."""
        if not path.is_file():
            raise FileNotFoundError(f"{path} is not there yet: run notebook 3 first, or python -m sharpen.train")
        with safe_open(str(path), "pt") as stored:
            shape = {key: int(value) for key, value in stored.metadata().items()}
            weights = {key: stored.get_tensor(key) for key in stored.keys()}  # noqa: SIM118 - no mapping
        made = cls([Sharpener(shape["width"], shape["depth"]) for _ in range(shape["members"])])
        made.load_state_dict(weights)
        return made


def loss(image: torch.Tensor, truth: torch.Tensor, rim: int) -> torch.Tensor:
    """Mean squared error in hundredths, without a rim: there the network sees padding."""
    inner = (slice(None), slice(None), slice(rim, -rim), slice(rim, -rim))
    return F.mse_loss(image[inner] * 100, truth[inner] * 100)
