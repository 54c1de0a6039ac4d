"""The scene, and the camera that is simulated from it."""

from __future__ import annotations

import hashlib
import itertools
import json
from pathlib import Path

import torch

from sharpen import data, fresh

SHEET = Path(__file__).resolve().parent.parent / "data" / "croissant.json"


def test_the_scene_has_six_bands_and_divides_by_the_factor() -> None:
    image = data.load()
    assert image.shape == (1, 6, 352, 348)
    assert float(image.min()) >= 0
    assert float(image.max()) <= 1


def test_the_fresh_scene_is_whole_and_the_file_that_the_sheet_speaks_of() -> None:
    image = data.load(fresh.FRESH)
    assert image.shape == (1, 6, 348, 376)
    assert float(image.min()) > 0  # 0 would be ground that the source has nothing of
    assert int(image[0].mean((1, 2)).argmax()) == list(data.BANDS).index(5)  # where dry ground is brightest
    said = {file["@id"]: file["sha256"] for file in json.loads(SHEET.read_text("utf-8"))["distribution"]}
    assert said[fresh.FRESH.name] == hashlib.sha256(fresh.FRESH.read_bytes()).hexdigest()


def test_the_coarse_camera_measures_means() -> None:
    given = data.scene()
    assert torch.allclose(given.coarse[0, 0, 3, 5], given.truth[0, 0, 12:16, 20:24].mean())


def test_a_corrected_image_keeps_what_was_measured() -> None:
    given = data.scene()
    image = data.keep_measured(torch.rand_like(given.truth), given.coarse)
    assert torch.allclose(data.down(image), given.coarse, atol=1e-5)


def test_a_blurred_camera_keeps_the_mean_and_loses_contrast() -> None:
    plain, blurred = data.scene(), data.scene(blur=2.0)
    assert abs(float(plain.coarse.mean() - blurred.coarse.mean())) < 1e-3
    assert float(blurred.coarse.std()) < float(plain.coarse.std())


def test_parts_do_not_touch() -> None:
    ends = sorted(data.PARTS.values())
    assert all(later[0] - earlier[1] >= 16 for earlier, later in itertools.pairwise(ends))
    assert all(row % data.FACTOR == 0 for limits in data.PARTS.values() for row in limits)
