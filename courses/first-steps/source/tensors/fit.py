# %% [markdown]
# # Fit a line
#
# A neural network learns by following slopes downhill. Here you do the same with the smallest model there is, a straight
# line, so that you see every part of it.
#
# You write three functions. Each has tests below it; run them as often as you like. When you submit, further tests are
# run that you do not see: they ask for the same, with other numbers.
#
# Where it says `raise NotImplementedError()`, put your code in its place.

# %%
import torch

device = "cuda" if torch.cuda.is_available() else "cpu"
print(f"PyTorch {torch.__version__} on {device}. Everything here is small enough for either.")

# %% [markdown]
# ## 1. Put columns on one scale
#
# Columns of a table are often of very different size: metres beside milligrams. Learning goes better when each has mean 0
# and standard deviation 1.
#
# Write `standardise`. It takes a tensor with a row for each example and a column for each quantity, and returns a new
# tensor of the same shape, in which each **column** has mean 0 and standard deviation 1. Divide by the number of rows when
# you compute the standard deviation (`correction=0` in PyTorch), and leave the tensor that you were given as it is.
#
# A column whose values are all the same has standard deviation 0, and dividing by that gives `nan`. Such a column becomes
# all zeros.

# %% nbgrader={"grade_id": "standardise", "solution": true}
def standardise(table):
    """Each column with mean 0 and standard deviation 1; a constant one with zeros."""
    ### BEGIN SOLUTION
    centred = table - table.mean(dim=0)
    spread = table.std(dim=0, correction=0)
    return centred / torch.where(spread == 0, torch.ones_like(spread), spread)
    ### END SOLUTION

# %% nbgrader={"grade_id": "standardise-test", "points": 3}
table = torch.tensor([[1.0, 100.0], [2.0, 300.0], [3.0, 500.0]])
found = standardise(table)
assert found.shape == table.shape, "the shape must stay as it is"
assert torch.allclose(found.mean(dim=0), torch.zeros(2), atol=1e-6), "each column must have mean 0"
assert torch.allclose(found.std(dim=0, correction=0), torch.ones(2), atol=1e-6), "and standard deviation 1"
### BEGIN HIDDEN TESTS
wide = torch.tensor([[2.0, 7.0, -1.0], [4.0, 7.0, 5.0], [9.0, 7.0, 2.0], [1.0, 7.0, 2.0]])
kept = wide.clone()
result = standardise(wide)
assert torch.equal(wide, kept), "the tensor that was given must stay as it is"
assert not torch.isnan(result).any(), "a constant column must not become nan"
assert torch.equal(result[:, 1], torch.zeros(4)), "a constant column must become zeros"
assert torch.allclose(result[:, 0], torch.tensor([-0.64888568, 0.0, 1.62221421, -0.97332853]), atol=1e-5)
assert torch.allclose(result[:, 2], torch.tensor([-1.41421356, 1.41421356, 0.0, 0.0]), atol=1e-5)
### END HIDDEN TESTS

# %% [markdown]
# ## 2. Say how wrong a prediction is
#
# The mean squared error is the mean, over all examples, of the square of (prediction − target).
#
# Beware of a trap that has cost many people an evening: a tensor of shape `(3, 1)` minus one of shape `(3,)` is no error in
# PyTorch. It is a `(3, 3)` table of all differences. So `mean_squared_error` has to refuse two shapes that differ, with
# a `ValueError`.

# %% nbgrader={"grade_id": "error", "solution": true}
def mean_squared_error(prediction, target):
    """The mean of the squared differences, as a tensor without dimensions. Raises ValueError for shapes that differ."""
    ### BEGIN SOLUTION
    if prediction.shape != target.shape:
        raise ValueError(f"a prediction of shape {tuple(prediction.shape)} for a target of {tuple(target.shape)}")
    return ((prediction - target) ** 2).mean()
    ### END SOLUTION

# %% nbgrader={"grade_id": "error-test", "points": 2}
assert mean_squared_error(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 4.0])).item() == 2.0
### BEGIN HIDDEN TESTS
assert abs(mean_squared_error(torch.tensor([[0.0], [3.0], [1.0]]), torch.tensor([[1.0], [1.0], [1.0]])).item() - 5 / 3) < 1e-6
try:
    mean_squared_error(torch.zeros(3, 1), torch.zeros(3))
except ValueError:
    pass
else:
    raise AssertionError("two shapes that differ must raise a ValueError")
slope = torch.tensor([2.0], requires_grad=True)
mean_squared_error(slope * 3, torch.tensor([0.0])).backward()
assert slope.grad.item() == 36.0, "PyTorch must be able to compute slopes through it"
### END HIDDEN TESTS

# %% [markdown]
# ## 3. Go downhill
#
# Write `fit_line`. It starts with weight 0 and bias 0, and does `steps` times:
#
# 1. predict `weight * x + bias`;
# 2. compute the mean squared error, and its slopes for weight and bias (`backward()` does it for you);
# 3. take `rate` times its slope away from each of the two.
#
# It returns weight and bias as two Python numbers. Slopes **add up** in `.grad` until you set them back to zero.

# %% nbgrader={"grade_id": "fit", "solution": true}
def fit_line(x, y, steps, rate):
    """Weight and bias after so many steps of gradient descent from (0, 0), as two floats."""
    ### BEGIN SOLUTION
    weight = torch.zeros((), requires_grad=True)
    bias = torch.zeros((), requires_grad=True)
    for _ in range(steps):
        loss = mean_squared_error(weight * x + bias, y)
        loss.backward()
        with torch.no_grad():
            for parameter in (weight, bias):
                parameter -= rate * parameter.grad
                parameter.grad = None
    return weight.item(), bias.item()
    ### END SOLUTION

# %% nbgrader={"grade_id": "fit-test", "points": 3}
x = torch.tensor([0.0, 1.0, 2.0, 3.0])
weight, bias = fit_line(x, 2 * x + 1, steps=500, rate=0.1)
assert abs(weight - 2) < 0.01, "the weight should come close to 2"
assert abs(bias - 1) < 0.01, "the bias should come close to 1"
### BEGIN HIDDEN TESTS
assert fit_line(x, x, steps=0, rate=0.1) == (0.0, 0.0), "no steps, no change"
one = fit_line(torch.tensor([1.0, 3.0]), torch.tensor([2.0, 4.0]), steps=1, rate=0.01)
assert abs(one[0] - 0.14) < 1e-5, "one step goes along the slope of the mean"
assert abs(one[1] - 0.06) < 1e-5, "the bias, too"
two = fit_line(torch.tensor([1.0, 3.0]), torch.tensor([2.0, 4.0]), steps=2, rate=0.01)
assert abs(two[0] - 0.2636) < 1e-5, "the second step starts with fresh slopes"
assert abs(two[1] - 0.1132) < 1e-5, "the bias, too"
assert all(type(value) is float for value in two), "two Python numbers"
### END HIDDEN TESTS

# %% [markdown]
# ## Play with it
#
# Not graded. Move the slider: how far does 30 steps get you? From which rate on does it fly away?

# %%
import ipywidgets as widgets

rate = widgets.FloatSlider(value=0.05, min=0.01, max=0.35, step=0.01, description="rate")
shown = widgets.HTML()


def show(change=None):
    try:
        weight, bias = fit_line(x, 2 * x + 1, steps=30, rate=rate.value)
    except NotImplementedError:
        shown.value = "Write <code>fit_line</code> first, and run this cell again."
        return
    far = mean_squared_error(weight * x + bias, 2 * x + 1).item()
    shown.value = f"After 30 steps: y = {weight:.3g} x + {bias:.3g}; mean squared error {far:.3g}"


rate.observe(show, "value")
show()
widgets.VBox([rate, shown])
