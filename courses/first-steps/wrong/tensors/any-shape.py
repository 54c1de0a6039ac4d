# %% [markdown]
# Two shapes that differ are taken, and give the mean of a table of differences.

# %% replaces="error" fails=["error-test"]
def mean_squared_error(prediction, target):
    return ((prediction - target) ** 2).mean()
