"""Laundering schemes by typology. What each parameter rests on stands in data/typologies.csv.

A gang runs schemes for months with the same accounts and collects at other banks; it changes collectors now and then.
In each scheme sums and delays vary by an order of magnitude, and a part of the schemes takes trouble to look ordinary:
smaller sums, in office hours, days apart. The accounts go on with the lawful life that `aml.lawful` writes for them,
until the bank finds a scheme: some weeks later it closes the accounts, and the gang recruits others.
"""

from dataclasses import dataclass, field

import numpy as np

from aml.book import CASH, HOME, HOURS, INSTANT, LISTED, NEIGHBOUR, OTHER_EU, OUTSIDE, TRANSFER, Book
from aml.customers import People

TYPOLOGIES = ("structuring", "fan-in", "fan-out", "cycle", "mule", "pass-through")
_SHARES = (0.16, 0.15, 0.13, 0.13, 0.25, 0.18)
# how readily an account of each segment is used (order of aml.customers.SEGMENTS): students most, shells among firms
_READY = np.array([1.0, 0.4, 3.0, 1.5, 0.3, 1.5, 1.5, 1.5])
HIDING = 0.4  # share of schemes that take trouble to look ordinary
FOUND = 0.85  # share of schemes that the bank finds: the labels that a model can learn from
CLOSED = (3, 8)  # weeks from the start of a scheme that is found until its accounts are closed


@dataclass(frozen=True)
class Schemes:
    """``kind``, ``found`` (schemes,): typology, if the bank knows. ``closed`` (customers,): hours, inf where open."""

    kind: np.ndarray
    found: np.ndarray
    closed: np.ndarray


@dataclass
class Gang:
    """``accounts`` at the bank, ``collectors`` elsewhere; both are used again in later schemes."""

    accounts: np.ndarray
    collectors: np.ndarray


def write(book: Book, people: People, rng: np.random.Generator, per_week: float) -> Schemes:
    """Writes about ``per_week`` schemes a week per 1,000 customers."""
    weeks = book.hours / HOURS
    number = rng.poisson(per_week * len(people) / 1000 * weeks)
    gangs = [_gang(people, rng) for _ in range(max(3, number // 6))]
    kinds = rng.choice(len(TYPOLOGIES), size=number, p=_SHARES)
    starts = np.sort(rng.uniform(0, book.hours, number))
    found, closed = rng.random(number) < FOUND, np.full(len(people), np.inf)
    for scheme, (kind, start) in enumerate(zip(kinds, starts, strict=True)):
        gang = gangs[rng.integers(len(gangs))]
        if rng.random() < 0.2:
            gang.collectors = people.elsewhere("person", rng, 3)
        maker = (_structuring, _fan_in, _fan_out, _cycle, _mule, _pass_through)[kind]
        this = _Scheme(book, people, rng, gang, scheme, start, rng.random() < HIDING, closed)
        maker(this)
        if found[scheme] and this.used:
            used = np.array(this.used)
            closed[used] = np.minimum(closed[used], start + HOURS * rng.uniform(*CLOSED))
    return Schemes(kinds.astype(np.int8), found, closed)


def _gang(people: People, rng) -> Gang:
    ready = _READY[people.segment] / _READY[people.segment].sum()
    accounts = rng.choice(len(people), size=rng.integers(4, 13), replace=False, p=ready)
    return Gang(accounts, people.elsewhere("person", rng, 3))


@dataclass
class _Scheme:
    book: Book
    people: People
    rng: np.random.Generator
    gang: Gang
    number: int
    start: float
    hides: bool
    closed: np.ndarray
    used: list[int] = field(default_factory=list)

    def accounts(self, count: int) -> np.ndarray:
        """Accounts at the bank: mostly the gang's; a third freshly recruited, who then stay in the gang."""
        rng, gang = self.rng, self.gang
        ready = _READY[self.people.segment] * (self.closed > self.start) * (self.people.opened < self.start)
        fresh = rng.choice(len(self.people), size=count, replace=False, p=ready / ready.sum())
        known = rng.permutation(gang.accounts[self.closed[gang.accounts] > self.start])[:count]
        chosen = np.where(rng.random(len(known)) < 0.65, known, fresh[: len(known)])
        chosen = rng.permutation(np.unique(np.concatenate([chosen, fresh[len(known) :]])))
        gang.accounts = np.union1d(gang.accounts, chosen)
        self.used += chosen.tolist()
        return chosen

    def collector(self, count: int = 1) -> np.ndarray:
        """Accounts elsewhere where the money ends: the gang's own, a crypto exchange, or one used once."""
        rng = self.rng
        own = rng.choice(self.gang.collectors, count)
        once = np.where(rng.random(count) < 0.4, self.people.elsewhere("exchange", rng, count), 0)
        once = np.where(once > 0, once, self.people.elsewhere("person", rng, count))
        return np.where(rng.random(count) < 0.6, own, once)

    def wait(self, count: int | None = None, hours: float = 14.0):
        """Delays in hours between money in and money out: within a day or two; several days where the scheme hides."""
        return 0.3 + self.rng.gamma(1.3, (hours if not self.hides else hours * 4) / 1.3, count)

    def sums(self, typical: float, count: int) -> np.ndarray:
        """Sums in EUR around ``typical``, over an order of magnitude; half of them rounded, as people's are."""
        rng = self.rng
        amount = rng.lognormal(np.log(typical * (0.55 if self.hides else 1.0)), 0.65, count)
        return np.where(rng.random(count) < 0.5, 50 * np.ceil(amount / 50), amount)

    def place(self, count: int) -> np.ndarray:
        return self.rng.choice(
            [HOME, NEIGHBOUR, OTHER_EU, OUTSIDE, LISTED], size=count, p=[0.5, 0.14, 0.16, 0.13, 0.07]
        )

    def at(self, time):
        """By day where the scheme hides; else at the hour at which it comes."""
        time = np.asarray(time, dtype=float)
        return time // 24 * 24 + np.clip(time % 24, 8, 20) if self.hides else time

    def pay(self, time, sender, receiver, amount, channel=None, place=HOME) -> None:
        time = self.at(time)
        if channel is None:
            channel = np.where(self.rng.random(time.shape) < 0.45, INSTANT, TRANSFER)
        self.book.add(time, sender, receiver, amount, channel, place, self.number)


def _structuring(scheme: _Scheme) -> None:
    """Cash paid in by parts, each below a limit, on one to three accounts over one to two weeks; then on."""
    rng, cash = scheme.rng, scheme.people.outside["cash"][0]
    for account in scheme.accounts(int(rng.integers(1, 4))):
        number = int(rng.integers(3, 10))
        high = 9900 if rng.random() < 0.4 else rng.uniform(1500, 6000)
        amount = 50 * np.round(rng.uniform(0.45 if scheme.hides else 0.75, 1, number) * high / 50)
        time = scheme.start + np.sort(rng.uniform(0, 24 * rng.uniform(3, 14), number))
        scheme.pay(time, cash, account, amount, CASH)
        count = int(rng.integers(1, 4))
        part = rng.dirichlet(np.full(count, 4.0)) * amount.sum() * rng.uniform(0.8, 0.98)
        scheme.pay(
            time[-1] + np.cumsum(scheme.wait(count)), account, scheme.collector(count), part, place=scheme.place(count)
        )


def _fan_in(scheme: _Scheme) -> None:
    """Many accounts, here and elsewhere, pay one within days; the sum leaves for abroad or an exchange."""
    rng = scheme.rng
    funnel, *feeders = scheme.accounts(int(rng.integers(2, 6)))
    outside = scheme.people.elsewhere("person", rng, int(rng.integers(3, 12)))
    sender = np.concatenate([np.array(feeders, dtype=int), outside])
    amount = scheme.sums(700, len(sender))
    time = scheme.start + np.sort(rng.uniform(0, 24 * rng.uniform(2, 9), len(sender)))
    for feeder, when, what in zip(feeders, time, amount, strict=False):  # what a feeder pays on reached it before
        scheme.pay(
            when - scheme.wait(1), scheme.people.elsewhere("person", rng, 1), feeder, what * rng.uniform(1.02, 1.1)
        )
    scheme.pay(time, sender, funnel, amount)
    count = int(rng.integers(1, 4))
    part = rng.dirichlet(np.full(count, 4.0)) * amount.sum() * rng.uniform(0.85, 0.98)
    scheme.pay(
        time[-1] + np.cumsum(scheme.wait(count)), funnel, scheme.collector(count), part, place=scheme.place(count)
    )


def _fan_out(scheme: _Scheme) -> None:
    """One large sum comes in and is spread over several accounts, which send it on or draw it in cash."""
    rng, people = scheme.rng, scheme.people
    hub, *mules = scheme.accounts(int(rng.integers(4, 9)))
    amount = scheme.sums(7000, 1)
    scheme.pay([scheme.start], people.elsewhere("firm", rng, 1), hub, amount, place=scheme.place(1))
    share = rng.dirichlet(np.full(len(mules), 3.0)) * amount[0] * rng.uniform(0.9, 0.98)
    time = scheme.start + np.cumsum(scheme.wait(len(mules), 6.0))
    scheme.pay(time, hub, np.array(mules), share)
    in_cash = rng.random(len(mules)) < 0.3
    target = np.where(in_cash, people.outside["cash"][0], scheme.collector(len(mules)))
    channel = np.where(in_cash, CASH, np.where(rng.random(len(mules)) < 0.45, INSTANT, TRANSFER))
    place = np.where(in_cash, HOME, scheme.place(len(mules)))
    scheme.pay(
        time + scheme.wait(len(mules)),
        np.array(mules),
        target,
        share * rng.uniform(0.88, 0.97, len(mules)),
        channel,
        place,
    )


def _cycle(scheme: _Scheme) -> None:
    """Money goes round through three to six accounts and comes back a little less; once or twice."""
    rng = scheme.rng
    ring = scheme.accounts(int(rng.integers(3, 7)))
    if len(ring) < 3:
        scheme.used.clear()
        return
    amount, time = float(scheme.sums(2200, 1)[0]), scheme.start
    scheme.pay([time], scheme.collector(1), ring[0], [amount])
    for step in range(len(ring) * int(rng.integers(1, 3))):
        time += float(scheme.wait())
        amount *= rng.uniform(0.9, 1.0)
        scheme.pay([time], ring[step % len(ring)], ring[(step + 1) % len(ring)], [amount])
    scheme.pay([time + float(scheme.wait())], ring[0], scheme.collector(1), [amount * 0.95], place=scheme.place(1))


def _mule(scheme: _Scheme) -> None:
    """Proceeds of fraud reach a recruited account, and most goes on within hours or days; the mule keeps a share."""
    rng, people = scheme.rng, scheme.people
    for account in scheme.accounts(int(rng.integers(1, 4))):
        number = int(rng.integers(1, 4))
        time = scheme.start + np.sort(rng.uniform(0, 240, number))
        amount = scheme.sums(1300, number)
        scheme.pay(time, people.elsewhere("person", rng, number), account, amount)
        in_cash = rng.random(number) < 0.25
        target = np.where(in_cash, people.outside["cash"][0], scheme.collector(number))
        channel = np.where(in_cash, CASH, np.where(rng.random(number) < 0.5, INSTANT, TRANSFER))
        place = np.where(in_cash, HOME, scheme.place(number))
        scheme.pay(
            time + scheme.wait(number), account, target, amount * rng.uniform(0.86, 0.96, number), channel, place
        )


def _pass_through(scheme: _Scheme) -> None:
    """A chain of accounts, firms first: in, split over two to four, gathered on the next, and out."""
    rng, people = scheme.rng, scheme.people
    first, *middle, last = scheme.accounts(int(rng.integers(4, 7)))
    if not middle:
        scheme.used.clear()
        return
    number = int(rng.integers(1, 4))
    time = scheme.start + np.sort(rng.uniform(0, 120, number))
    for when, amount in zip(time, scheme.sums(5000, number), strict=True):
        scheme.pay([when], people.elsewhere("firm", rng, 1), first, [amount], place=scheme.place(1))
        share = rng.dirichlet(np.full(len(middle), 5.0)) * amount * rng.uniform(0.93, 0.99)
        split = when + np.cumsum(scheme.wait(len(middle), 5.0))
        scheme.pay(split, first, np.array(middle), share)
        gathered = split + scheme.wait(len(middle))
        scheme.pay(gathered, np.array(middle), last, share * rng.uniform(0.95, 1, len(middle)))
        out = gathered.max() + float(scheme.wait())
        scheme.pay([out], last, scheme.collector(1), [share.sum() * rng.uniform(0.9, 0.97)], place=scheme.place(1))
