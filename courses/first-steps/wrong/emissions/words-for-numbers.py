# %% [markdown]
# Everything stays text. What follows has nothing to compute with, and that is not tested.

# %% replaces="read" fails=["read-test"]
def read_table(path):
    with open(path, newline="", encoding="utf-8") as file:
        return {row["code"]: row for row in csv.DictReader(file)}
