# %% [markdown]
# # Two years of clouds
#
# A hundred solar parks, every half hour of 2012 and 2013. The **clouds are real**: irradiance that NREL derived
# from satellite images (NSRDB). The parks are simulated on top of it with PVWatts, all alike: rows that follow the
# sun, 30 % more modules than inverter. So there is no soiling, no snow on modules and no broken meter here; your
# own meters have all of that.

# %%
import sys

sys.path.insert(0, "..")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from solar import data, plots

fleet = data.load()
factor = 100 * fleet.power.mean(0)
print(f"{len(fleet.sites)} parks, {len(fleet.times):,} half-hours,", end=" ")
print(f"{fleet.times[0]:%d %b %Y} to {fleet.times[-1]:%d %b %Y}")
print(f"capacity factor {factor.mean():.1f} % of the inverter's rating ({factor.min():.1f} to {factor.max():.1f})")
print("29 February 2012 is in the data:", bool((fleet.times.strftime("%m-%d") == "02-29").any()))
print("SHA-256 of the file:", data.checksum()[:16], "…")

# %% [markdown]
# ## Three days of one park
#
# Power follows the sun, and clouds cut pieces out of it. The dotted line is what the physical model of notebook 2
# says for a clear sky. Power divided by it is the **clear-sky index**: the sun's part is known years ahead, so only
# the index needs forecasting.

# %%
SITE = 51
figure, panels = plt.subplots(1, 3, figsize=(13, 3.2), sharey=True, layout="constrained")
for panel, day in zip(panels, ("2013-06-15", "2013-06-16", "2013-06-18"), strict=True):
    today = np.flatnonzero(fleet.times.tz_convert(plots.ZONE).strftime("%Y-%m-%d") == day)
    hours = plots.clock(fleet.times[today])
    panel.plot(hours, 100 * fleet.clear[today, SITE], ":", color=plots.ORANGE, label="clear sky")
    panel.plot(hours, 100 * fleet.power[today, SITE], color=plots.BLUE, label="power")
    panel.set(title=day, xlabel="hour of the day", xlim=(4, 21))
panels[0].set_ylabel("% of inverter's rating")
panels[0].legend()
plt.show()

# %% [markdown]
# ## How the index is distributed
#
# It has two humps, clear and overcast, the second one above all in winter. A bell curve around a mean would be
# wrong almost everywhere, which is why this kit forecasts quantiles.

# %%
index = fleet.index
figure, (left, right) = plt.subplots(1, 2, figsize=(13, 3.4), layout="constrained")
for months, name, colour in (((12, 1, 2), "winter", plots.BLUE), ((6, 7, 8), "summer", plots.ORANGE)):
    chosen = index[fleet.times.month.isin(months), SITE]
    chosen = chosen[~np.isnan(chosen)]
    left.hist(chosen, bins=50, range=(0, 1.2), density=True, histtype="step", linewidth=2, color=colour, label=name)
left.set(title="Clear-sky index of one park", xlabel="clear-sky index", ylabel="density")
left.legend()
night = np.isnan(index).all(axis=1)
mean = pd.Series(np.nanmean(index[~night], axis=1), index=fleet.times[~night])
for year, colour in ((2012, plots.GREY), (2013, plots.BLUE)):
    of_year = mean[mean.index.year == year]
    monthly = of_year.groupby(of_year.index.month).mean()
    right.plot(monthly.index, monthly, "o-", color=colour, label=str(year))
right.set(title="The two years differ", xlabel="month", ylabel="mean clear-sky index", ylim=(0.4, 1))
right.legend()
plt.show()

# %% [markdown]
# ## What can be known ahead
#
# How alike are the index now and later, and the index here and there? Likeness falls within hours, and six hours
# ahead is the horizon of this kit. It falls more slowly over tens of kilometres, and a neighbour upwind knows your
# clouds before you do.

# %%
series = pd.DataFrame(index)
lags = np.arange(1, 17)
later = [series[SITE].corr(series[SITE].shift(lag)) for lag in lags]
north = (fleet.sites["latitude"] - fleet.sites["latitude"][SITE]).abs() * 111.2
apart = series.corrwith(series[SITE])
figure, (left, right) = plt.subplots(1, 2, figsize=(13, 3.4), layout="constrained")
left.plot(lags / 2, later, "o-", color=plots.BLUE)
left.set(title="Here, later", xlabel="hours later", ylabel="correlation of the index", ylim=(0, 1))
right.scatter(north, apart, color=plots.BLUE, s=18)
right.set(title="Now, elsewhere", xlabel="kilometres north or south", ylabel="correlation of the index", ylim=(0, 1.04))
plt.show()
print(f"after 1 h: {later[1]:.2f}; after 6 h: {later[11]:.2f}; with the park least alike: {apart.min():.2f}")

# %% [markdown]
# ## Which days are for what
#
# Learning: days 1 to 22 of each month of 2012. Tuning and calibration: from day 24. The verdict: **all of 2013**,
# to which nothing is fitted and by which no setting is chosen. A forecast reaches six hours ahead and looks eight
# and a half back, so the day between keeps the first two apart.

# %%
from solar.split import SITES, split
from solar.windows import make

for name, part in zip(("learn", "tune", "test"), split(make(fleet, list(SITES))), strict=True):
    print(f"{name:6s}{len(part.time):7,} forecasts of {len(np.unique(part.site))} parks, ", end="")
    print(f"{part.time.min():%d %b %Y} to {part.time.max():%d %b %Y}")
