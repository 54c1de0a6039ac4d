# %% [markdown]
# # An attack on one's own detector
#
# Whoever attacks, tries until no alarm comes. So does this notebook, on the detector that was just trained, with
# changes under which a payload still works wherever an application decodes its input generously
# (`gatewatch/evasion.py` says which and why). The measure is the **success rate**: of attacks that are found as
# they are, how many get through changed.
#
# Do this with detectors of your own, or where you were asked to: see *dual use* in the model card.

# %%
import sys

sys.path.insert(0, "..")
import random

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from gatewatch import budget, data, evasion, model, plots, text, traffic, train
from kitlib import compute, settings

on = compute.choose()
made = train.plan(on)
detector, threshold = model.load(settings.results() / train.WEIGHTS)
found = train.split(made, on.seed)
attacks = data.attacks()
late = attacks[(attacks["part"] == "test") & (attacks["payload"].str.len() <= 80)]
payloads = list(late.sample(on.pick(60, 700), random_state=on.seed)["payload"])


def plain(requests):
    return model.score(detector, requests)


def in_search(payload: str, rng: random.Random) -> str:
    """Always the same place, so that nothing but the payload differs."""
    return f"GET /search?q={text.quoted(payload)}&sort=price"


start = plain([in_search(payload, traffic.dice(0)) for payload in payloads])
payloads = [payload for payload, value in zip(payloads, start, strict=True) if value > threshold]
print(f"{len(payloads)} of {len(start)} attacks are found as they are: these are changed")

# %% [markdown]
# ## One change alone

# %%
single = {}
for name, change in evasion.CHANGES.items():
    changed = [in_search(change(payload, traffic.dice(n)), traffic.dice(0)) for n, payload in enumerate(payloads)]
    single[name] = float(np.mean(plain(changed) <= threshold))
pd.Series(single, name="gets through").sort_values(ascending=False).round(2).to_frame()

# %% [markdown]
# ## Greedy search
#
# Two steps; in each, the change that lowers the score most.

# %%
changed, values, steps = evasion.evade(payloads, in_search, plain, steps=2, seed=on.seed)
undefended = float(np.mean(values <= threshold))
print(f"Success rate: {undefended:.2f}")
for at in np.argsort(values)[:4]:
    print(f"{' + '.join(steps[at]):22} {payloads[at][:40]!r} -> {changed[at][:70]}")

# %% [markdown]
# ## Defence: one way of writing, and training on what attackers do
#
# 1. **Normalise**: encodings, comments and capitals are taken away before the detector looks (`text.normalised`).
# 2. **Train on changed attacks**: copies of training attacks with one or two of the changes, normalised as well:
#    one more pass.
#
# The defended detector gets a threshold of its own from validation, and is attacked anew with full knowledge of
# both.

# %%
known = attacks[attacks["part"] == "train"].sample(on.pick(800, 4000), random_state=on.seed)["payload"]
rng = traffic.dice(on.seed)
hardened = []
for payload in known:
    for change in rng.sample(list(evasion.CHANGES.values()), 2):
        payload = change(payload, rng)
    hardened.append(data.hide(payload, rng))
texts = [text.normalised(request) for request in [*found.texts, *hardened]]
truth = np.concatenate([found.truth, np.ones(len(hardened), dtype=bool)])
defended = model.fit(texts, truth, seed=on.seed, epochs=1, rate=1e-3, compute=on, start=detector).cpu()


def guarded(requests):
    return model.score(defended, [text.normalised(request) for request in requests])


benign = [request for request, bad in zip(found.validation.text, found.validation.attack, strict=True) if not bad]
limit = budget.threshold(guarded(benign), budget.rate())
as_they_are = guarded([in_search(payload, traffic.dice(0)) for payload in payloads])
still = [payload for payload, value in zip(payloads, as_they_are, strict=True) if value > limit]
_, values_defended, _ = evasion.evade(still, in_search, guarded, steps=2, seed=on.seed)
after = float(np.mean(values_defended <= limit))
table = pd.DataFrame(
    {
        "found as they are": [1.0, len(still) / len(payloads)],
        "get through when changed": [undefended, after],
        "found in spite of changes": [1 - undefended, len(still) / len(payloads) * (1 - after)],
    },
    index=["as trained", "defended"],
)
table.round(2)

# %% [markdown]
# A defence has a price: read the first column before you praise the second.

# %%
plots.bars(
    "How often changed attacks get through",
    {"greedy search": {"as trained": undefended, "defended": after}},
    "success rate of the attacker (lower is better)",
    (7.5, 2.4),
)
plt.show()
model.keep(defended, settings.results() / "defended.safetensors", limit)

# %% [markdown]
# ## What this does not show
#
# - The attacker here knows eight changes and takes two steps. A person knows more. A success rate is a lower bound.
# - A detector is one layer. Prepared statements, output escaping and updates are what stops attacks; it tells that
#   one came.
# - An attack inside a field that takes code by design is not looked for: such fields need escaping, not detection.
