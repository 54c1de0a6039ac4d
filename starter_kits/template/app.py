# %% [markdown]
# # Watch it forecast
#
# Move through time: the network sees the readings on the left, and forecasts the one at the mark.

# %%
import sys

sys.path.insert(0, ".")

import ipywidgets
import matplotlib.pyplot as plt

from kitlib import compute
from sensor.data import readings, split, windows
from sensor.train import AHEAD, LENGTH, Plan, train

chosen = compute.choose()
model, errors, _ = train(chosen, Plan(2_000, 32, 10))
past, future = windows(split(readings(2_000, chosen.seed))[2], LENGTH, AHEAD)


def show(time: int) -> None:
    """Draw what is known at that time, and what is forecast."""
    _, axes = plt.subplots(figsize=(7, 3), layout="constrained")
    axes.plot(range(LENGTH), past[time], label="readings")
    axes.plot(LENGTH + AHEAD - 1, model.forecast(past[time : time + 1])[0], "x", label="forecast")
    axes.plot(LENGTH + AHEAD - 1, future[time], "o", label="what came")
    axes.set(ylim=(0, 1.6), xlabel="reading")
    axes.legend(loc="lower left")
    plt.show()


ipywidgets.interact(show, time=ipywidgets.IntSlider(min=0, max=len(past) - 1, description="Time"))
