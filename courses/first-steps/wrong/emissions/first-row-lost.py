# %% [markdown]
# The first country is taken for a header.

# %% replaces="read" fails=["read-test"]
def read_table(path):
    names, _, *lines = Path(path).read_text(encoding="utf-8").splitlines()
    rows = [dict(zip(names.split(","), line.split(","))) for line in lines]
    return {r["code"]: {k: v if k in ("code", "country") else float(v) for k, v in r.items()} for r in rows}
