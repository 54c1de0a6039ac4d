# %% [markdown]
# # From a forecast to an offer
#
# A park sells each hour three hours ahead. What is missing then has to be bought at a high price; what is too much
# brings a low one. How much should it offer? Not what is expected, but what balances the two regrets. That is a
# **quantile**, and only a probabilistic forecast has one.

# %%
import sys

sys.path.insert(0, "..")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from kitlib import figures, settings
from solar import grid, ledger, market, plots, study

PRICES = market.Prices(sold=70, short=140, surplus=40)
LEAD, MEGAWATTS = 3, 20.0
park = ledger.park(51)
print(f"{PRICES}: offer the {100 * PRICES.quantile:.0f} % quantile")

# %% [markdown]
# These prices are **assumptions**, and constant. Real imbalance prices vary by the hour, and are worst when
# everybody's forecast is wrong at once. Put in your own.
#
# ## Why that quantile
#
# One forecast, every possible offer: the expected income has its top where the newsvendor's formula says.

# %%
doubt = (park.quantiles[:, LEAD - 1, 9] - park.quantiles[:, LEAD - 1, 1]) * park.counts[:, LEAD - 1]
forecast = park.quantiles[int(np.argmax(doubt)), LEAD - 1] * MEGAWATTS
outcomes = np.array([market.at(forecast, p) for p in np.linspace(0.005, 0.995, 199)])
offers = np.linspace(outcomes.min(), outcomes.max(), 200)
expected = [market.income(offer, outcomes, PRICES).mean() for offer in offers]
chosen = float(market.offer(forecast, PRICES))
figure, axes = plt.subplots(figsize=(7, 3.3), layout="constrained")
axes.plot(offers, expected, color=plots.BLUE, label="expected income")
axes.axvline(chosen, color=plots.BLUE, linestyle="--", label=f"{100 * PRICES.quantile:.0f} % quantile")
axes.axvline(forecast[5], color=plots.ORANGE, linestyle=":", label="median")
axes.set(title="The least certain hour of the year", xlabel="offer, MWh", ylabel="expected income, €")
axes.legend()
plt.show()
print(f"best of all offers tried: {offers[int(np.argmax(expected))]:.1f} MWh; the quantile: {chosen:.1f} MWh")

# %% [markdown]
# ## A year of a 20 MW park
#
# All of 2013, which no model has seen. The interval draws whole days, since hours of a day share their weather.

# %%
table = ledger.hours(park, LEAD, MEGAWATTS, PRICES)
year = ledger.year(table)
gain = year.loc[ledger.NETWORK, "more than median"]
worth = year.loc[ledger.PERFECT, "more than median"]
print(f"using the uncertainty: {gain:+,.0f} € a year, or {gain / MEGAWATTS:,.0f} € for each MW")
print(f"a perfect forecast would be worth {worth:,.0f} €")
year.round(0)

# %% [markdown]
# Part of that is nothing but offering less. Does the *shape* of each forecast earn anything beyond a fixed discount
# on the median? Here is the discount that would have been best in 2013, chosen with hindsight, which nobody has:

# %%
given = table["given", ""].to_numpy()
median = table[ledger.POINT, "offer"].to_numpy()
discounts = {cut: market.income((1 - cut) * median, given, PRICES).sum() for cut in np.arange(0, 0.6, 0.02)}
cut = max(discounts, key=discounts.get)
print(f"best discount with hindsight, {100 * cut:.0f} % off the median: {discounts[cut] - discounts[0.0]:+,.0f} €")
print(f"the network's quantiles, without hindsight: {gain:+,.0f} €")

# %% [markdown]
# ## When is uncertainty worth most?
#
# The more lopsided the prices, the more. Where a missing and a surplus megawatt-hour are equally bad, the median is
# the best offer and nothing is gained. In the table: gain over the median in € a year for each MW.

# %%
rows = []
for short in (80, 100, 140, 200, 300):
    for surplus in (60, 40, 0):
        each = ledger.year(ledger.hours(park, LEAD, MEGAWATTS, market.Prices(70, short, surplus)))
        more = each.loc[ledger.NETWORK, "more than median"] / MEGAWATTS
        rows.append({"missing costs, €/MWh": short, "surplus brings, €/MWh": surplus, "gain": more})
pd.DataFrame(rows).pivot(index="missing costs, €/MWh", columns="surplus brings, €/MWh", values="gain").round(0)

# %% [markdown]
# ## Caution
#
# Who cannot stand bad days gives up some of the mean for a better tail: the offer then weighs expected income
# against that of the worst tenth of outcomes. A little of it goes a long way.

# %%
rows = []
for caution in (0.0, 0.05, 0.1, 0.2, 1.0):
    careful = ledger.hours(park, LEAD, MEGAWATTS, PRICES, caution)
    lacking = (careful[ledger.NETWORK, "offer"] - careful["given", ""]).clip(lower=0)
    bought = (lacking * PRICES.short).groupby(careful.index.floor("D")).sum()
    rows.append(
        {
            "caution": caution,
            "income of the year, €": careful[ledger.NETWORK, "euro"].sum(),
            "missing energy, MWh": lacking.sum(),
            "paid for it on the worst tenth of days, € a day": bought.nlargest(len(bought) // 10).mean(),
        }
    )
pd.DataFrame(rows).set_index("caution").round(0)

# %% [markdown]
# ## Carbon dioxide
#
# What the park feeds in replaces electricity that would have been made otherwise. The average of a country's grid
# is a rough measure of it. The forecast itself avoids little: its part is the balancing energy that need not be
# held ready.

# %%
country = settings.read().country
grams, of_year = grid.intensity(country)
energy = float(given.sum())
print(f"{country}: {grams:.0f} g/kWh on average ({of_year})")
print(f"{energy:,.0f} MWh a year in the hours offered: {energy * grams / 1000:,.0f} t of CO₂ by that average")
for way in (ledger.POINT, ledger.NETWORK):
    lacking = float((table[way, "offer"] - table["given", ""]).clip(lower=0).sum())
    print(f"balancing energy for what was missing, {way}: {lacking:,.0f} MWh")
print(f"training took {1000 * figures.read()['energy_kwh']:.2f} Wh")

# %% [markdown]
# ## One picture to show

# %%
figure = study.picture(park)
plots.keep(figure, "result.png")
plt.show()

# %% [markdown]
# ## Limits
#
# - Real clouds, simulated parks: metering errors, outages and snow are missing. Try it on your own meters before
#   you quote a figure.
# - One region, one test year, constant prices that we made up. The interval above holds for days like those of
#   2013.
# - A park that is large in its market moves the price it sells at; that is not in here.
# - Six hours. For a day ahead a weather model has to come in.
# - Where its output decides on switching, reserves or curtailment, it is a safety component of critical
#   infrastructure and **high-risk under the EU AI Act**; as advice to a person who sells energy it is not. The
#   model card says more.
