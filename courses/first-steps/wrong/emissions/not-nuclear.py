# %% [markdown]
# Everything that is not renewable, nuclear power included.

# %% replaces="share" fails=["share-test"]
def fossil_share(row):
    clean = row["hydro"] + row["wind"] + row["solar"] + row["other"]
    fossil = row["coal"] + row["gas"] + row["oil"] + row["nuclear"]
    return fossil / (fossil + clean)
