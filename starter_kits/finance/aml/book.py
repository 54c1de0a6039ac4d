"""The bank's book of transactions while it is written, and as a table."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

CHANNELS = ("card", "transfer", "instant", "debit", "cash")
CARD, TRANSFER, INSTANT, DEBIT, CASH = range(5)
PLACES = ("home", "neighbour", "other EU", "outside the EU", "listed country")
HOME, NEIGHBOUR, OTHER_EU, OUTSIDE, LISTED = range(5)
START = pd.Timestamp("2025-06-30")  # a Monday, so that a week of the book is a week of the calendar
HOURS = 168  # in a week


@dataclass
class Book:
    """Collects transactions as columns.

    ``time``: hours since Monday, 30 June 2025, 00:00. ``sender``, ``receiver``: numbers of accounts, customers of the
    bank first, accounts elsewhere after them. ``amount``: EUR. ``channel``, ``place``: index in CHANNELS and PLACES,
    place being where the account outside the bank is held. ``scheme``: the laundering scheme it is part of, or -1.
    """

    hours: float
    parts: list[dict[str, np.ndarray]] = field(default_factory=list)

    def add(self, time, sender, receiver, amount, channel, place=HOME, scheme=-1) -> None:
        """Writes transactions down; arguments are arrays of one length, or numbers. What is out of time is left out."""
        time = np.atleast_1d(np.asarray(time, dtype=np.float64))
        columns = {"sender": sender, "receiver": receiver, "channel": channel, "place": place, "scheme": scheme}
        part = {name: np.broadcast_to(np.asarray(each, dtype=np.int32), time.shape) for name, each in columns.items()}
        part["amount"] = np.broadcast_to(np.asarray(amount, dtype=np.float64), time.shape)
        keep = (time >= 0) & (time < self.hours) & (part["amount"] >= 0.5) & (part["sender"] != part["receiver"])
        self.parts.append({"time": time[keep]} | {name: each[keep] for name, each in part.items()})

    def table(self) -> pd.DataFrame:
        """All transactions in the order of time; amounts in whole cents."""
        columns = {name: np.concatenate([part[name] for part in self.parts]) for name in self.parts[0]}
        order = np.argsort(columns["time"], kind="stable")
        table = pd.DataFrame({name: each[order] for name, each in columns.items()})
        table["amount"] = table["amount"].round(2)
        table["week"] = (table["time"] // HOURS).astype(np.int16)
        return table
