"""The experiment: which weeks are learned from, chosen on and tested on; kept results that the notebooks hand on."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from aml import features, world
from aml.graph import Graph
from aml.world import DELAY
from kitlib import compute, settings

TRAIN = slice(4, 16)  # the first four weeks only fill the history that features look back on
CHOOSE = slice(16, 19)
# A decision at the end of the first test week may use labels up to the last week of CHOOSE: they are DELAY weeks old.
TEST = slice(CHOOSE.stop - 1 + DELAY, None)


@dataclass(frozen=True)
class Study:
    """The bank, its features and its labels; ``[weeks, customers]`` throughout."""

    bank: world.World

    @cached_property
    def sides(self) -> features.Sides:
        return features.sides(self.bank)

    @cached_property
    def features(self) -> features.Features:
        """Computed once, then read from results/."""
        file = settings.results() / f"features-{len(self.bank.people)}-{len(self.bank.table)}.npz"
        if file.is_file():
            kept = np.load(file, allow_pickle=False)
            return features.Features(kept["values"], kept["names"].tolist())
        made = features.make(self.bank, self.sides)
        np.savez(file, values=made.values, names=np.array(made.names))
        return made

    @cached_property
    def known(self) -> np.ndarray:
        """Labels to learn from: what the bank finds."""
        return self.bank.labels(known=True)

    @cached_property
    def truth(self) -> np.ndarray:
        """What really happened: for tests only."""
        return self.bank.labels()

    def graph(self, device: str = "cpu") -> Graph:
        return Graph(self.bank, self.sides, self.features, TRAIN, device)

    def flat(self, weekly: np.ndarray, weeks: slice) -> np.ndarray:
        """``weekly`` (weeks, customers, ...) as one row for each account-week of ``weeks``."""
        return weekly[weeks].reshape(-1, *weekly.shape[2:])


def make(seed: int = 7) -> Study:
    """The study at the scale of ``settings.toml``: 5,000 customers, or 40,000 at full scale."""
    return Study(world.make(seed, compute.choose().pick(world.CUSTOMERS, 8 * world.CUSTOMERS)))


def keep(name: str, **arrays: np.ndarray) -> None:
    """Writes arrays to results/NAME.npz."""
    np.savez(settings.results() / f"{name}.npz", **arrays)


def kept(name: str) -> dict[str, np.ndarray]:
    """Arrays kept before. Raises FileNotFoundError, saying what to do, where there are none."""
    file = settings.results() / f"{name}.npz"
    if not file.is_file():
        raise FileNotFoundError(f"{file} is not there yet: run the notebooks before this one first")
    with np.load(file, allow_pickle=False) as arrays:
        return dict(arrays)
