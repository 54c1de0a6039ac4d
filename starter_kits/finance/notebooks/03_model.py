# %% [markdown]
# # Suspicion that spreads: a graph model
#
# Trees see an account's features, and a summary of its neighbours' that someone thought of beforehand. What they
# cannot do is to ask: *do those whom this account pays look like mules as well?* The model here does:
#
# 1. **Read** each account by itself: the same features as the trees, and its payments of four weeks, weighed by
#    attention.
# 2. **Spread**: each account, at other banks too, holds what those who deal with it are like. Each payment brings
#    that to the account that made it, less what it said itself.
# 3. **Judge** again, with the surroundings in view.
#
# A quiet mule that pays the same collector as three loud ones is no longer quiet.

# %%
import sys

sys.path.insert(0, "..")

import pandas as pd

from aml import decisions, pictures, report, study, train, training
from aml.study import TEST
from kitlib import batch, compute, tracking

how = compute.choose()
lab = study.make()
graph = lab.graph(str(how.device))
before = study.kept("baseline")
truth = lab.truth[TEST]
week = graph.week(20)
accounts, payments = len(week.features), len(week.event)
print(f"{how}; in a week's view {accounts:,} accounts, {week.nodes:,} with those elsewhere, and {payments:,} payments")

# %% [markdown]
# ## Train
#
# One step of training is one week of the bank. Loss, energy and figures go to MLflow and TensorBoard: both open from
# the launcher.

# %%
with tracking.run("graph model", train.parameters(how, lab)) as run:
    net = training.fit(graph, how, seed=how.seed, log=run.log)
    logits = training.score(net, graph)
    values = train.finish(lab, net, logits, before["trees"], before["rules"], run)
version = train.register(run, net, values)
print(f"version {version} is registered; training took {1000 * run.energy_kwh:.2f} Wh")

# %% [markdown]
# ## Against the baseline
#
# All three rank the same account-weeks, none of which was there in training.

# %%
scores = {"rules": before["rules"][TEST], "boosted trees": before["trees"][TEST], "graph model": logits[TEST]}
pictures.result(truth, scores, "../results/result.png")
pictures.curves(truth, scores)

# %% [markdown]
# ## Is it luck?
#
# Two more seeds of the model, and one model **without** the second step: it has the features and the payments, and no
# graph.

# %%
weeks = range(lab.bank.weeks)[TEST]
rows = {f"graph model, seed {how.seed}": values["ap_model"]}
for seed in (how.seed + 1, how.seed + 2):
    other = training.fit(graph, how, seed=seed)
    rows[f"graph model, seed {seed}"] = decisions.ap(truth, training.score(other, graph, weeks))
plain = training.fit(graph, how, seed=how.seed, spread=False)
rows["the same without spreading"] = decisions.ap(truth, training.score(plain, graph, weeks))
rows["boosted trees, tuned"] = values["ap_trees"]
table = pd.DataFrame({"average precision": rows})
table["gain over trees"] = table["average precision"] - values["ap_trees"]
table.style.format("{:.3f}")

# %%
print(
    f"gain over the trees, 95 % interval, customers drawn anew: {values['gain_low']:.3f} to {values['gain_high']:.3f}"
)
new = report.fresh(lab)
print(f"customers without laundering before the test ({new.sum():,}):", end=" ")
print(f"trees {values['ap_new_trees']:.3f}, graph model {values['ap_new_model']:.3f}")

# %% [markdown]
# The last line asks whether a model only knows old acquaintances again: it looks at customers who had not laundered
# before. Compare the model without spreading, too: the gain is the graph's, not the network's as such.
#
# ## Which schemes

# %%
alarms = {name: decisions.top(score, report.budget(lab)) for name, score in scores.items()}
pictures.found_by_kind(report.by_kind(lab, alarms))

# %% [markdown]
# A scheme counts as found by its loudest account, and with this many alerts the trees find nearly all of them as
# well. What the graph adds is the quiet accounts around it: the average precision, which counts every account, says
# so.
#
# ## At full scale
#
# The same code with eight times the customers and a wider model, as a batch job on a GPU. It logs to the same MLflow.

# %%
batch.button("scale_out.sbatch")

# %% [markdown]
# Next: [from probabilities to alerts](04_decide.ipynb).
