"""The experiment: no look ahead, the model's parts, decisions and explanations."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from aml import decisions, explain, features, model, study, training, world
from aml.graph import Graph
from kitlib.compute import Compute

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def bank():
    return world.make(seed=3, count=600, weeks=29)


@pytest.fixture(scope="module")
def graph(bank):
    side = features.sides(bank)
    return Graph(bank, side, features.make(bank, side), study.TRAIN)


def test_features_do_not_look_ahead(bank):
    now = 12
    past = world.World(bank.people, bank.table[bank.table["week"] <= now], bank.schemes, bank.weeks)
    whole = features.make(bank, features.sides(bank)).values[: now + 1]
    cut = features.make(past, features.sides(past)).values[: now + 1]
    assert np.isfinite(whole).all()
    assert np.allclose(whole, cut, atol=1e-6)  # sums in another order differ in the last digit


def test_the_graph_of_a_week_has_nothing_later(graph):
    week = graph.week(10)
    weeks = graph.world.table["week"].to_numpy()[week.row]
    assert weeks.max() == 10
    assert weeks.min() >= 7


def test_labels_of_the_test_are_not_known_when_choosing_ends():
    assert study.TRAIN.stop <= study.CHOOSE.start
    assert study.TEST.start - (study.CHOOSE.stop - 1) == world.DELAY


def test_money_that_leaves_soon_is_seen():
    book = world.Book(100.0)
    book.add([1.0, 5.0, 90.0], [9, 0, 0], [0, 8, 8], [1000.0, 950.0, 300.0], 1)
    table = book.table()
    side = features.Sides(
        account=np.zeros(3, int),
        other=np.array([9, 8, 8]),
        incoming=np.array([True, False, False]),
        row=np.arange(3),
        new=np.zeros(3, bool),
        **{name: table[name].to_numpy() for name in ("time", "week", "amount", "channel", "place")},
    )
    passed, waited, matched = features.passing(side, side.incoming, ~side.incoming)
    assert passed.tolist() == [0, 950, 0]
    assert waited[1] == pytest.approx(4)
    assert matched.tolist() == [0, 950, 0]


def test_suspicion_spreads_to_those_who_share_a_counterparty(graph):
    torch.manual_seed(0)
    net = model.Suspicion(graph.features.values.shape[-1]).eval()
    week = graph.week(12)
    count = len(week.features)
    outside = week.other[week.other >= count]
    shared = next(each for each in outside.unique() if len(week.account[week.other == each].unique()) == 2)
    one, two = week.account[week.other == shared].unique()
    before = net(week)
    changed = week.features.clone()
    changed[one] += 1.0
    after = net.read(changed, week.event, week)
    assert torch.equal(before[0][two], after[0][two])  # read by itself
    assert not torch.equal(before[1][two], after[1][two])


def test_training_lowers_the_loss_in_bfloat16_too(graph):
    losses = []
    how = Compute(torch.device("cpu"), torch.bfloat16, False, 0)
    training.fit(graph, how, log=lambda values, _: losses.append(values["loss"]))
    assert losses[-1] < 0.5 * losses[0]


def test_integrated_gradients_add_up(graph):
    torch.manual_seed(0)
    net = model.Suspicion(graph.features.values.shape[-1]).eval()
    week, account = graph.week(15), 7
    effect = explain.by_feature(net, week, account, graph.features.names, steps=64)
    without = week.features.clone()
    without[account] = 0
    with torch.no_grad():
        whole = net(week)[1][account] - net.read(without, week.event, week)[1][account]
    assert effect.sum() == pytest.approx(float(whole), abs=0.02)


def test_the_threshold_is_the_cheapest_where_probabilities_are_true():
    rng = np.random.default_rng(0)
    chance = rng.beta(0.3, 3, (20, 5000))
    truth = rng.random(chance.shape) < chance
    cut = decisions.threshold(60, 600)
    best = decisions.cost(truth, chance >= cut, 60, 600)
    assert best < decisions.cost(truth, chance >= cut * 2, 60, 600)
    assert best < decisions.cost(truth, chance >= cut / 2, 60, 600)


def test_a_budget_is_kept_each_week():
    score = np.random.default_rng(0).random((3, 50))
    alarm = decisions.top(score, 5)
    assert alarm.sum(axis=1).tolist() == [5, 5, 5]
    assert score[0][alarm[0]].min() > score[0][~alarm[0]].max()


def test_the_data_sheet_names_files_as_they_are():
    sheet = json.loads((ROOT / "data/croissant.json").read_text("utf-8"))
    for file in sheet["distribution"]:
        assert hashlib.sha256((ROOT / file["contentUrl"]).read_bytes()).hexdigest() == file["sha256"], file["name"]
