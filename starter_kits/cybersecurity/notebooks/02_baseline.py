# %% [markdown]
# # A baseline that is hard to beat
#
# Before there is a transformer, there is what operations have: signatures, and then a linear model over n-grams of
# characters, which is known to be very good at this. Both get what the transformer gets, and the n-grams are tuned.

# %%
import sys

sys.path.insert(0, "..")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from gatewatch import budget, plots, rules, train
from kitlib import compute, settings

on = compute.choose()
made = train.plan(on)
found = train.split(made, on.seed)
test = found.test
print(f"training {len(found.texts):,}, validation {len(found.validation):,}, test {len(test):,} requests")

# %% [markdown]
# ## Signatures
#
# Regular expressions by family, as a web application firewall has them, with exceptions for the fields that take
# code. They have no threshold to move: what they reach is one point.

# %%
signs = rules.scores(test.text) > 0
rules_alarms = float(np.mean(signs[~test.attack])) * budget.REQUESTS_PER_DAY
rules_recall = float(np.mean(signs[test.attack]))
print(f"Signatures: {rules_alarms:.0f} false alarms a day, {rules_recall:.2f} of the later attacks found")

# %% [markdown]
# ## N-grams, tuned
#
# Two kinds of features: runs of one to four characters of the whole request, and runs of each field's value, also
# together with the field's name (`crossed`), which tells "SQL in a report" from "SQL in a search". Validation
# decides, by the recall averaged over budgets from 4 to 100 alarms a day.

# %%
best, rows = train.tuned(found)
pd.DataFrame(rows).round(3)

# %%
scores = best.score(test.text)
np.savez_compressed(
    settings.results() / "baseline.npz",
    test=scores,
    rules=np.array([rules_alarms, rules_recall]),
    mean_recall=budget.mean_recall(scores, test.attack),
)
print(f"Best n-grams on the test: mean recall {budget.mean_recall(scores, test.attack):.3f},")
print(f"at {budget.ALARMS_PER_DAY} false alarms a day {budget.recall(scores, test.attack, budget.rate()):.3f}")
plots.recall_by_budget({"n-grams": [scores]}, test.attack, (rules_alarms, rules_recall))
plt.show()

# %% [markdown]
# ## What costs it most
#
# The benign requests that it is most sure are attacks. They are what uses up the budget.

# %%
order = np.argsort(scores[~test.attack])[::-1][:8]
for at in order:
    print(f"{scores[at]:6.2f}  {test.text[at][:110]}")
