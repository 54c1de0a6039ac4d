# %% [markdown]
# PyTorch's usual standard deviation divides by one less than the number of rows.

# %% replaces="standardise" fails=["standardise-test"]
def standardise(table):
    spread = table.std(dim=0)
    return (table - table.mean(dim=0)) / torch.where(spread == 0, torch.ones_like(spread), spread)
