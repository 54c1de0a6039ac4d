# %% [markdown]
# # What a training run emits
#
# Training a model takes energy, and where the electricity comes from decides what that emits. You find out with real data:
# how 31 European countries generated their electricity in 2023. `data/README.md` says what is in the table and whose it is.
#
# Four functions are graded by tests. At the end is a question in words, which a person reads.

# %%
import csv
from pathlib import Path

import torch

path = Path("data/electricity.csv")
print(*path.read_text().splitlines()[:4], sep="\n")

# %% [markdown]
# ## 1. Read the table
#
# Write `read_table`. It returns a dictionary: the key is a country's code, such as `"LUX"`, the value is a dictionary of that
# row, with the columns' names as keys. `code` and `country` stay text; all others become numbers (`float`).

# %% nbgrader={"grade_id": "read", "solution": true}
def read_table(path):
    """The rows of the table by country code, with numbers as floats."""
    ### BEGIN SOLUTION
    words = ("code", "country")
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {row["code"]: {k: v if k in words else float(v) for k, v in row.items()} for row in rows}
    ### END SOLUTION

# %% nbgrader={"grade_id": "read-test", "points": 2}
table = read_table(path)
assert table["LUX"]["country"] == "Luxembourg"
assert table["LUX"]["solar"] == 0.28
### BEGIN HIDDEN TESTS
assert len(table) == 31, "every row of the file"
assert table["GBR"]["country"] == "United Kingdom"
assert table["GBR"]["code"] == "GBR"
assert all(type(row[key]) is float for row in table.values() for key in row if key not in ("code", "country"))
assert table["POL"] == {
    "code": "POL", "country": "Poland", "coal": 103.02, "gas": 14.75, "oil": 5.17, "nuclear": 0.0, "hydro": 2.38,
    "wind": 23.06, "solar": 12.24, "other": 8.13, "grams": 661.9,
}
### END HIDDEN TESTS

# %% [markdown]
# ## 2. Fossil or not
#
# `fossil_share` takes one row and returns which share of the generation was from coal, gas and oil: a number from 0 to 1.
# All eight sources count in the whole; `grams` is no source.

# %% nbgrader={"grade_id": "share", "solution": true}
def fossil_share(row):
    """The share of coal, gas and oil in a country's generation, from 0 to 1."""
    ### BEGIN SOLUTION
    fossil = row["coal"] + row["gas"] + row["oil"]
    clean = row["nuclear"] + row["hydro"] + row["wind"] + row["solar"] + row["other"]
    return fossil / (fossil + clean)
    ### END SOLUTION

# %% nbgrader={"grade_id": "share-test", "points": 2}
half = dict(coal=1.0, gas=0.0, oil=0.0, nuclear=0.0, hydro=0.0, wind=1.0, solar=0.0, other=0.0, grams=400.0)
assert fossil_share(half) == 0.5
### BEGIN HIDDEN TESTS
mixed = dict(coal=1.0, gas=2.0, oil=3.0, nuclear=4.0, hydro=5.0, wind=6.0, solar=7.0, other=8.0, grams=100.0)
assert abs(fossil_share(mixed) - 6 / 36) < 1e-9
assert fossil_share(dict(mixed, coal=0.0, gas=0.0, oil=0.0)) == 0.0
assert fossil_share(dict(half, wind=0.0)) == 1.0
assert fossil_share(dict(mixed, grams=999.0)) == fossil_share(mixed), "grams is no source"
### END HIDDEN TESTS

# %% [markdown]
# ## 3. Do the two go together?
#
# A correlation of 1 says that two quantities lie on a rising line, −1 on a falling one, 0 that neither is so. Write it with
# tensors: the mean of the products of both, after each was put to mean 0 and standard deviation 1. (You wrote that in *Fit
# a line*, and may copy it.)

# %% nbgrader={"grade_id": "correlation", "solution": true}
def correlation(x, y):
    """Pearson's correlation of two tensors of one dimension, as a float."""
    ### BEGIN SOLUTION
    x, y = x - x.mean(), y - y.mean()
    return (x * y).mean().div(x.std(correction=0) * y.std(correction=0)).item()
    ### END SOLUTION

# %% nbgrader={"grade_id": "correlation-test", "points": 3}
line = torch.tensor([1.0, 2.0, 3.0, 4.0], dtype=torch.float64)
assert abs(correlation(line, 10 * line + 3) - 1) < 1e-6
### BEGIN HIDDEN TESTS
assert abs(correlation(line, -line) + 1) < 1e-6, "a falling line"
assert abs(correlation(line, torch.tensor([1.0, -1.0, -1.0, 1.0], dtype=torch.float64))) < 1e-6
short, odd = torch.tensor([1.0, 2.0, 6.0], dtype=torch.float64), torch.tensor([2.0, 1.0, 3.0], dtype=torch.float64)
assert abs(correlation(short, odd) - 0.7559289460) < 1e-6
assert isinstance(correlation(short, odd), float)
### END HIDDEN TESTS

# %% [markdown]
# Now look at what you wrote (not graded):

# %%
try:
    rows = list(read_table(path).values())
    fossil = torch.tensor([fossil_share(row) for row in rows], dtype=torch.float64)
    grams = torch.tensor([row["grams"] for row in rows], dtype=torch.float64)
    print(f"Fossil share and emissions of {len(rows)} countries: correlation {correlation(fossil, grams):.2f}")
    for row in sorted(rows, key=lambda row: row["grams"])[:3] + sorted(rows, key=lambda row: row["grams"])[-3:]:
        print(f"{row['country']:<12} {row['grams']:>6} g/kWh   {fossil_share(row):.0%} fossil")
except NotImplementedError:
    print("Write the three functions above first.")

# %% [markdown]
# ## 4. The run
#
# A training run uses some GPUs at some power in watts, for some hours. The data centre needs more than the GPUs do, for
# cooling and losses: its *power usage effectiveness* (PUE) says how many watts it draws for each watt of computing, for
# example 1.3.
#
# `emissions` returns how many **kilograms** of CO₂ equivalent a run emits, where a **kilowatt-hour** emits so many **grams**.

# %% nbgrader={"grade_id": "emissions", "solution": true}
def emissions(gpus, watts, hours, pue, grams):
    """Kilograms of CO2 equivalent: ``watts`` for each GPU, ``grams`` for each kilowatt-hour."""
    ### BEGIN SOLUTION
    kilowatt_hours = gpus * watts / 1000 * hours * pue
    return kilowatt_hours * grams / 1000
    ### END SOLUTION

# %% nbgrader={"grade_id": "emissions-test", "points": 2}
assert emissions(gpus=1, watts=1000, hours=1, pue=1.0, grams=500) == 0.5
### BEGIN HIDDEN TESTS
assert abs(emissions(gpus=4, watts=400, hours=24, pue=1.25, grams=105.3) - 5.0544) < 1e-9
assert emissions(gpus=8, watts=700, hours=0, pue=1.3, grams=400) == 0
### END HIDDEN TESTS

# %% [markdown]
# ## 5. In words
#
# You have a run of 8 GPUs of 400 W for 10 hours, and may do it in Luxembourg, in France or in Poland.
#
# 1. What does it emit in each, by the table, at a PUE of 1.3? Say the numbers and what makes the difference.
# 2. Luxembourg generated 1.1 TWh in 2023 and used about 6 TWh; the rest came over the border. What does that mean
#    for your number?
# 3. Name one thing that the table cannot tell you and that would change the answer, and how you would find it out.
#
# Five to ten sentences. An instructor reads them: two points for the numbers and their cause, two for each of the others.

# %% [markdown] nbgrader={"grade_id": "words", "solution": true, "points": 6}
# The run takes 8 × 0.4 kW × 10 h × 1.3 = 41.6 kWh: 4.4 kg in Luxembourg, 2.3 kg in France, 27.5 kg in Poland. What makes
# the difference is coal, which gave Poland 60 % of its electricity, and nuclear power, which gave France 65 %.
#
# Four fifths of Luxembourg's electricity were imported, mostly from Germany, at 381 g/kWh. What is used there emits more
# than what is generated there: weighted so, some 330 g/kWh, and 14 kg for the run.
#
# The table has yearly means. At noon in summer and on a winter evening the same grid emits very differently, so the hour of
# the run may matter more than the country; the grid operators publish it by the hour. (Others: the electricity that the
# data centre has a contract for, what making the GPUs emitted, the real power rather than the nominal one.)
