# %% [markdown]
# # Understand the data, and a baseline
#
# A sensor reports a value again and again. Its values come from an equation in which the present depends on what was
# a while ago (Mackey and Glass, 1977), with a sensor's noise on top. Nothing here was measured.

# %%
import sys

sys.path.insert(0, "..")

import matplotlib.pyplot as plt

from kitlib import compute
from sensor.baseline import error, fitted
from sensor.data import readings, split, windows
from sensor.train import AHEAD, LENGTH, plan

chosen = compute.choose()
values = readings(plan(chosen).readings, chosen.seed)
print(f"{len(values)} readings between {values.min():.2f} and {values.max():.2f}; {chosen}")

# %%
figure, axes = plt.subplots(figsize=(8, 2.5), layout="constrained")
axes.plot(values[:300])
axes.set(xlabel="reading", ylabel="value", title="The first 300 readings")
plt.show()

# %% [markdown]
# ## What to forecast, from what
#
# From the last readings we forecast one some steps ahead. The parts to learn from, to choose by and to test on follow
# each other in time: a random split would show the model the neighbours of what it is tested on.

# %%
learn, choose, test = split(values)
past, future = windows(learn, LENGTH, AHEAD)
test_past, test_future = windows(test, LENGTH, AHEAD)
print(f"{len(past)} windows of {LENGTH} readings to learn from, {len(test_past)} to test on, {AHEAD} steps ahead")

# %% [markdown]
# ## Baselines
#
# Three: the last reading again, a linear model, and boosted trees.

# %%
print(f"last reading: {error(test_past[:, -1], test_future):.4f}")
for name, model in fitted(past, future, chosen.seed).items():
    print(f"{name}: {error(model.predict(test_past), test_future):.4f}")
