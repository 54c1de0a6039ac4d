# %% [markdown]
# A falling line counts as a rising one.

# %% replaces="correlation" fails=["correlation-test"]
def correlation(x, y):
    return abs(torch.corrcoef(torch.stack([x, y]))[0, 1].item())
