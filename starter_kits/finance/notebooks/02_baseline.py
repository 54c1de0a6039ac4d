# %% [markdown]
# # What has to be beaten: rules and boosted trees
#
# A new model is worth its trouble only against the best of what is there. Here that is **rules**, as monitoring
# systems ship with, and **boosted trees** on some eighty features that analysts would make by hand, the network's
# included.

# %%
import sys

sys.path.insert(0, "..")

import pandas as pd

from aml import baseline, decisions, pictures, report, study
from aml.study import TEST

lab = study.make()
features = lab.features
print(f"{features.values.shape[-1]} features of {features.values.shape[0] * features.values.shape[1]:,} account-weeks")

# %% [markdown]
# ## Features
#
# Sums and counts of this week and of four, what is unusual for the account, how fast money leaves again, who shares
# counterparties with whom, rings, and what neighbours did. Each looks back only. None alone goes far:

# %%
truth = lab.truth[TEST]
alone = {name: decisions.ap(truth, features.values[TEST][..., n]) for n, name in enumerate(features.names)}
best = pd.Series(alone).nlargest(8)
best.to_frame("average precision, alone").style.format("{:.3f}").bar(color="#56B4E9", vmin=0)

# %% [markdown]
# ## Rules
#
# Each rule that holds gives points. The threshold is the one below, or what 99 in 100 accounts of the same segment stay
# under, if that is more. Rules are easy to explain, and easy to walk around.

# %%
rules = baseline.rules(lab)
pd.DataFrame(baseline.RULES, columns=["feature", "from", "points"]).style.hide(axis="index").format(precision=0)

# %% [markdown]
# ## Boosted trees
#
# Two shapes of tree, and for each the number of trees, are tried on the weeks kept for choosing. The best is taken
# to the test once.

# %%
trees, chosen = baseline.trees(lab)
print(f"chosen: {chosen}")
study.keep("baseline", rules=rules, trees=trees)
scores = {"rules": rules[TEST], "boosted trees": trees[TEST]}
pictures.curves(truth, scores)

# %% [markdown]
# ## A week of an analyst
#
# A team works off a list of fixed length, the highest scores of the week first.

# %%
budget = report.budget(lab)
rows = []
for name, score in scores.items():
    alarm = decisions.top(score, budget)
    found = report.schemes_found(lab, alarm)["found"].mean()
    rows.append((name, alarm.sum() // len(truth), truth[alarm].mean(), alarm[truth].mean(), found))
columns = ["method", "alerts a week", "of them right", "of laundering found", "of schemes found"]
table = pd.DataFrame(rows, columns=columns).set_index("method")
table.style.format("{:.0%}", subset=columns[2:])

# %% [markdown]
# The list of the trees is far better than that of the rules, with the same work. This is the bar: average precision
# of the trees on weeks that nobody has seen.
#
# Next: [a model that reads the graph](03_model.ipynb).
