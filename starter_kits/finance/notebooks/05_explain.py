# %% [markdown]
# # One alert explained, and what this cannot do
#
# An analyst who gets an alert has to know why. Three views of one decision, each computed from the model itself.

# %%
import sys

sys.path.insert(0, "..")

import numpy as np
from IPython.display import Markdown

from aml import explain, pictures, report, study, training
from aml.laundering import TYPOLOGIES
from aml.study import TEST
from kitlib import settings

lab = study.make()
graph = lab.graph()
net = training.load(graph)
kept = study.kept("scores")
week = range(lab.bank.weeks)[TEST].start + 1
chance = kept["model"][week]
rank = np.argsort(np.argsort(-kept["trees"][week])) + 1

# %% [markdown]
# ## An alert that the trees would not have raised
#
# Of this week's list, the right alert that stood lowest on the trees' list.

# %%
budget = report.budget(lab)
alerts = np.argsort(-chance)[:budget]
right = alerts[lab.truth[week, alerts]]
account = int(right[np.argmax(rank[right])])
print(f"account {account}: probability {chance[account]:.0%}")
print(f"place on the trees' list: {rank[account]}; alerts a week: {budget}")

# %% [markdown]
# **Features**, by integrated gradients: what each adds, against the bank's mean account.

# %%
view = graph.week(week)
effect = explain.by_feature(net, view, account, lab.features.names)
pictures.reasons(effect)

# %% [markdown]
# **Payments**: by how much suspicion falls when one of them is left out (log-odds).

# %%
left_out = explain.by_payment(net, view, account)
shown = explain.payments(graph, left_out.index[:6], account)
shown["adds"] = left_out[:6].map("{:+.2f}".format)
shown.style.hide(axis="index")

# %% [markdown]
# **Surroundings**: who paid whom. Darker is more suspicious; the account in question has the thick edge.

# %%
pictures.network(explain.around(graph, week, account, chance))

# %% [markdown]
# And the truth, which a bank would not have:

# %%
table = lab.bank.table
own = table[
    (table["week"] == week) & ((table["sender"] == account) | (table["receiver"] == account)) & (table["scheme"] >= 0)
]
schemes = own["scheme"].unique()
print("typology:", ", ".join(TYPOLOGIES[lab.bank.schemes.kind[each]] for each in schemes))
print("found by the bank later:", ", ".join("yes" if lab.bank.schemes.found[each] else "no" for each in schemes))

# %% [markdown]
# ## A false alarm, explained the same way
#
# The highest of the week that was lawful. Reasons that an analyst can dismiss in a minute are worth as much as a
# right alert.

# %%
wrong = alerts[~lab.truth[week, alerts]]
lawful = int(wrong[0])
print(f"account {lawful}: probability {chance[lawful]:.0%}")
pictures.reasons(explain.by_feature(net, view, lawful, lab.features.names), most=6)

# %% [markdown]
# Such a view shows what the model used. It does not prove that a person did anything, and features that go together
# share their part in ways that no method settles.
#
# ## Limits
#
# - The bank is made up, and bank and baseline have one author. On real data the order may be another: run notebook 2
#   first.
# - One case in seven was never found, and none of these models learned from it.
# - Launderers read papers too. Watch the share of right alerts week by week, and keep some alerts at random.
# - The model sees other banks' accounts only where they meet this one.
#
# ## The model's card
#
# Filled with the figures of your run, with the EU AI Act's view of such a system. It is registered beside the weights
# in MLflow.

# %%
Markdown((settings.results() / "model_card.md").read_text("utf-8"))
