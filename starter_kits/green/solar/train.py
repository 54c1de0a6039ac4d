"""Train, score and keep the forecaster: ``python -m solar.train``, here or as a batch job.

At default scale it takes seconds on a processor; with ``KIT_SCALE=full`` it learns from all hundred parks.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import numpy as np

from kitlib import card, compute, figures, settings, tracking
from solar import baselines, data, network, scores, windows
from solar.split import SITES, split

MODEL = "solar-forecaster"
"""The model's name in MLflow."""
SEEDS = (1, 2, 3)
_FORECAST, _WEIGHTS = "forecast.npz", "forecaster.safetensors"


@dataclass(frozen=True)
class Sets:
    """Windows of the three sets."""

    learn: windows.Windows
    tune: windows.Windows
    test: windows.Windows


def sets(here: compute.Compute) -> Sets:
    """The data's windows. At full scale all parks teach; the same parks are tuned and tested with at any scale."""
    fleet = data.load()
    learn, tune, test = split(windows.make(fleet, list(SITES)))
    if here.full:
        learn = split(windows.make(fleet, list(range(len(fleet.sites)))))[0]
    return Sets(learn, tune, test)


def recipe(here: compute.Compute) -> network.Recipe:
    """How the networks are made at this scale."""
    return here.pick(network.Recipe(), network.Recipe(width=96, dropout=0.3, epochs=4, batch=1024))


def candidates(learn: windows.Windows, here: compute.Compute) -> dict[str, baselines.Forecast]:
    """The baselines, fitted: each with settings that were best on the tuning days."""
    size = here.pick({"rows": 15_000, "leaves": 16, "rounds": 60}, {"rows": 60_000, "leaves": 31, "rounds": 100})
    return {
        "persistence": baselines.with_spread(baselines.persistence(learn), learn, 10),
        "smart persistence": baselines.with_spread(baselines.smart_persistence(learn), learn, 10),
        "ridge regression": baselines.with_spread(baselines.ridge(learn, 10.0), learn, 20),
        "quantile boosting": baselines.quantile_boosting(learn, **size, seed=here.seed),
    }


def teach(found: Sets, here: compute.Compute, run: tracking.Run | None = None) -> network.Ensemble:
    """The ensemble of :data:`SEEDS`, calibrated; each epoch's loss goes to ``run``."""
    members = []
    for seed in SEEDS:
        tell = (lambda epoch, loss, seed=seed: run.log({f"loss_seed_{seed}": loss}, epoch)) if run else None
        members.append(network.fit(found.learn, recipe(here), here, seed, tell))
    model = network.Ensemble(members).to(here.device)
    model.calibrate(found.tune)
    return model


def keep(model: network.Ensemble, test: windows.Windows, rival: np.ndarray) -> None:
    """Write the weights, and the forecasts of the test year that notebook 5 and the app show, into ``results/``.

    ``rival`` is the best baseline's forecast of the same windows, (N, H, K).
    """
    folder = settings.results()
    network.keep(model, folder / _WEIGHTS)
    np.savez(
        folder / _FORECAST,
        unix_seconds=test.time.as_unit("s").asi8,
        site=test.site,
        clear=test.clear.astype(np.float32),
        power=test.power.astype(np.float32),
        counts=test.counts,
        quantiles=network.forecast(model, test).astype(np.float16),
        rival=rival.astype(np.float16),
    )


def kept() -> dict[str, np.ndarray]:
    """What :func:`keep` wrote of the test year. Raises FileNotFoundError, saying what to do."""
    file = settings.results() / _FORECAST
    if not file.is_file():
        raise FileNotFoundError(f"{file} is not there yet: run notebook 4, or python -m solar.train")
    with np.load(file, allow_pickle=False) as read:
        return {name: read[name].astype(np.float32) if read[name].dtype == np.float16 else read[name] for name in read}


def verdict(model: network.Ensemble, test: windows.Windows, rival: np.ndarray) -> dict[str, object]:
    """The figures on the test year, of the ensemble, of each seed and of the baseline."""
    mine = network.forecast(model, test)
    seeds = {
        seed: scores.crps(network.forecast(one, test), test) for seed, one in zip(SEEDS, model.members, strict=True)
    }
    low, high = scores.block_gain(rival, mine, test)
    within = scores.coverage(mine, test).set_index("nominal")["observed"]
    return {
        "baseline": scores.crps(rival, test),
        "model": scores.crps(mine, test),
        "seeds": seeds,
        "gain_low": low,
        "gain_high": high,
        "coverage_80": float(within[80]),
        "coverage_90": float(within[90]),
        "rmse_baseline": scores.rmse(rival.mean(-1), test),
        "rmse_model": scores.rmse(mine.mean(-1), test),
    }


def main() -> None:
    """Everything, printed and kept."""
    here = compute.choose()
    print(here)
    found = sets(here)
    rivals = candidates(found.learn, here)
    name, tuned = baselines.best(rivals, found.tune)
    print("CRPS on the tuning days, % of the rating:", {key: round(value, 3) for key, value in tuned.items()})
    rival = rivals[name](found.test)
    with tracking.run("quantile network", {**asdict(recipe(here)), "seeds": SEEDS, "rows": len(found.learn.x)}) as run:
        model = teach(found, here, run)
        result = verdict(model, found.test, rival)
        run.log({"crps_test": float(str(result["model"])), "crps_test_baseline": float(str(result["baseline"]))})
        text = card.fill(**card_values(result, name, found, math.nan, math.nan))
        run.register(model, MODEL, text)
    keep(model, found.test, rival)
    card.fill(**card_values(result, name, found, run.energy_kwh or math.nan, run.emissions_kg or math.nan))
    print(figures.keep(**result, best_baseline=name, energy_kwh=run.energy_kwh or 0.0))  # type: ignore[arg-type]


def card_values(
    result: dict[str, object], name: str, found: Sets, energy_kwh: float, emissions_kg: float
) -> dict[str, object]:
    """What ``model_card.md`` asks for."""
    seeds = result["seeds"]
    assert isinstance(seeds, dict)
    return {
        **{key: value for key, value in result.items() if key != "seeds"},
        "worst_seed": max(seeds.values()),
        "number_of_seeds": len(seeds),
        "best_baseline": name,
        "rows_learn": len(found.learn.x),
        "rows_test": len(found.test.x),
        "energy_wh": 1000 * energy_kwh,
        "emissions_g": 1000 * emissions_kg,
        "scale": compute.scale(),
    }


if __name__ == "__main__":
    main()
