# %% [markdown]
# # Train, compare and keep a model
#
# A network with two hidden layers, on the same windows as the baselines. Its training is tracked in MLflow and
# TensorBoard.

# %%
import sys

sys.path.insert(0, "..")

import matplotlib.pyplot as plt
import pandas as pd
from IPython.display import Markdown

from kitlib import batch, compute, settings
from sensor.data import readings, split, windows
from sensor.train import AHEAD, LENGTH, keep, plan, train

chosen = compute.choose()
ours = plan(chosen)
model, errors, run = train(chosen, ours)
pd.DataFrame({"mean absolute error": errors}).sort_values("mean absolute error")

# %% [markdown]
# ## What it forecasts
#
# The last stretch of time, which no model has learnt from.

# %%
test_past, test_future = windows(split(readings(ours.readings, chosen.seed))[2], LENGTH, AHEAD)
figure, axes = plt.subplots(figsize=(8, 3), layout="constrained")
axes.plot(test_future[:200], label="measured")
axes.plot(model.forecast(test_past[:200]), label=f"forecast, {AHEAD} steps ahead")
axes.set(xlabel="reading", ylabel="value")
axes.legend()
figure.savefig(settings.results() / "result.png", dpi=80)
plt.show()

# %% [markdown]
# ## Keep it
#
# The figures, the model's card filled with them, and the model itself, registered in MLflow with that card.

# %%
Markdown(keep(model, errors, run, ours))

# %% [markdown]
# ## More of it
#
# The same code with more data, as a batch job.

# %%
batch.button("scale_out.sbatch")
