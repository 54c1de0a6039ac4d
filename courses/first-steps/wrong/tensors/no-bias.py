# %% [markdown]
# The bias stays where it was.

# %% replaces="fit" fails=["fit-test"]
def fit_line(x, y, steps, rate):
    weight = torch.zeros((), requires_grad=True)
    for _ in range(steps):
        mean_squared_error(weight * x, y).backward()
        with torch.no_grad():
            weight -= rate * weight.grad
        weight.grad = None
    return weight.item(), 0.0
