"""Features of an account's surroundings: counterparties in common, rings, what neighbours did, known cases nearby."""

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from aml.world import DELAY, World

if TYPE_CHECKING:
    from aml.features import Sides

SPAN = 4  # weeks back that count as an account's surroundings
# what of the neighbours goes into an account's features
NEAR = (
    "share passed on within 48 h, 4 weeks",
    "passed on one for one, 4 weeks",
    "cash paid in, 4 weeks",
    "sent to new counterparties, 4 weeks",
    "new senders, 4 weeks",
    "money in against usual",
)


def make(world: World, side: "Sides", moved: np.ndarray, built: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Features (weeks, customers) from who paid whom in the last four weeks; ``moved`` (sides,): transfers and cash."""
    count, everyone = len(world.people), world.outside
    cash = world.people.outside["cash"][0]
    use = moved & (side.other != cash) & (side.amount >= 50)
    account, other, week, incoming = side.account[use], side.other[use], side.week[use], side.incoming[use]
    large = side.amount[use] >= 200
    known = world.labels(known=True)
    names = ["most of the bank's payers to a receiver", "most of the bank's receivers of a sender"]
    names += ["paid and paid by the same account", "rings of three", "rings of four or five"]
    names += ["shares a counterparty with a known case"]
    names += [f"neighbours' highest: {name}" for name in NEAR] + [f"neighbours' mean: {name}" for name in NEAR]
    out = np.zeros((len(names), world.weeks, count))
    near = np.stack([built[name] for name in NEAR])
    tainted = np.zeros(everyone, dtype=bool)
    for now in range(world.weeks):
        here = (week <= now) & (week > now - SPAN)
        own, far, into = account[here], other[here], incoming[here]
        pays = _links(own[~into], far[~into], count, everyone)
        gets = _links(own[into], far[into], count, everyone)
        for slot, links in enumerate((pays, gets)):
            shared = np.asarray(links.sum(axis=0)).ravel()
            out[slot, now] = np.log1p(links.multiply(shared).max(axis=1).toarray().ravel())
        ring = large[here] & ~into & (far < count)
        inside = _links(own[ring], far[ring], count, count)
        out[2, now] = inside.multiply(inside.T).sum(axis=1).ravel()
        two = (inside @ inside).sign()
        three = inside.T.multiply(two).sum(axis=1)
        four = two.multiply(two.T).sum(axis=1) + two.multiply((two @ inside).T.sign()).sum(axis=1)
        out[3, now], out[4, now] = np.log1p(three.ravel()), np.log1p(four.ravel())
        if now >= DELAY:  # counterparties of accounts in cases that are known by now; much used ones say nothing
            then = (week == now - DELAY) & known[now - DELAY, account]
            tainted[other[then]] = True
            common = np.asarray((pays + gets).sum(axis=0)).ravel() > 40
            out[5, now] = np.log1p((pays + gets) @ (tainted & ~common).astype(float))
        both = _links(own[far < count], far[far < count], count, count)
        degree = np.maximum(np.asarray(both.sum(axis=1)).ravel(), 1)
        for slot in range(len(NEAR)):
            value = near[slot, now] - near[slot, now].min()
            out[6 + slot, now] = both.multiply(value).max(axis=1).toarray().ravel()
            out[6 + len(NEAR) + slot, now] = (both @ value) / degree
    return dict(zip(names, out, strict=True))


def _links(own: np.ndarray, far: np.ndarray, count: int, everyone: int) -> sparse.csr_array:
    """Who deals with whom, as a 0/1 matrix (count, everyone)."""
    links = sparse.csr_array((np.ones(len(own)), (own, far)), shape=(count, everyone))
    links.data[:] = 1.0
    return links
