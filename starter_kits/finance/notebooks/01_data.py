# %% [markdown]
# # A bank, and what is hidden in it
#
# A bank has to find money laundering among its customers' payments. Real payments with the truth beside them cannot
# be shared, so this kit makes a bank: 5,000 customers, half a year, and six ways of laundering written from public
# reports. The harder half of the work was the **lawful** customers: payroll, rent, marketplaces, savings circles, a
# car that is bought. They look like laundering and are not.

# %%
import sys

sys.path.insert(0, "..")

import pandas as pd

from aml import pictures, study
from aml.customers import SEGMENTS, TIES
from kitlib import compute

print(compute.choose())
lab = study.make()
bank = lab.bank
print(f"{len(bank.people):,} customers, {bank.weeks} weeks, {len(bank.table):,} payments")

# %% [markdown]
# ## One row is one payment
#
# Accounts below 5,000 are the bank's own; the others are at other banks, and of those the bank sees only what crosses
# its own books. `scheme` is the truth: -1 is lawful. No model reads it.

# %%
bank.table.sample(6, random_state=1).sort_values("time")

# %% [markdown]
# ## The year has a shape
#
# August is quiet and December is not, so later weeks are not like earlier ones. Laundering is in a few of a thousand
# account-weeks: a model that never raises an alarm is right more than 99 times in 100, and useless. That is why this
# kit measures **average precision** and never accuracy.

# %%
truth = lab.truth
print(f"laundering: {truth.mean():.2%} of account-weeks, {(bank.table['scheme'] >= 0).mean():.2%} of payments")
print(f"accuracy of no alarm at all: {1 - truth.mean():.2%}")
pictures.weeks(bank)

# %% [markdown]
# Time is also how data are split. The model **learns** from the first weeks, is **chosen** on those after, and is
# **tested** on the future. Between them three weeks are left out: a case is known only four weeks after it, so that
# on the first day of the test no later label would be there to learn from. No feature looks ahead, and no account
# number is a feature.
#
# ## Six typologies

# %%
pictures.kinds(bank)

# %% [markdown]
# What each rests on:

# %%
facts = pd.read_csv("../data/typologies.csv")
facts[["typology", "fact", "source"]].style.hide(axis="index").set_properties(**{"text-align": "left"})

# %% [markdown]
# ## A sum tells little
#
# Laundered sums lie where lawful ones lie. Only 9,500 EUR in cash is rare, and shops pay that in as well.

# %%
pictures.alike(bank)

# %% [markdown]
# ## Who banks here
#
# `ties` says where a customer's family lives. No model reads it: it is there to find out whether some customers are
# alarmed about more than others (notebook 4). In this bank laundering does not depend on it, by the way that the
# generator draws accounts; the lawful habit of sending money home does.

# %%
people = pd.DataFrame({"segment": pd.Categorical.from_codes(bank.people.segment, SEGMENTS)})
people["ties"] = pd.Categorical.from_codes(bank.people.ties, TIES)
people["laundered, %"] = 100 * truth.any(axis=0)
table = people.groupby("ties", observed=True).agg(customers=("segment", "size"), laundered=("laundered, %", "mean"))
table.rename(columns={"laundered": "laundered at any time, %"}).round(1)

# %% [markdown]
# ## Try it
#
# - Change `aml.laundering.HIDING`, the share of schemes that take trouble to look ordinary, and run all notebooks
#   again.
# - Which lawful habit of your own customers is missing in `aml/lawful.py`?
#
# Next: [what has to be beaten](02_baseline.ipynb).
