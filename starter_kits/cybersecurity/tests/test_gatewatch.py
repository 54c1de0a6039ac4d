"""What the package promises, in seconds."""

from __future__ import annotations

import hashlib
import json
import random

import numpy as np
import pytest
import torch

from gatewatch import budget, data, drift, evasion, explain, fresh, model, rules, text, traffic, train
from kitlib.compute import Compute

TINY = model.Shape(length=64, width=16, layers=1, heads=2, buckets=512)


def test_the_same_seed_gives_the_same_traffic_and_a_release_changes_it() -> None:
    assert traffic.requests(50, 1) == traffic.requests(50, 1) != traffic.requests(50, 2)
    assert not any("graphql" in request for request in traffic.requests(300, 1))
    assert any("graphql" in request for request in traffic.requests(300, 1, release=2))


def test_parts_follow_time_and_share_no_payload() -> None:
    table = data.attacks()
    last = table[table["part"] == "train"]["date"].max()
    assert last < data.TRAIN_UNTIL <= table[table["part"] == "validation"]["date"].min()
    assert table[table["part"] == "test"]["date"].min() >= data.VALIDATE_UNTIL
    assert not table["payload"].duplicated().any()


def test_attacks_of_another_project_are_new_and_those_that_the_sheet_speaks_of() -> None:
    table = data.elsewhere()
    assert len(table) > 100
    assert not set(table["payload"]) & set(data.attacks()["payload"])
    assert set(table["family"]) <= set(data.attacks()["family"])
    sheet = json.loads((data.FOLDER / "croissant.json").read_text("utf-8"))
    said = {file["@id"]: file["sha256"] for file in sheet["distribution"]}
    assert said["elsewhere.csv"] == hashlib.sha256((data.FOLDER / "elsewhere.csv").read_bytes()).hexdigest()


def test_the_fresh_experiment_draws_traffic_anew_and_hides_the_other_attacks_in_it() -> None:
    made = train.Plan(300, 100, 100, 400, 1, 1, TINY)
    test = train.split(made, 2026).test
    part = fresh.elsewhere(test, 2026)
    assert test.text[:400] == part.text[:400] != train.split(made, 2027).test.text[:400]
    assert part.attack.sum() == len(data.elsewhere()) == len(part) - 400
    assert all(part.attack == (part.family != "benign"))
    found = fresh.recalls(made, Compute(torch.device("cpu"), torch.float32, False, 1), 2026)
    assert len(found) == 2
    assert all(0 <= value <= 1 for pair in found for value in pair)


def test_a_hidden_payload_is_what_the_shop_receives() -> None:
    rng = random.Random(3)
    for payload in ("<script>alert(1)</script>", "' or 1=1 -- x", "%{(#a=1)}&b=2"):
        for _ in range(30):
            values = [value for _, value in text.fields(data.hide(payload, rng))]
            assert any(value.endswith(payload) for value in values), values


def test_a_threshold_keeps_to_its_budget() -> None:
    scores = np.random.default_rng(0).normal(size=5000)
    limit = budget.threshold(scores, 0.01)
    assert np.mean(scores > limit) <= 0.01
    assert budget.precision(1.0, 0.001, 0.001) == pytest.approx(0.5, abs=0.001)


def test_a_perfect_detector_has_all_and_a_blind_one_next_to_nothing() -> None:
    truth = np.arange(4000) >= 3000
    assert budget.mean_recall(truth.astype(float), truth) == 1.0
    assert budget.mean_recall(np.random.default_rng(1).random(4000), truth) < 0.05


def test_signatures_know_attacks_and_spare_fields_for_code() -> None:
    assert rules.hits("GET /search?q=1%27+union+select+1%2C2") == ["SQL injection"]
    assert rules.hits("POST /reports|query=select+a+from+b+where+c%3D1") == []
    assert rules.hits("GET /search?q=usb+cable") == []


def test_normalising_undoes_encodings() -> None:
    rng = random.Random(5)
    payload = "<img src=x onerror=alert(1)>"
    for name in ("capitals", "twice", "letters", "entities", "wide"):
        changed = f"GET /search?q={text.quoted(evasion.CHANGES[name](payload, rng))}"
        assert text.normalised(changed) == text.normalised(f"GET /search?q={text.quoted(payload)}"), name


def test_the_model_learns_is_kept_and_comes_back(tmp_path) -> None:  # type: ignore[no-untyped-def]
    good = [f"GET /search?q=cable+{n}" for n in range(60)]
    bad = [f"GET /search?q=union+select+{n}" for n in range(60)]
    truth = np.array([False] * 60 + [True] * 60)
    made = model.fit([*good, *bad], truth, seed=1, epochs=20, shape=TINY, rate=5e-3, batch=16)
    scores = model.score(made, [*good, *bad])
    assert np.mean(scores[60:] > scores[:60].max()) > 0.9
    model.keep(made, tmp_path / "m.safetensors", 0.5)
    again, limit = model.load(tmp_path / "m.safetensors")
    assert limit == 0.5
    np.testing.assert_allclose(model.score(again, good), scores[:60], atol=1e-5)


def test_a_name_changes_what_a_value_means_to_the_model() -> None:
    one, other = model.encode(["GET /?q=select", "GET /?html=select"], TINY)
    assert not np.array_equal(one, other)
    assert model.encode([""], TINY).shape == (1, 8, 41)


def test_drift_is_noticed_and_quiet_days_are_quiet() -> None:
    first, same, new = (
        drift.routes(traffic.requests(800, seed, release)) for seed, release in ((1, 1), (2, 1), (3, 2))
    )
    assert drift.stability(first, same) < 0.15 < 0.25 < drift.stability(first, new)


def test_the_search_for_evasion_lowers_scores_and_reports_its_steps() -> None:
    def count(requests: list[str]) -> np.ndarray:
        return np.array([float(request.count("select")) for request in requests])

    found, scores, steps = evasion.evade(["1 union select 2"], lambda p, _: f"GET /?q={p}", count, steps=2)
    assert scores[0] == 0.0
    assert steps[0]
    assert "select" not in found[0]


def test_parts_add_up_to_the_request() -> None:
    request = "GET /search?q=a+union+select+b&sort=price"
    found = explain.parts(request, lambda texts: np.array([float("union" in t) for t in texts]))
    assert "".join(piece for piece, _ in found) == request
    assert max(found, key=lambda pair: pair[1])[0] == "union"
