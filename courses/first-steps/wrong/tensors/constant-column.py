# %% [markdown]
# A constant column becomes nan.

# %% replaces="standardise" fails=["standardise-test"]
def standardise(table):
    return (table - table.mean(dim=0)) / table.std(dim=0, correction=0)
