"""Two assignments, with what a hundred students hand in: most are right, every fifth has one of the mistakes."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tests.support.course import Edit, Notebook, cell, notebook, solve


@dataclass(frozen=True)
class Assignment:
    """``right`` and ``wrong`` are sources by the name of their cell."""

    given: str
    right: dict[str, str]
    wrong: dict[str, str]
    tests: dict[str, str]

    def notebook(self) -> Notebook:
        return notebook(
            cell("# An exercise", kind="markdown"),
            cell(self.given, "given", role="locked"),
            *(
                cell(f"### BEGIN SOLUTION\n{source}\n### END SOLUTION", name, role="solution")
                for name, source in self.right.items()
            ),
            *(cell(source, name, role="test", points=2) for name, source in self.tests.items()),
        )

    def answer(self, number: int) -> Edit:
        sources = {name: f"# by student {number}\n{source}" for name, source in self.right.items()}
        if number % 5 == 0:
            name, source = [*self.wrong.items()][number // 5 % len(self.wrong)]
            sources[name] = source
        return solve(**sources)


_TORCH = Assignment(
    given="""\
import torch
from torch import nn
torch.manual_seed(1)
x = torch.randn(256, 8)
y = x.sum(1, keepdim=True)""",
    right={
        "model": """\
def model():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 1))""",
        "loss": """\
def loss(net, x, y):
    return nn.functional.mse_loss(net(x), y)""",
        "train": """\
def train(net, x, y, steps, rate):
    optimiser = torch.optim.Adam(net.parameters(), lr=rate)
    for _ in range(steps):
        optimiser.zero_grad()
        error = loss(net, x, y)
        error.backward()
        optimiser.step()
    return float(error)""",
    },
    wrong={
        "model": "def model():\n    return None",
        "loss": "def loss(net, x, y):\n    return (net(x) - y).abs().sum()",
    },
    tests={
        "model-test": "assert model()(x).shape == (256, 1)",
        "loss-test": "net = nn.Linear(8, 1)\nassert abs(loss(net, x, net(x) + 2) - 4) < 1e-3",
        "train-test": "assert train(nn.Linear(8, 1), x, y, 200, 0.05) < 0.1",
        "hidden-test": """\
### BEGIN HIDDEN TESTS
assert train(model(), x, y, 100, 0.01) < 2
### END HIDDEN TESTS""",
    },
)
_PYTHON = Assignment(
    given="import collections\nimport math\nimport random",
    right={
        "primes": """\
def primes(n):
    sieve = [True] * (n + 1)
    for i in range(2, int(n ** 0.5) + 1):
        if sieve[i]:
            sieve[i * i :: i] = [False] * len(sieve[i * i :: i])
    return [i for i in range(2, n + 1) if sieve[i]]""",
        "words": """\
def words(text):
    return dict(collections.Counter(text.lower().split()))""",
        "flat": """\
def flat(tree):
    return [x for b in tree for x in (flat(b) if isinstance(b, list) else [b])]""",
    },
    wrong={
        "primes": "def primes(n):\n    return list(range(2, n))",
        "words": "def words(text):\n    raise KeyError(text)",
    },
    tests={
        "primes-test": "assert primes(30) == [2, 3, 5, 7, 11, 13, 17, 19, 23, 29]",
        "hidden-test": "### BEGIN HIDDEN TESTS\nassert len(primes(200_000)) == 17984\n### END HIDDEN TESTS",
        "words-test": "assert words('a b A') == {'a': 2, 'b': 1}",
        "flat-test": "assert flat([1, [2, [3, 4]], 5]) == [1, 2, 3, 4, 5]",
    },
)
# A second or two of each student's own code, as trained models take.
_TRAINING = replace(
    _TORCH, tests=_TORCH.tests | {"train-test": "assert train(nn.Linear(8, 1), x, y, 8000, 0.05) < 0.1"}
)
ASSIGNMENTS = {"torch": _TORCH, "python": _PYTHON, "training": _TRAINING}
