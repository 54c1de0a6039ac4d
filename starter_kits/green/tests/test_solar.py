"""The package on small data: physics, no leakage, scores, network, market."""

import json

import numpy as np
import pandas as pd
import pytest
import torch

from kitlib.compute import Compute
from solar import baselines, data, desk, grid, market, network, scores
from solar.plant import Plant, clear_power
from solar.split import split
from solar.windows import HORIZONS, make

CPU = Compute(torch.device("cpu"), torch.float32, False, 1)


def a_fleet(days=40, sites=4, start="2012-12-10", seed=0):
    """A fleet under clouds that drift, with a sun that is up for twelve hours."""
    times = pd.date_range(start, periods=48 * days, freq="30min", tz="UTC")
    rng = np.random.default_rng(seed)
    sun = np.clip(np.sin((times.hour + times.minute / 60 - 11) / 12 * np.pi), 0, None)
    clear = np.repeat(np.asarray(sun)[:, None], sites, 1).astype(np.float32)
    clouds = pd.DataFrame(rng.random((len(times), sites))).rolling(8, min_periods=1).mean().to_numpy()
    places = pd.DataFrame({"latitude": 41 + 0.1 * np.arange(sites), "longitude": [-71.8] * sites})
    return data.Fleet(times, places, (clear * clouds).astype(np.float32), clear)


@pytest.fixture(scope="module")
def windows():
    return make(a_fleet(), [0, 2])


def test_the_data_are_those_of_the_data_sheet():
    sheet = json.loads((data.FILE.parent / "croissant.json").read_text("utf-8"))
    assert data.checksum() in {file.get("sha256") for file in sheet["distribution"]}


def test_clear_power_is_none_at_night_and_never_above_the_inverter():
    times = pd.date_range("2013-06-21", periods=48, freq="30min", tz="UTC")
    power = clear_power(times, 41.5, -71.7, Plant())
    assert power.between(0, 1.0001).all()
    assert power[times.hour == 5].max() == 0  # after midnight there
    assert power.max() > 0.9


def test_a_tracker_gives_more_than_fixed_rows_on_a_clear_summer_day():
    times = pd.date_range("2013-06-21 05:00", periods=48, freq="30min", tz="UTC")
    follows, stands = (clear_power(times, 41.5, -71.7, Plant(tracker=each)).sum() for each in (True, False))
    assert follows > 1.1 * stands


def test_a_window_knows_nothing_of_what_comes_after_its_issue_time():
    fleet = a_fleet()
    before = make(fleet, [0])
    cut = 48 * 20 + 36  # 18:00 UTC
    later = fleet.power.copy()
    later[cut + 1 :] = 0.0
    after = make(data.Fleet(fleet.times, fleet.sites, later, fleet.clear), [0])
    known = before.time <= fleet.times[cut]
    assert np.array_equal(before.x[known], after.x[known])
    assert not np.array_equal(before.x[~known], after.x[~known])


def test_an_hour_ahead_is_the_mean_of_its_two_half_hours():
    fleet = a_fleet()
    made = make(fleet, [2])
    at = int(np.flatnonzero(fleet.times == made.time[5])[0])
    for h in range(1, HORIZONS + 1):
        assert made.power[5, h - 1] == pytest.approx(fleet.power[[at + 2 * h - 1, at + 2 * h], 2].mean())


def test_no_window_reaches_over_a_gap():
    fleet = a_fleet()
    keep = np.r_[0 : 48 * 20, 48 * 21 : 48 * 40]  # a day is missing
    gapped = data.Fleet(fleet.times[keep], fleet.sites, fleet.power[keep], fleet.clear[keep])
    times = make(gapped, [0]).time
    gap = fleet.times[48 * 20]
    assert not ((times >= gap - pd.Timedelta(hours=6)) & (times < gap + pd.Timedelta(hours=32))).any()


def test_the_sets_lie_apart_and_the_test_year_is_the_last(windows):
    learn, tune, test = split(windows)
    assert set(learn.time.day) <= set(range(1, 23))
    assert set(tune.time.day) <= set(range(24, 32))
    assert max(learn.time.max(), tune.time.max()) < test.time.min()


def test_crps_of_a_point_is_its_absolute_error():
    point = np.full((3, len(scores.LEVELS)), 0.4)
    assert scores.pinball(point, np.array([0.4, 0.5, 0.1])) == pytest.approx([0.0, 0.1, 0.3])


def test_the_true_quantiles_score_best_and_are_reliable():
    made = make(a_fleet(), [0, 2])
    made.power[:] = np.random.default_rng(1).random(made.power.shape)
    right = np.broadcast_to(scores.LEVELS, (*made.power.shape, len(scores.LEVELS)))
    assert scores.crps(right, made) < scores.crps(right * 0.8, made)
    assert scores.reliability(right, made) == pytest.approx(scores.LEVELS, abs=0.03)


def test_baselines_give_rising_quantiles():
    made = make(a_fleet(seed=3), [0, 1])
    for point in (baselines.persistence(made), baselines.smart_persistence(made), baselines.ridge(made, 100.0)):
        given = baselines.with_spread(point, made, 5)(made)
        assert given.shape == (*made.power.shape, len(scores.LEVELS))
        assert (np.diff(given, axis=-1) >= 0).all()


def test_boosting_gives_rising_quantiles():
    made = make(a_fleet(days=15), [0])
    given = baselines.quantile_boosting(made, rows=300, leaves=4, rounds=3, seed=1)(made)
    assert (np.diff(given, axis=-1) >= -1e-6).all()


def test_a_network_learns_repeats_itself_and_comes_back_from_its_file(tmp_path, windows):
    recipe = network.Recipe(width=16, depth=1, epochs=3, batch=64)
    losses = []
    first = network.fit(windows, recipe, CPU, 1, lambda epoch, loss: losses.append(loss))
    assert losses[-1] < losses[0]
    both = network.Ensemble([first, network.fit(windows, recipe, CPU, 1)])
    given = network.forecast(both.members[0], windows)
    assert np.array_equal(given, network.forecast(both.members[1], windows))
    assert (np.diff(given, axis=-1) >= 0).all()
    both.calibrate(windows)
    network.keep(both, tmp_path / "weights.safetensors")
    back = network.again(tmp_path / "weights.safetensors", windows.x.shape[1], recipe, 2)
    assert np.allclose(network.forecast(back, windows), network.forecast(both, windows))


def test_calibration_brings_coverage_to_what_is_claimed(windows):
    recipe = network.Recipe(width=16, depth=1, epochs=1, batch=64)
    model = network.Ensemble([network.fit(windows, recipe, CPU, 1)])
    model.calibrate(windows)
    assert scores.reliability(network.forecast(model, windows), windows) == pytest.approx(scores.LEVELS, abs=0.04)


def test_the_offer_is_the_quantile_of_the_prices():
    prices = market.Prices(sold=70, short=140, surplus=40)
    uniform = scores.LEVELS * 10
    assert prices.quantile == pytest.approx(0.3)
    assert market.offer(uniform, prices) == pytest.approx(3.0)
    outcomes = np.linspace(0, 10, 1001)
    tried = np.linspace(0, 10, 201)
    best = tried[np.argmax([market.income(offer, outcomes, prices).mean() for offer in tried])]
    assert best == pytest.approx(3.0, abs=0.06)


def test_more_caution_offers_less():
    offers = [float(market.offer(scores.LEVELS * 10, market.Prices(), caution)) for caution in (0.01, 0.5, 1.0)]
    assert offers == sorted(offers, reverse=True)
    assert offers[-1] < offers[0]


@pytest.mark.parametrize("wrong", [{"sold": 30}, {"short": 60}, {"surplus": 80}])
def test_prices_that_make_no_market_are_refused(wrong):
    with pytest.raises(ValueError, match="surplus < sold < short"):
        market.Prices(**wrong)


def test_the_grid_of_a_country_is_known_and_of_none_refused():
    grams, year = grid.intensity("LUX")
    assert 20 < grams < 800
    assert year > 2015
    with pytest.raises(ValueError, match="XXX"):
        grid.intensity("XXX")


def test_rows_that_follow_the_sun_can_be_chosen_again():
    choice = desk.rows()
    assert (choice.value, choice.label) == ("turn", "follow the sun")
    choice.index = 1
    assert choice.value == 15.0
    choice.index = 0
    assert (choice.value, choice.label) == ("turn", "follow the sun")
