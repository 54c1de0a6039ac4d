"""Networks, baselines and errors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from kitlib import settings
from kitlib.compute import Compute
from sharpen import baseline, data, evaluate, fresh, model, train


@pytest.fixture(scope="module")
def given() -> data.Scene:
    return data.scene()


@pytest.fixture(scope="module")
def regression(given: data.Scene) -> baseline.Regression:
    return baseline.Regression.fit(given, 5, 1e-3)


def test_regression_beats_interpolation_on_the_south(given: data.Scene, regression: baseline.Regression) -> None:
    assert evaluate.rmse(regression.sharpen(given), given, "test") < 0.8 * evaluate.rmse(given.bicubic, given, "test")


def test_a_network_starts_as_the_regression(given: data.Scene, regression: baseline.Regression) -> None:
    network = model.Sharpener()
    network.start_from(regression.weights)
    inner = (..., slice(8, -8), slice(8, -8))
    difference = (network.sharpen(given) - regression.sharpen(given))[inner]
    assert float(difference.abs().max()) * data.DN < 0.1


def test_a_network_looks_no_further_than_the_strips_are_wide() -> None:
    # It looks at its own reach, and interpolation at three coarse pixels more.
    assert model.Sharpener().reach + 3 * data.FACTOR <= 16


def test_the_south_is_not_learned_from(given: data.Scene, regression: baseline.Regression) -> None:
    changed = given.truth.clone()
    changed[:, :, data.PARTS["test"][0] :] = 0.5
    other = data.scene(torch.cat([given.fine, changed], 1))
    assert np.allclose(baseline.Regression.fit(other, 5, 1e-3).weights, regression.weights)


def test_an_ensemble_comes_back_as_it_was_saved(given: data.Scene, tmp_path: Path) -> None:
    torch.manual_seed(3)
    members = [model.Sharpener(8, 2) for _ in range(2)]
    for member in members:
        torch.nn.init.normal_(member.linear.weight, std=0.1)
    made = model.Ensemble(members)
    made.save(tmp_path / "m.safetensors")
    image, spread = made.sharpen(given)
    again, _ = model.Ensemble.load(tmp_path / "m.safetensors").sharpen(given)
    assert torch.equal(image, again)
    assert float(spread.max()) > 0
    with pytest.raises(FileNotFoundError, match="run notebook 3"):
        model.Ensemble.load(tmp_path / "none")


def test_errors_are_in_digital_numbers(given: data.Scene) -> None:
    off = given.truth + 2 / data.DN
    assert evaluate.rmse(off, given, "test") == pytest.approx(2, abs=1e-3)
    low, high = evaluate.gain_interval(given.bicubic, given.truth, given, draws=50)
    assert 0 < low < high


def test_the_largest_spread_catches_the_error_that_lies_there() -> None:
    spread, square = np.arange(10.0), np.array([0.0] * 9 + [4.0])
    assert evaluate.caught(spread, square, 0.1) == 1


def test_the_fresh_experiment_learns_on_one_scene_tests_on_the_other_and_keeps_nothing(
    given: data.Scene, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tiny = {"networks": 1, "width": 8, "depth": 2, "steps": 10, "batch": 2}
    monkeypatch.setattr(train, "plan", lambda on: tiny)
    monkeypatch.setattr(baseline, "TREES", ({"max_iter": 5},))
    monkeypatch.setattr(settings, "results", lambda: tmp_path)
    raleigh = data.scene(data.load(fresh.FRESH))
    found = fresh.experiment(given, raleigh, Compute(torch.device("cpu"), torch.float32, False, 1))
    assert found["bicubic"] == evaluate.rmse(raleigh.bicubic, raleigh, "test")
    best, _ = baseline.best_regression(given)
    assert found["regression"] == pytest.approx(evaluate.rmse(best.sharpen(raleigh), raleigh, "test"))
    assert found["gain"] == pytest.approx(found["baseline"] - found["model"])
    assert list(tmp_path.iterdir()) == []  # the kit's own model stays
