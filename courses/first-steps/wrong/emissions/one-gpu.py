# %% [markdown]
# The power of one GPU for all of them.

# %% replaces="emissions" fails=["emissions-test"]
def emissions(gpus, watts, hours, pue, grams):
    return watts / 1000 * hours * pue * grams / 1000
