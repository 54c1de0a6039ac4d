"""Transactions as a graph in time: what the model sees on the Sunday night of one week."""

from dataclasses import dataclass

import numpy as np
import torch

from aml.book import CARD, CASH, CHANNELS, DEBIT, PLACES
from aml.features import Features, Sides, passing
from aml.world import World

SPAN = 4  # weeks back
SMALL = 100.0  # EUR: smaller payments count in the features only
EVENT = (
    ["amount", "comes in", "new counterparty", "round sum", "at night", "hours since a sum as large came in"]
    + ["covered by the last 48 h", "matched by one sum in", "age in days", "to or from a crypto exchange"]
    + [f"channel: {name}" for name in CHANNELS[1:]]
    + [f"place: {name}" for name in PLACES]
)


@dataclass(frozen=True)
class Week:
    """One week: ``features`` (customers, F); ``event`` (E, len(EVENT)); ``account``, ``other``, ``row`` (E,): whose
    event it is, with whom, and where it stands in the world's table; ``known``, ``truth`` (customers,): labels.

    Accounts elsewhere are numbered anew from the number of customers on; ``nodes`` is how many accounts there are.
    """

    number: int
    features: torch.Tensor
    event: torch.Tensor
    account: torch.Tensor
    other: torch.Tensor
    row: np.ndarray
    nodes: int
    known: torch.Tensor
    truth: np.ndarray


class Graph:
    """All weeks of a world, each built when asked for; features are scaled by means and spreads of ``fit_on`` weeks."""

    def __init__(self, world: World, side: Sides, features: Features, fit_on: slice, device: str = "cpu"):
        self.device, self.world, self.features = device, world, features
        self.known, self.truth = world.labels(known=True), world.labels()
        seen = features.values[fit_on].reshape(-1, features.values.shape[-1])
        self.mean, self.spread = seen.mean(0), seen.std(0) + 0.05
        moved = (side.channel != CARD) & (side.channel != DEBIT)
        passed, waited, matched = passing(side, moved & side.incoming, moved & ~side.incoming)
        use = np.flatnonzero(moved & (side.amount >= SMALL))
        use = use[np.argsort(side.week[use], kind="stable")]
        self._side = {name: getattr(side, name)[use] for name in ("account", "other", "week", "time", "row")}
        amount, first, count = side.amount[use], *world.people.outside["exchange"]
        exchange = (side.other[use] >= first) & (side.other[use] < first + count)
        flags = [side.incoming[use], side.new[use], (amount >= 200) & (amount % 50 == 0)]
        columns = [np.log(amount) / 2 - 2.5, *flags, (side.time[use] % 24 < 6) | (side.time[use] % 24 > 23)]
        columns += [np.log1p(np.minimum(waited[use], 1000)) / 3.5 - 1, passed[use] / amount, matched[use] > 0]
        columns += [np.zeros(len(use)), exchange]
        columns += [side.channel[use] == channel for channel in range(1, len(CHANNELS))]
        columns += [(side.place[use] == place) & (side.channel[use] != CASH) for place in range(len(PLACES))]
        self._event = np.stack(columns, axis=1).astype(np.float32)
        self._bounds = np.searchsorted(self._side["week"], np.arange(world.weeks + 1))
        self._built: dict[int, Week] = {}

    def week(self, number: int) -> Week:
        """What is known at the end of week ``number``: events of the last SPAN weeks, features of that week."""
        if number not in self._built:
            self._built[number] = self._build(number)
        return self._built[number]

    def _build(self, number: int) -> Week:
        start, stop = self._bounds[max(0, number - SPAN + 1)], self._bounds[number + 1]
        event = self._event[start:stop].copy()
        event[:, EVENT.index("age in days")] = ((number + 1) * 168 - self._side["time"][start:stop]) / 24 / 14 - 1
        count = len(self.world.people)
        other = self._side["other"][start:stop].astype(np.int64)
        outside, index = np.unique(other[other >= count], return_inverse=True)
        other[other >= count] = count + index
        values = (self.features.values[number] - self.mean) / self.spread
        return Week(
            number,
            torch.from_numpy(np.clip(values, -6, 6)).to(self.device),
            torch.from_numpy(event).to(self.device),
            torch.from_numpy(self._side["account"][start:stop].astype(np.int64)).to(self.device),
            torch.from_numpy(other).to(self.device),
            self._side["row"][start:stop],
            count + len(outside),
            torch.from_numpy(self.known[number].astype(np.float32)).to(self.device),
            self.truth[number],
        )
