# %% [markdown]
# # Understand the data
#
# The question of this kit: **which requests to a web shop are attacks, when one analyst has time for twenty alarms
# a day?** What is attacked is made up; the attacks are real.
#
# - **Attacks**: real. Requests in the tests of the OWASP Core Rule Set (Apache-2.0), and strings that libinjection
#   (BSD-3-Clause) is tested with; each with the day on which it was first published there.
# - **Odd, but benign texts**: real. What set off a rule of these two by mistake.
# - **The shop's traffic**: **synthetic**. The generator `gatewatch/traffic.py`; the shop does not exist, so
#   nobody's log is needed.
#
# Results on synthetic traffic tell whether the method works, not how many alarms *your* site will raise.

# %%
import sys

sys.path.insert(0, "..")

import matplotlib.pyplot as plt
import pandas as pd

from gatewatch import budget, data, plots, text, traffic
from kitlib import compute

on = compute.choose()
print(on)

# %% [markdown]
# ## Attacks, by the day they became known
#
# Time orders the split: what was published until the end of 2021 is there to train on, 2022 to validate, and what
# came **later** is the test. So the test holds kinds of attack that hardly anybody had written down before.

# %%
attacks = data.attacks()
table = attacks.pivot_table(index="family", columns="part", values="payload", aggfunc="count", fill_value=0)
table = table[list(data.PARTS)].sort_values("train", ascending=False)
table.loc["all"] = table.sum()
table

# %%
shares = table.drop(index="all")[["train", "test"]]
shares = shares / shares.sum()
plots.bars(
    "What is attacked with changes over the years",
    {"until 2021 (training)": shares["train"].to_dict(), "from 2023 (test)": shares["test"].to_dict()},
    "share of attacks",
)
plt.show()

# %%
for _, row in attacks[attacks["part"] == "test"].sample(8, random_state=on.seed).iterrows():
    print(f"{row['date']}  {row['family']:24} {row['payload'][:80]!r}")

# %% [markdown]
# ## What an attack looks like among the shop's own requests
#
# People paste code into the forum and into tickets, editors write HTML, the staff's reports are SQL. The same text
# is ordinary in one field and an attack in another, even within one request. That is why real sites drown in false
# alarms.

# %%
rng = traffic.dice(on.seed)
for request in traffic.requests(8, seed=on.seed):
    print("benign ", text.decoded(request).replace("\n", "\\n")[:140])
for payload in attacks.loc[attacks["part"] == "train", "payload"].sample(6, random_state=on.seed):
    print("ATTACK ", text.decoded(data.hide(payload, rng)).replace("\n", "\\n")[:140])

# %% [markdown]
# ## Is the test fair?
#
# No payload of the test may be known from training, not even with other digits, capitals or spaces.

# %%
seen = set(attacks.loc[attacks["part"] == "train", "payload"].str.lower())
late = attacks.loc[attacks["part"] == "test", "payload"].str.lower()
print(f"{late.isin(seen).sum()} of {len(late)} test payloads are in the training part")
assert not late.isin(seen).any()

# %% [markdown]
# ## The budget
#
# The analyst's time is given, and so is the rate of false alarms that a detector may have.

# %%
print(
    f"{budget.REQUESTS_PER_DAY:,} requests a day, {budget.ALARMS_PER_DAY} false alarms a day: rate {budget.rate():.4f}"
)
pd.DataFrame(
    [
        {
            "attacks a day": n,
            "alarms that are attacks": budget.precision(0.6, budget.rate(), n / budget.REQUESTS_PER_DAY),
        }
        for n in (1, 5, 20, 100)
    ]
).style.format({"alarms that are attacks": "{:.0%}"}).hide(axis="index").set_caption("with a recall of 0.6")
