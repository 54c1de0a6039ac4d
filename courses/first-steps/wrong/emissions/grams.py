# %% [markdown]
# Grams in place of kilograms.

# %% replaces="emissions" fails=["emissions-test"]
def emissions(gpus, watts, hours, pue, grams):
    return gpus * watts / 1000 * hours * pue * grams
