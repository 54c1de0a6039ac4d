# %% [markdown]
# The whole is the sum of all numbers in the row.

# %% replaces="share" fails=["share-test"]
def fossil_share(row):
    numbers = sum(value for value in row.values() if isinstance(value, float))
    return (row["coal"] + row["gas"] + row["oil"]) / numbers
