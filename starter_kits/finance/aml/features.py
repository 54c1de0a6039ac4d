"""What a bank's analysts compute for each account each week: 60 or so features, from the past only.

All is known on the Sunday night at the end of the week. Both the baseline and the graph model read the same table.
"""

from dataclasses import dataclass

import numpy as np

from aml import networks
from aml.book import CARD, CASH, DEBIT, HOURS, INSTANT, LISTED, OUTSIDE
from aml.customers import SEGMENTS
from aml.world import World

LIMIT = 10_000.0  # EUR: cash limit of Regulation (EU) 2024/1624, article 80


@dataclass(frozen=True)
class Features:
    """``values`` (weeks, customers, features) float32, sums in EUR as log(1 + x); ``names`` in words for people."""

    values: np.ndarray
    names: list[str]


@dataclass(frozen=True)
class Sides:
    """Each transaction as seen from each of the bank's accounts in it, in order of account, then time.

    All are (sides,): ``account``, ``other``, ``incoming`` (bool), ``time`` (hours), ``week``, ``amount`` (EUR),
    ``channel``, ``place``, ``row`` (in the world's table), ``new`` (bool: no transaction with this other one before).
    """

    account: np.ndarray
    other: np.ndarray
    incoming: np.ndarray
    time: np.ndarray
    week: np.ndarray
    amount: np.ndarray
    channel: np.ndarray
    place: np.ndarray
    row: np.ndarray
    new: np.ndarray


def sides(world: World) -> Sides:
    """The transactions of ``world``, once for each of its own accounts that is in them."""
    count, table = len(world.people), world.table
    send, receive = table["sender"].to_numpy(), table["receiver"].to_numpy()
    out, into = np.flatnonzero(send < count), np.flatnonzero(receive < count)
    row = np.concatenate([out, into])
    account, other = np.concatenate([send[out], receive[into]]), np.concatenate([receive[out], send[into]])
    incoming = np.arange(len(row)) >= len(out)
    order = np.lexsort((row, account))  # rows are in the order of time
    row, account, other, incoming = row[order], account[order], other[order], incoming[order]
    pair = account.astype(np.int64) * world.outside + other
    new = np.zeros(len(row), dtype=bool)
    new[np.unique(pair, return_index=True)[1]] = True
    columns = {name: table[name].to_numpy()[row] for name in ("time", "week", "amount", "channel", "place")}
    return Sides(account=account, other=other, incoming=incoming, row=row, new=new, **columns)


def make(world: World, side: Sides) -> Features:
    """All features of ``world``; ``side`` as of `sides`. A few seconds for the defaults."""
    shape = (world.weeks, len(world.people))
    cell = side.week.astype(np.int64) * shape[1] + side.account

    def total(where: np.ndarray, what: np.ndarray | None = None) -> np.ndarray:
        weights = None if what is None else what[where]
        return np.bincount(cell[where], weights, shape[0] * shape[1]).reshape(shape).astype(np.float64)

    def highest(where: np.ndarray, what: np.ndarray) -> np.ndarray:
        best = np.zeros(shape[0] * shape[1])
        np.maximum.at(best, cell[where], what[where])
        return best.reshape(shape)

    moved = (side.channel != CARD) & (side.channel != DEBIT)
    into, out = moved & side.incoming, moved & ~side.incoming
    exchange = _within(side.other, world.people.outside["exchange"])
    passed, waited, matched = passing(side, into, out)
    sums = {
        "money in": total(into, side.amount),
        "money out": total(out, side.amount),
        "cash paid in": total(into & (side.channel == CASH), side.amount),
        "cash drawn": total(out & (side.channel == CASH), side.amount),
        "card payments": total(side.channel == CARD, side.amount),
        "sent outside the EU": total(out & (side.place >= OUTSIDE), side.amount),
        "sent to listed countries": total(out & (side.place == LISTED), side.amount),
        "received from abroad": total(into & (side.place > 0), side.amount),
        "sent to crypto exchanges": total(out & exchange, side.amount),
        "sent to new counterparties": total(out & side.new, side.amount),
        "received from new counterparties": total(into & side.new, side.amount),
        "passed on within 48 h": total(out, passed),
        "passed on one for one": total(out, matched),
    }
    counts = {
        "payments in": total(into),
        "payments out": total(out),
        "cash deposits": total(into & (side.channel == CASH)),
        "cash deposits just below the limit": total(
            into & (side.channel == CASH) & (side.amount < LIMIT) & (side.amount >= 0.7 * LIMIT)
        ),
        "instant payments out": total(out & (side.channel == INSTANT)),
        "new senders": total(into & side.new),
        "new receivers": total(out & side.new),
        "round sums": total(moved & (side.amount >= 200) & (side.amount % 50 == 0) & (side.channel != CASH)),
        "payments at night": total(moved & ((side.time % 24 < 6) | (side.time % 24 > 23)) & (side.channel != CASH)),
    }
    built: dict[str, np.ndarray] = {}
    for name, each in sums.items():
        built[f"{name}, this week"] = np.log1p(each)
        built[f"{name}, 4 weeks"] = np.log1p(window(each, 4))
    for name, each in counts.items():
        built[f"{name}, this week"] = np.log1p(each)
        built[f"{name}, 4 weeks"] = np.log1p(window(each, 4))
    largest = highest(into, side.amount)
    built["largest sum in, this week"] = np.log1p(largest)
    built["largest sum out, this week"] = np.log1p(highest(out, side.amount))
    usual = (window(sums["money in"], 9) - sums["money in"]) / 8
    built["money in against usual"] = np.log1p(sums["money in"]) - np.log1p(usual)
    usual = (window(sums["money out"], 9) - sums["money out"]) / 8
    built["money out against usual"] = np.log1p(sums["money out"]) - np.log1p(usual)
    built["largest sum in against income"] = np.log1p(largest) - np.log1p(world.people.income)
    built["share passed on within 48 h, this week"] = sums["passed on within 48 h"] / (sums["money in"] + 100)
    built["share passed on within 48 h, 4 weeks"] = window(sums["passed on within 48 h"], 4) / (
        window(sums["money in"], 4) + 100
    )
    built["out against in, 4 weeks"] = np.log1p(window(sums["money out"], 4)) - np.log1p(window(sums["money in"], 4))
    built["shortest time from in to out"] = -highest(out & (waited < 240), 240 - waited)
    age = np.arange(1, shape[0] + 1)[:, None] * HOURS - world.people.opened
    built["age of the account"] = np.where(world.people.opened < 0, 60, np.clip(age / HOURS, 0, 60))
    for number, segment in enumerate(SEGMENTS):
        built[f"segment: {segment}"] = np.broadcast_to(world.people.segment == number, shape)
    built |= networks.make(world, side, moved, built)
    names = list(built)
    return Features(np.stack([built[name] for name in names], axis=-1).astype(np.float32), names)


def _within(accounts: np.ndarray, place: tuple[int, int]) -> np.ndarray:
    return (accounts >= place[0]) & (accounts < place[0] + place[1])


def window(weekly: np.ndarray, weeks: int) -> np.ndarray:
    """Sums of ``weekly`` (weeks, ...) over the last ``weeks`` weeks, this one in."""
    total = np.cumsum(weekly, axis=0)
    total[weeks:] -= total[:-weeks].copy()
    return total


def passing(side: Sides, into: np.ndarray, out: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each side that goes out: EUR that came in within 48 h before it; hours since; EUR if one sum in matches it.

    Returns three (sides,) arrays: the part of the amount that is covered by what came in within 48 hours; hours since
    the last sum of 80 % of it or more came in (1e9: never); the amount where one sum in of as much to 18 % more came in
    within 10 days before, else 0.
    """
    key = side.account * 1e6 + side.time  # accounts follow each other by far more than the book is long
    came = np.concatenate([[0.0], np.cumsum(np.where(into, side.amount, 0.0))])
    since = np.searchsorted(key, key - 48, side="left")
    recent = came[:-1] - came[since]
    passed = np.where(out, np.minimum(side.amount, recent), 0.0)
    waited = np.full(len(key), 1e9)
    matched = np.zeros(len(key))
    index = np.flatnonzero(into)
    at = np.searchsorted(index, np.arange(len(key)))  # how many came in before, on whatever account
    for back in range(1, 9):
        before = index[np.maximum(at - back, 0)]
        fits = out & (at >= back) & (side.account[before] == side.account)
        hours = side.time - side.time[before]
        enough = fits & (side.amount[before] >= 0.8 * side.amount) & (side.amount >= 150)
        waited = np.where(enough, np.minimum(waited, hours), waited)
        ratio = side.amount[before] / side.amount
        matched = np.where(enough & (ratio >= 0.99) & (ratio <= 1.18) & (hours < 240), side.amount, matched)
    return passed, waited, matched
