"""The made-up bank as a whole: customers, transactions, which are laundering, and what the bank found out."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from aml import customers, laundering, lawful
from aml.book import HOURS, Book
from aml.customers import People
from aml.laundering import Schemes

WEEKS = 29
CUSTOMERS = 5000
DELAY = 4  # weeks from a laundered payment until the bank knows of the case: nothing learns from labels before
SCHEMES = 1.25  # a week per 1,000 customers: about 0.5 % of account-weeks


@dataclass(frozen=True)
class World:
    """``table``: transactions, see aml.book. ``schemes``: see aml.laundering."""

    people: People
    table: pd.DataFrame
    schemes: Schemes
    weeks: int

    @property
    def outside(self) -> int:
        """Accounts in all, of customers and elsewhere."""
        return max(first + count for first, count in self.people.outside.values())

    def labels(self, known: bool = False) -> np.ndarray:
        """(weeks, customers) bool: the account moved laundered money; ``known``: in a scheme that the bank finds."""
        table = self.table[self.table["scheme"] >= 0]
        if known:
            table = table[self.schemes.found[table["scheme"]]]
        label = np.zeros((self.weeks, len(self.people)), dtype=bool)
        for side in ("sender", "receiver"):
            own = table[table[side] < len(self.people)]
            label[own["week"], own[side]] = True
        return label


def make(seed: int = 7, count: int = CUSTOMERS, weeks: int = WEEKS) -> World:
    """Makes the bank of that seed: ``count`` customers over ``weeks`` weeks. About a second for the defaults."""
    rng = np.random.default_rng(seed)
    book = Book(weeks * HOURS)
    people = customers.make(count, book.hours, rng)
    lawful.write(book, people, rng)
    schemes = laundering.write(book, people, rng, SCHEMES)
    table = book.table()
    is_open = np.ones(len(table), dtype=bool)
    for side in (table["sender"].to_numpy(), table["receiver"].to_numpy()):
        own = np.flatnonzero(side < count)
        time = table["time"].to_numpy()[own]
        is_open[own] &= (time >= people.opened[side[own]]) & (time < schemes.closed[side[own]])
    return World(people, table[is_open].reset_index(drop=True), schemes, weeks)
