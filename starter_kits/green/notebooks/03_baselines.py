# %% [markdown]
# # What has to be beaten
#
# "The clouds stay as they are" is a good forecast for an hour, and free of charge. Whoever sells you a forecast has
# to beat that, and also what a data scientist builds in an afternoon. So the baselines here get **the same
# features** as the network of notebook 4, neighbours included, and their settings are chosen on the same tuning
# days.

# %%
import sys

sys.path.insert(0, "..")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from kitlib import compute, settings
from solar import baselines, plots, scores, train

here = compute.choose()
print(here)
found = train.sets(here)
learn, tune, test = found.learn, found.tune, found.test
print(f"{len(learn.names)} features:", ", ".join(learn.names[:12]), "…")

# %% [markdown]
# ## One score for sharp and right
#
# CRPS is the mean pinball loss over the quantiles, twice. For a single number in place of a distribution it is the
# absolute error; it falls when intervals are narrow **and** hold the truth as often as they claim. The unit is % of
# the inverter's rating, daylight hours only: nights are easy, and would flatter everyone.
#
# ## Tuning
#
# Ridge regression, on the tuning days of 2012, by the weight of its penalty:

# %%
weights = (1.0, 10.0, 100.0, 1000.0)
tried = {a: scores.crps(baselines.with_spread(baselines.ridge(learn, a), learn, 20)(tune), tune) for a in weights}
pd.Series(tried, name="CRPS").rename_axis("penalty").round(3).to_frame()

# %% [markdown]
# Quantile boosting is slow: one ensemble of trees for each of eleven quantiles. Here it has what half a minute
# allows. At full scale (`python -m solar.train`) it gets four times the rows, more leaves and more rounds. The
# margin in `kit.toml` leaves room for that.
#
# ## All of them, on the tuning days

# %%
rivals = train.candidates(learn, here)
best, tuned = baselines.best(rivals, tune)
print("best on the tuning days:", best)
pd.Series(tuned, name="CRPS on tuning days").round(3).to_frame()

# %% [markdown]
# ## And on the test year
#
# The best one is chosen above, before anybody looks below.

# %%
forecasts = {name: forecast(test) for name, forecast in rivals.items()}
figure, (left, right) = plt.subplots(1, 2, figsize=(13, 3.8), layout="constrained")
colours = (plots.GREY, plots.ORANGE, plots.GREEN, plots.RED)
for (name, given), colour, mark in zip(forecasts.items(), colours, "osD^", strict=True):
    left.plot(range(1, 7), scores.by_horizon(given, test), mark + "-", color=colour, label=name)
left.set(title="The further ahead, the harder", xlabel="hours ahead", ylabel="CRPS, % of rating", ylim=(0, None))
left.legend()
reached = {name: scores.crps(given, test) for name, given in forecasts.items()}
plots.bars(right, reached, "CRPS on 2013, % of rating", best)
right.set_title("Lower is better")
plt.show()
pd.DataFrame(
    {
        "CRPS": reached,
        "RMSE of the mean": {name: scores.rmse(given.mean(-1), test) for name, given in forecasts.items()},
        "80 % interval held, % of hours": {name: scores.held(given, test, 80) for name, given in forecasts.items()},
    }
).round(2)

# %%
file = settings.results() / "rival.npz"
np.savez(file, name=best, quantiles=forecasts[best].astype(np.float16))
print("kept for notebook 4:", best)
