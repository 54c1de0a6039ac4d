# %% [markdown]
# A Python number: PyTorch cannot compute slopes through it.

# %% replaces="error" fails=["error-test", "fit-test"]
def mean_squared_error(prediction, target):
    if prediction.shape != target.shape:
        raise ValueError("two shapes")
    return torch.tensor(((prediction - target) ** 2).mean().item())
