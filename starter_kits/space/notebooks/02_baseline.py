# %% [markdown]
# # What has to be beaten
#
# A network is worth its trouble if it beats what is simpler, **tuned as carefully**. Everything here learns from the
# north alone, and is chosen on the strip in the middle. The south stays closed until notebook 3.

# %%
import sys

sys.path.insert(0, "..")

import pandas as pd

from kitlib import compute
from sharpen import baseline, data, pictures
from sharpen.evaluate import rmse

on = compute.choose()
given = data.scene()

# %% [markdown]
# ## Interpolation
#
# It guesses smooth ground between coarse pixels, and looks at no other band. One thing can be had for nothing: the mean
# over each coarse pixel **was measured**, so any sharpened image is corrected to keep it.

# %%
kept = data.keep_measured(given.bicubic, given.coarse)
print(f"interpolated: {rmse(given.bicubic, given, 'validation'):.2f} DN")
print(f"with the measured means kept: {rmse(kept, given, 'validation'):.2f} DN")

# %% [markdown]
# ## Regression on the detail of the fine bands
#
# Where the red band has an edge, the short-wave band mostly has one too. How much, and in which pixels around, is
# learned by linear regression: this is the idea behind most sharpening in use.

# %%
regression, table = baseline.best_regression(given)
pd.DataFrame(table, columns=["window", "penalty", "error"]).pivot(
    index="window", columns="penalty", values="error"
).round(3)

# %%
print(f"chosen: {regression.window} x {regression.window} pixels, penalty {regression.penalty}")

# %% [markdown]
# ## Boosted trees
#
# Over water an edge means something else than over roofs. Trees can learn that; they see the detail around a pixel, all
# bands, and the regression's answer. Two settings are tried, and four at full scale.

# %%
choices = on.pick(baseline.TREES, baseline.MORE_TREES)
trees, errors = baseline.best_trees(given, regression, choices)
baseline.keep(regression, trees)
pd.DataFrame([{**settings, "error": round(error, 3)} for settings, error in zip(choices, errors, strict=True)])

# %%
ladder = [
    ("interpolated", rmse(given.bicubic, given, "validation")),
    ("measured means kept", rmse(kept, given, "validation")),
    ("regression", rmse(regression.sharpen(given), given, "validation")),
    ("boosted trees", min(errors)),
]
pictures.bars(ladder, 3, "error on the strip in the middle (DN)")

# %% [markdown]
# The trees are hard to beat. Most of what there is to gain is gained before any network comes.
