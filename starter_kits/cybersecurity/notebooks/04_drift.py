# %% [markdown]
# # The budget meets a release
#
# In week 11 the shop brings a release: GraphQL, another search syntax, new addresses of pictures. Nobody attacks
# more than before. What does the detector do, how does one notice, and what mends it?

# %%
import sys

sys.path.insert(0, "..")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from gatewatch import budget, drift, model, plots, traffic, train
from kitlib import compute, settings

on = compute.choose()
made = train.plan(on)
detector, threshold = model.load(settings.results() / train.WEIGHTS)
PER_DAY = on.pick(600, 20_000)  # of a day's requests, so many are scored; counts are scaled to the whole day
before = [traffic.requests(PER_DAY, seed=9000 + day) for day in range(4)]
after = [traffic.requests(PER_DAY, seed=9100 + day, release=2) for day in range(4)]


def alarms(scores: list[np.ndarray], limit: float) -> list[float]:
    return [float(np.mean(values > limit)) * budget.REQUESTS_PER_DAY for values in scores]


# %% [markdown]
# ## Alarms a day

# %%
scores_before = [model.score(detector, day) for day in before]
scores_after = [model.score(detector, day) for day in after]
was, now = alarms(scores_before, threshold), alarms(scores_after, threshold)
print(f"False alarms a day: {np.mean(was):.0f} before the release, {np.mean(now):.0f} after it")

# %% [markdown]
# ## Noticing it, without knowing what is an attack
#
# Two tests that need no labels: whether scores are distributed as before (Kolmogorov and Smirnov), and whether what
# is asked for is (the population stability index over routes; above 0.25 counts as a large change). A quiet day has
# to stay quiet.

# %%
rows = []
for name, day, scores in (
    ("day before the release", before[3], scores_before[3]),
    ("first day after it", after[0], scores_after[0]),
):
    distance, chance = drift.score_test(scores_before[0], scores)
    index = drift.stability(drift.routes(before[0]), drift.routes(day))
    rows.append(
        {"compared with day 1": name, "distance of scores": distance, "p": chance, "stability index of routes": index}
    )
pd.DataFrame(rows).set_index("compared with day 1").style.format("{:.3g}")

# %% [markdown]
# ## Mending it: another threshold, or training anew
#
# - **Recalibrate**: a threshold from the first new day. Quick, but it pays in attacks that are no longer found.
# - **Retrain**: trained further, for one pass, on the old data and the new traffic together.
#
# The first new day is used for both, the later ones judge. (In earnest, somebody looks through that day first: what
# is trained on as benign had better be benign.)

# %%
found = train.split(made, on.seed)
attacks = [text for text, bad in zip(found.test.text, found.test.attack, strict=True) if bad]
moved = budget.threshold(scores_after[0], budget.rate())
again = model.fit(
    [*found.texts, *after[0]],
    np.concatenate([found.truth, np.zeros(len(after[0]), dtype=bool)]),
    seed=on.seed,
    epochs=1,
    rate=1e-3,
    compute=on,
    start=detector,
).cpu()
mixed = [
    *(text for text, bad in zip(found.validation.text, found.validation.attack, strict=True) if not bad),
    *after[0],
]
limit = budget.threshold(model.score(again, mixed), budget.rate())
scores_again = [model.score(again, day) for day in after[1:]]
caught, caught_again = model.score(detector, attacks), model.score(again, attacks)
table = pd.DataFrame(
    [
        ("nothing done", np.mean(now[1:]), np.mean(caught > threshold)),
        ("recalibrated", np.mean(alarms(scores_after[1:], moved)), np.mean(caught > moved)),
        ("retrained", np.mean(alarms(scores_again, limit)), np.mean(caught_again > limit)),
    ],
    columns=["after the release", "false alarms a day", "share of attacks found"],
).set_index("after the release")
table.round(2)

# %%
plots.days("A release changes what is normal", was, now, [np.nan, *alarms(scores_again, limit)])
plt.show()
