# %% [markdown]
# A number from 0 to 100.

# %% replaces="share" fails=["share-test"]
def fossil_share(row):
    fossil = row["coal"] + row["gas"] + row["oil"]
    return 100 * fossil / (fossil + row["nuclear"] + row["hydro"] + row["wind"] + row["solar"] + row["other"])
