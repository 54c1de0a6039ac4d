# %% [markdown]
# The mean of the products, but the sample's standard deviation.

# %% replaces="correlation" fails=["correlation-test"]
def correlation(x, y):
    x, y = x - x.mean(), y - y.mean()
    return ((x * y).mean() / (x.std() * y.std())).item()
