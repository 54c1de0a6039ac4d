# %% [markdown]
# Without what the data centre needs beside the GPUs.

# %% replaces="emissions" fails=["emissions-test"]
def emissions(gpus, watts, hours, pue, grams):
    return gpus * watts / 1000 * hours * grams / 1000
