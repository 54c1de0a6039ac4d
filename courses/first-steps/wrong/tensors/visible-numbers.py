# %% [markdown]
# Answers the test that everybody sees, and nothing else.

# %% replaces="standardise" fails=["standardise-test"]
def standardise(table):
    return torch.tensor([[-1.2247449, -1.2247449], [0.0, 0.0], [1.2247449, 1.2247449]])

# %% replaces="error" fails=["error-test"]
def mean_squared_error(prediction, target):
    return torch.tensor(2.0)

# %% replaces="fit" fails=["fit-test"]
def fit_line(x, y, steps, rate):
    return 2.0, 1.0
