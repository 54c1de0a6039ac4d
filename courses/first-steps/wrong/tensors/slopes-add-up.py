# %% [markdown]
# The slopes of all steps before are still there.

# %% replaces="fit" fails=["fit-test"]
def fit_line(x, y, steps, rate):
    weight = torch.zeros((), requires_grad=True)
    bias = torch.zeros((), requires_grad=True)
    for _ in range(steps):
        mean_squared_error(weight * x + bias, y).backward()
        with torch.no_grad():
            weight -= rate * weight.grad
            bias -= rate * bias.grad
    return weight.item(), bias.item()
