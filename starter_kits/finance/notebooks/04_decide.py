# %% [markdown]
# # From probabilities to alerts: calibration, cost, fairness
#
# A score orders. A decision needs more: what an alert costs, what a miss costs, who is alarmed for nothing.

# %%
import sys

sys.path.insert(0, "..")

import pandas as pd

from aml import decisions, pictures, report, study
from aml.customers import SEGMENTS, TIES
from aml.study import TEST

lab = study.make()
truth = lab.truth[TEST]
kept = study.kept("scores")
chances = {"boosted trees": kept["trees"][TEST], "graph model": kept["model"][TEST]}

# %% [markdown]
# ## Calibration
#
# Of account-weeks with a probability of 20 %, about 20 in 100 should be laundering. Both models were put on that
# scale with a logistic curve (Platt's), fitted on the weeks for choosing.

# %%
for name, chance in chances.items():
    print(f"{name}: Brier score {decisions.brier(truth, chance):.5f}; mean probability {chance.mean():.3%}")
print(f"laundering: {truth.mean():.3%}; Brier score of saying so for all: {decisions.brier(truth, truth.mean()):.5f}")
pictures.reliability(truth, chances)

# %% [markdown]
# Points above the line are account-weeks that were judged too lightly: there was more laundering in the test than in
# the weeks for choosing, and the models learned from what the bank *found*, without what it misses.
#
# ## The cost of a threshold
#
# An analyst works off eight alerts a day, so that a false alarm costs an hour. What a miss costs is for the bank to
# say (here 3,000 EUR, made up). With calibrated probabilities the best threshold follows from the two alone.

# %%
cut = decisions.threshold()
print(f"{decisions.FALSE_ALARM:.0f} EUR against {decisions.MISSED:,.0f} EUR: alert from a probability of {cut:.1%}")
rows = []
for name, chance in chances.items():
    alarm = chance >= cut
    rows.append((name, alarm.sum() / len(truth), alarm.sum() / len(truth) / decisions.PER_DAY, truth[alarm].mean()))
    rows[-1] += (alarm[truth].mean(), decisions.cost(truth, alarm) / len(truth))
columns = ["method", "alerts a week", "analyst-days a week", "of them right", "of laundering found", "EUR a week"]
table = pd.DataFrame(rows, columns=columns).set_index("method")
table.style.format(dict(zip(columns[1:], ["{:.0f}", "{:.1f}", "{:.0%}", "{:.0%}", "{:,.0f}"], strict=True)))

# %%
pictures.costs(truth, chances, decisions.FALSE_ALARM, decisions.MISSED)

# %% [markdown]
# A dot that is not at the bottom of its curve is what wrong calibration costs.
#
# ## Who is alarmed for nothing
#
# Laundering was drawn without regard to where a family lives; lawful habits were not. With the same number of alerts:

# %%
budget = report.budget(lab)
methods = {"rules": kept["rules"][TEST]} | chances
alarms = {name: decisions.top(score, budget) for name, score in methods.items()}
ties = {name: decisions.false_alarms(truth, alarm, lab.bank.people.ties, TIES) for name, alarm in alarms.items()}
pictures.groups(ties, f"False alarms by where the family lives, {budget} alerts a week")

# %%
for name, each in ties.items():
    most, least = max(each, key=lambda group: group.rate), min(each, key=lambda group: group.rate)
    print(f"{name}: most {most.name} ({most.rate:.0f}), least {least.name} ({least.rate:.0f})")
segments = {
    name: decisions.false_alarms(truth, alarm, lab.bank.people.segment, SEGMENTS) for name, alarm in alarms.items()
}
pictures.groups(segments, f"False alarms by segment, {budget} alerts a week")

# %% [markdown]
# Look at the intervals before the points: few false alarms in small groups leave wide ones. But do not wait for them
# to part: a model that is better on the whole can be worse for some. What to do where a gap shows:
#
# - **Look at its reasons** first (next notebook): a lawful habit that no feature describes is a feature to add.
# - A threshold for each *segment* is what banks do. One for each *origin* would use the origin to decide, which is
#   what one wants to avoid; ask counsel before.
# - Measure again each quarter; habits change.
#
# Next: [one alert explained](05_explain.ipynb).
