# %% [markdown]
# # When not to trust it
#
# A sharpened image looks as crisp where it is wrong as where it is right. An operator needs to know where, and which
# faults of the real camera break it.

# %%
import sys

sys.path.insert(0, "..")

import numpy as np
import pandas as pd

from kitlib import batch, figures
from sharpen import baseline, data, facts, pictures, train
from sharpen.data import DN, part
from sharpen.evaluate import caught, rmse

given = data.scene()
made = train.load()
found = figures.read()
mean, spread = made.sharpen(given)

# %% [markdown]
# ## Where the networks disagree
#
# Each was trained alike, but for the seed. Where they disagree, none of them knows. Does the error really lie there?

# %%
square = (part(mean - given.truth, "test")[0] * DN).square().mean(0).numpy()
unsure = (part(spread, "test")[0] * DN).mean(0).numpy()
shares = [0.05, 0.1, 0.2, 0.3, 0.5]
pictures.lines(
    [100 * share for share in shares],
    {
        "by chance": [100 * share for share in shares],
        "by disagreement": [100 * caught(unsure, square, share) for share in shares],
        "by the true error": [100 * caught(square, square, share) for share in shares],
    },
    "pixels flagged (%)",
    "squared error in them (%)",
)

# %%
flags = unsure >= np.quantile(unsure, 1 - facts.FLAGGED)
pictures.doubt((part(mean, "test")[0, 0] * DN).numpy(), np.sqrt(square), unsure, flags)

# %% [markdown]
# ## A camera that is not as planned
#
# The networks learned from a perfect coarse camera. Here the camera has faults, and **nothing is trained anew**:
# blurred optics, noise, and an image that lies beside the visible one. The regression has the same trouble: who
# suffers more?

# %%
regression = baseline.Regression.fit(given, 5, 1e-3)
faults = {
    "as planned": {},
    "blur, 1 fine pixel": {"blur": 1.0},
    "blur, 2 fine pixels": {"blur": 2.0},
    "noise, 3 DN": {"noise": 3.0},
    "28.5 m beside": {"shift": 1},
    "57 m beside": {"shift": 2},
}
suffered = {}
for name, fault in faults.items():
    other = data.scene(**fault)
    ways = {"interpolated": other.bicubic, "regression": regression.sharpen(other), "networks": made.sharpen(other)[0]}
    suffered[name] = {way: rmse(sharp, given, "test") for way, sharp in ways.items()}

# %%
pd.DataFrame(suffered).T.round(2)

# %% [markdown]
# So before use: measure the blur and the alignment of your two cameras, and train with **them**, not with a perfect
# mean. `data.scene(blur=…, noise=…, shift=…)` is the place.
#
# ## What it does to a product
#
# Users buy no bands. The moisture index, (near infrared - short-wave) / sum, here from digital numbers: mean absolute
# error on the south.

# %%
pictures.bars(
    [
        ("interpolated", 100 * found["moisture_bicubic"]),
        ("boosted trees", 100 * found["moisture_baseline"]),
        ("networks", 100 * found["moisture_model"]),
    ],
    2,
    "mean error of the moisture index (hundredths)",
)

# %% [markdown]
# ## Take it further
#
# - **Your own satellite.** Replace `data.load()`. You have no fine truth of your own: coarsen both cameras by four,
#   learn there, and use the networks at the real size. That the size does not matter is an assumption; test it over a
#   place that a finer satellite has seen.
# - **Another place, another season.** Scenes of ten kilometres are single draws, and `sharpen/fresh.py` has but one
#   more. Test on five.
# - **Full scale.** More and wider networks on a GPU, same code, same MLflow:

# %%
batch.button("scale_out.sbatch")
