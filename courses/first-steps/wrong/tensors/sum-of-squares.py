# %% [markdown]
# The sum in place of the mean: with the usual rates the line flies away, too.

# %% replaces="error" fails=["error-test", "fit-test"]
def mean_squared_error(prediction, target):
    if prediction.shape != target.shape:
        raise ValueError("two shapes")
    return ((prediction - target) ** 2).sum()
