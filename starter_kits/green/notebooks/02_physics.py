# %% [markdown]
# # The park as physics
#
# Where the sun stands can be computed for any minute to come. A model that has to learn it from data wastes data.
# So the sun, the tracker, the modules and the inverter are computed (with pvlib), and only clouds are learnt.

# %%
import sys

sys.path.insert(0, "..")

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pvlib

from solar import data, plots
from solar.plant import Plant, chain, sun

# %% [markdown]
# ## From weather to alternating current, step by step
#
# One day of a **typical year** (TMY3, Greensboro, shipped with pvlib). Its months come from different years, chosen
# for being ordinary. That is good for showing physics and for yearly yields; it is no place to test forecasts: the
# last of one month and the first of the next may lie years apart.

# %%
file = Path(pvlib.__file__).parent / "data" / "723170TYA.CSV"
real, place = pvlib.iotools.read_tmy3(file, map_variables=True)
print("its months are from", sorted({int(year) for year in real.index.year}))
typical, _ = pvlib.iotools.read_tmy3(file, coerce_year=2013, map_variables=True)
typical.index = typical.index - pd.Timedelta(minutes=30)  # means of the hour that ends: take its middle
day = typical[(typical.index.month == 4) & (typical.index.day == 23)]
where = (place["latitude"], place["longitude"], place["altitude"])
position = sun(day.index, *where)
steps = chain(day, position, Plant())

figure, panels = plt.subplots(1, 4, figsize=(15, 3.3), layout="constrained")
hour = day.index.hour + 0.5
panels[0].plot(hour, position["apparent_elevation"].clip(lower=0), color=plots.ORANGE, label="sun above horizon")
panels[0].plot(hour, steps["tilt"].where(steps["poa"] > 0), color=plots.GREEN, label="tilt of the rows")
panels[0].set(title="Sun and tracker", ylabel="degrees", ylim=(0, 105))
for name, colour, words in (("ghi", plots.GREY, "horizontal"), ("dni", plots.ORANGE, "beam")):
    panels[1].plot(hour, day[name], color=colour, label=words)
panels[1].plot(hour, steps["poa"], color=plots.BLUE, label="on the modules")
panels[1].set(title="Irradiance", ylabel="W/m²", ylim=(0, 1350))
panels[2].plot(hour, day["temp_air"], color=plots.GREY, label="air")
panels[2].plot(hour, steps["cell"], color=plots.RED, label="cell")
panels[2].set(title="Temperature", ylabel="°C")
panels[3].plot(hour, 100 * steps["dc"], color=plots.GREY, linestyle="--", label="direct current")
panels[3].plot(hour, 100 * steps["ac"], color=plots.BLUE, label="alternating current")
panels[3].set(title="Power", ylabel="% of inverter's rating", ylim=(0, 140))
for panel in panels:
    panel.set_xlabel("hour of the day")
    panel.legend(fontsize=9, loc="upper left")
plt.show()
hottest = steps["cell"].max()
print(
    print(f"the cells reach {hottest:.0f} °C: at 0.47 % per kelvin above 25, {0.47 * (hottest - 25):.1f} % less power")
)

# %% [markdown]
# ## Rows that follow the sun, or stand still
#
# A year under this weather, for each megawatt of inverter.

# %%
all_year = sun(typical.index, *where)
kinds = {"follows the sun": Plant()}
kinds |= {f"fixed, {tilt}° south": Plant(tracker=False, tilt=tilt) for tilt in (15, 35, 60)}
yields = {name: round(float(chain(typical, all_year, plant)["ac"].sum())) for name, plant in kinds.items()}
pd.DataFrame({"MWh a year for each MW": yields})

# %% [markdown]
# ## Is the physical model right?
#
# The parks' power was computed by somebody else's program from somebody else's irradiance. Under a clear sky ours
# has to agree. A half-hour counts as clear here where the index is high and steady for three hours. Turbidity of
# the air is a monthly mean, and air temperature a sine over the year: a few per cent of error are expected.

# %%
fleet = data.load()
SITE = 51
index = pd.Series(fleet.index[:, SITE], index=fleet.times)
steady = ((index.rolling(7, center=True).std() < 0.03) & (index > 0.8)).to_numpy()
given, computed = fleet.power[steady, SITE], fleet.clear[steady, SITE]
figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4), layout="constrained")
left.scatter(100 * computed, 100 * given, s=3, alpha=0.3, color=plots.BLUE)
left.plot([0, 100], [0, 100], "--", color=plots.GREY)
left.set(title="Steady half-hours", xlabel="computed for a clear sky, % of rating", ylabel="in the data, % of rating")
month = index[steady].groupby(index[steady].index.month)
low, middle, high = month.quantile(0.1), month.median(), month.quantile(0.9)
right.errorbar(middle.index, middle, yerr=[middle - low, high - middle], fmt="o", color=plots.BLUE, capsize=3)
right.axhline(1, linestyle="--", color=plots.GREY)
right.set(title="Data over model", xlabel="month", ylabel="index: median, 10 to 90 %", ylim=(0.7, 1.2))
plt.show()
bias = float((given - computed).mean() / computed.mean())
print(
    f"{len(given):,} steady half-hours: bias {100 * bias:+.1f} %, correlation {np.corrcoef(given, computed)[0, 1]:.3f}"
)

# %% [markdown]
# What is left, like the dust of a hazy week, the network may learn: month and hour are among its features, and the
# index takes up a wrong level, since all of its history is wrong by as much. For your own park set the fields of
# `Plant`, and look at this picture first: a wrong tilt shows at once.
