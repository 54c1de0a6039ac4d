# %% [markdown]
# One mean and one standard deviation for the whole table instead of for each column.

# %% replaces="standardise" fails=["standardise-test"]
def standardise(table):
    return (table - table.mean()) / table.std(correction=0)
