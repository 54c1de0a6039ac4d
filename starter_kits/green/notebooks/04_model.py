# %% [markdown]
# # A network that knows what it does not know
#
# A small residual network reads the same features and gives eleven quantiles for each of six hours, in rising order
# by construction. Its loss is the score itself. Three networks that differ in their seed alone are averaged.

# %%
import sys

sys.path.insert(0, "..")

from dataclasses import asdict

import matplotlib.pyplot as plt
import numpy as np

from kitlib import batch, card, compute, figures, settings, tracking
from solar import network, plots, scores, train

here = compute.choose()
found = train.sets(here)
test = found.test
with np.load(settings.results() / "rival.npz") as kept:
    name, rival = str(kept["name"]), kept["quantiles"].astype(np.float32)
print(f"{here}; best baseline: {name}; {train.recipe(here)}")

# %% [markdown]
# ## Training, tracked
#
# Each epoch's loss goes to MLflow and TensorBoard, and the electricity that it takes is measured.

# %%
with tracking.run("quantile network", {**asdict(train.recipe(here)), "rows": len(found.learn.x)}) as run:
    model = train.teach(found, here, run)
    result = train.verdict(model, test, rival)
    run.log({"crps_test": result["model"], "crps_test_baseline": result["baseline"]})
train.keep(model, test, rival)
print(f"electricity: {1000 * (run.energy_kwh or 0):.2f} Wh")

# %% [markdown]
# ## The verdict, on the year it has not seen

# %%
gain = result["baseline"] - result["model"]
for seed, score in result["seeds"].items():
    print(f"seed {seed}: {score:.2f}, {result['baseline'] - score:.2f} below the best baseline")
print(f"all three, calibrated: {result['model']:.2f}; best baseline ({name}): {result['baseline']:.2f}")
print(f"gain {gain:.2f} points, 95 % interval by weeks {result['gain_low']:.2f} to {result['gain_high']:.2f}")
print(f"that is {100 * gain / result['baseline']:.1f} % less CRPS")
figures.keep(best_baseline=name, energy_kwh=run.energy_kwh, **result)
mine = network.forecast(model, test)
figure, axes = plt.subplots(figsize=(7, 3.4), layout="constrained")
axes.plot(range(1, 7), scores.by_horizon(rival, test), "s-", color=plots.GREY, label=name)
axes.plot(range(1, 7), scores.by_horizon(mine, test), "o-", color=plots.BLUE, label="network")
axes.set(title="Hour by hour", xlabel="hours ahead", ylabel="CRPS, % of rating", ylim=(0, None))
axes.legend()
plt.show()

# %% [markdown]
# ## Can the intervals be believed?
#
# A network that has seen its days a few times is too sure of itself. The tuning days, from which it did not learn,
# say by how much each quantile has to move (conformalised quantile regression).

# %%
raw = network.forecast(model.members[0], test)
figure, (left, right) = plt.subplots(1, 2, figsize=(13, 4), layout="constrained")
observed = {"one network, as it comes": raw, "ensemble, calibrated": mine}
plots.reliability(left, {words: scores.reliability(given, test) for words, given in observed.items()})
for month in range(1, 13):
    rows = test.time.month == month
    right.bar(month, scores.held(mine[rows], test.where(rows), 80), color=plots.BLUE)
right.axhline(80, linestyle="--", color=plots.GREY)
right.set(title="The 80 % interval, month by month", xlabel="month of 2013", ylabel="% of hours inside", ylim=(50, 100))
right.set_xticks(range(1, 13))
plt.show()
print(f"one network's 80 % interval holds {scores.held(raw, test, 80):.1f} % of hours, the calibrated ensemble's:")
scores.coverage(mine, test).round(1)

# %% [markdown]
# On average over the year they can; single months are off by some points. Say so when you show them to a customer.
#
# ## Three forecasts of one day

# %%
SITE, DAY = 51, "2013-06-16"
local = test.time.tz_convert(plots.ZONE)
chosen = np.flatnonzero((test.site == SITE) & (local.strftime("%Y-%m-%d") == DAY))
hour = local[chosen].hour + 0.5
figure, panels = plt.subplots(1, 3, figsize=(14, 3.6), sharey=True, layout="constrained")
for panel, at in zip(panels, (7, 10, 13), strict=True):
    row = chosen[local[chosen].hour == at][0]
    day = test.counts[row]
    panel.plot(hour, 100 * test.clear[chosen, 0], ":", color=plots.ORANGE, label="clear sky")
    plots.fan(panel, at + np.arange(1, 7)[day] - 0.5, 100 * mine[row][day])
    panel.plot(hour, 100 * test.power[chosen, 0], "ko-", markersize=3, linewidth=1, label="what came")
    panel.axvline(at, color=plots.GREY)
    panel.set(title=f"Made at {at}:00", xlabel="hour of the day, 16 June 2013", xlim=(5, 20))
panels[0].set_ylabel("% of inverter's rating")
figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=6)
plt.show()

# %% [markdown]
# ## The card, and the register
#
# The card is filled with what was computed here, and goes to MLflow with the weights.

# %%
text = card.fill(**train.card_values(result, name, found, run.energy_kwh or 0.0, run.emissions_kg or 0.0))
version = run.register(model, train.MODEL, text)
print(f"{train.MODEL}, version {version}; its card is in results/model_card.md")

# %% [markdown]
# ## At full scale
#
# The same code on all hundred parks, on a GPU: the button submits `scale_out.sbatch`.

# %%
batch.button("scale_out.sbatch")
