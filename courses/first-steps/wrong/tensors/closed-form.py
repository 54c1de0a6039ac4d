# %% [markdown]
# The best line at once, whatever the steps.

# %% replaces="fit" fails=["fit-test"]
def fit_line(x, y, steps, rate):
    weight = (((x - x.mean()) * (y - y.mean())).sum() / ((x - x.mean()) ** 2).sum()).item()
    return weight, (y.mean() - weight * x.mean()).item()
