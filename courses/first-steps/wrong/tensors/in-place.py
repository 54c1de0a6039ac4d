# %% [markdown]
# Changes the tensor that it was given.

# %% replaces="standardise" fails=["standardise-test"]
def standardise(table):
    table -= table.mean(dim=0)
    spread = table.std(dim=0, correction=0)
    table /= torch.where(spread == 0, torch.ones_like(spread), spread)
    return table
