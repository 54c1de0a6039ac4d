"""What lawful customers do: everyday payments first, then the habits that look like laundering and are not."""

import numpy as np
import pandas as pd

from aml.book import (
    CARD,
    CASH,
    DEBIT,
    HOME,
    HOURS,
    INSTANT,
    LISTED,
    NEIGHBOUR,
    OTHER_EU,
    OUTSIDE,
    START,
    TRANSFER,
    Book,
)
from aml.customers import COMPANY, EMPLOYEE, LANDLORD, PENSIONER, SELF_EMPLOYED, SELLER, SHOP, STUDENT, People

PERSONS = (EMPLOYEE, PENSIONER, STUDENT, SELF_EMPLOYED, LANDLORD, SELLER)
BUSY = 1.45  # the busiest day against an ordinary one


def season(hour: np.ndarray) -> np.ndarray:
    """How much people spend at that hour of the book, relative to an ordinary day: August quiet, December busy."""
    day = hour / 24 % 365
    return 1 - 0.15 * np.exp(-(((day - 45) / 14) ** 2)) + (BUSY - 1) * np.exp(-(((day - 172) / 14) ** 2))


def clock(rng: np.random.Generator, size) -> np.ndarray:
    """Hours of the day at which people pay: mostly by day and in the evening, seldom at night."""
    return np.clip(rng.normal(14.5, 4.2, size), 0, 23.9)


def spread(rate: np.ndarray, hours: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draws events at ``rate`` (n,) a week, more in season: who (index into rate) and when (hours)."""
    who = np.repeat(np.arange(len(rate)), rng.poisson(rate * hours / HOURS * BUSY))
    day = rng.integers(0, int(hours // 24), len(who)) * 24.0
    keep = rng.random(len(who)) * BUSY < season(day)
    return who[keep], day[keep] + clock(rng, keep.sum())


def months(hours: float) -> list[tuple[float, int]]:
    """(hours since the start, month of the year) of the firsts of months in the book."""
    firsts = pd.date_range(START.replace(day=1), START + pd.Timedelta(hours=hours), freq="MS")
    return [((first - START).total_seconds() / 3600, first.month) for first in firsts]


def write(book: Book, people: People, rng: np.random.Generator) -> None:
    """Writes the lawful transactions of all customers."""
    for part in (_income, _homes, _spending, _friends, _firms, _sellers, _abroad, _large, _clubs, _savings):
        part(book, people, rng)


def _mixed(inside: np.ndarray, outside: str, share: float, people: People, rng, size) -> np.ndarray:
    """Accounts drawn from ``inside`` (customers, the first of them most) with that share, else from those elsewhere."""
    own = inside[(len(inside) * rng.random(size) ** 2).astype(int)]
    return np.where(rng.random(size) < share, own, people.elsewhere(outside, rng, size))


def _income(book: Book, people: People, rng) -> None:
    """Wages, pensions and allowances: once a month; a 13th wage in December. Payroll is the fan-out of honest firms."""
    paid = people.of(EMPLOYEE, PENSIONER, STUDENT)
    kind = people.segment[paid]
    payer = _mixed(people.of(COMPANY), "employer", 0.4, people, rng, len(paid))
    payer = np.where(kind == PENSIONER, people.elsewhere("fund", rng, len(paid)), payer)
    payer = np.where(kind == STUDENT, people.elsewhere("person", rng, len(paid)), payer)
    payday = payer % 4 * 24 + 24 * 24 + 6.0  # 25th to 28th, by payer
    for first, month in months(book.hours):
        bonus = np.where((month == 12) & (kind == EMPLOYEE), rng.uniform(1.4, 2, len(paid)), 1.0)
        amount = people.income[paid] * bonus * rng.normal(1, 0.02, len(paid))
        book.add(first + payday + rng.random(len(paid)), payer, paid, amount, TRANSFER)


def _homes(book: Book, people: People, rng) -> None:
    """Rent to landlords in the first days of a month, and what is debited each month."""
    tenants = people.of(EMPLOYEE, PENSIONER, STUDENT, SELF_EMPLOYED, SELLER)
    tenants = tenants[rng.random(len(tenants)) < 0.45]
    landlord = _mixed(people.of(LANDLORD), "landlord", 0.4, people, rng, len(tenants))
    rent = np.clip(0.36 * people.income[tenants], 420, 2600)
    everyone = np.arange(len(people)).repeat(3)
    utility = people.elsewhere("utility", rng, len(everyone))
    bill = rng.lognormal(np.log(60), 0.6, len(everyone))
    for first, _ in months(book.hours):
        book.add(first + rng.uniform(0, 110, len(tenants)), tenants, landlord, rent, TRANSFER)
        time = first + 24 * (everyone % 20) + rng.uniform(0, 12, len(everyone))
        book.add(time, everyone, utility, bill * rng.normal(1, 0.1, len(bill)), DEBIT)


def _spending(book: Book, people: People, rng) -> None:
    """Cards at merchants (some are the bank's shops), cash from machines, and cash that shops and others pay in."""
    rate = np.array([2.4, 1.6, 2.6, 2.2, 2.0, 2.2, 0.8, 1.2])[people.segment]
    who, when = spread(rate, book.hours, rng)
    where = _mixed(people.of(SHOP), "merchant", 0.25, people, rng, len(who))
    book.add(when, who, where, rng.lognormal(np.log(28), 0.9, len(who)), CARD)
    cash = people.outside["cash"][0]
    who, when = spread(np.where(np.isin(people.segment, PERSONS), 0.25, 0.05), book.hours, rng)
    book.add(when, who, cash, 20 * np.ceil(rng.lognormal(np.log(4), 0.8, len(who))), CASH)
    shops = people.of(SHOP)
    who, when = spread(rng.uniform(0.6, 2.5, len(shops)), book.hours, rng)
    size = rng.lognormal(np.log(1900), 0.6, len(shops))  # takings: a restaurant's weekend can be just below 10,000
    book.add(when, cash, shops[who], size[who] * season(when) * rng.lognormal(0, 0.35, len(who)), CASH)
    persons = people.of(*PERSONS)  # tips, gifts, a car sold, cash jobs
    who, when = spread(np.where(people.segment[persons] == SELF_EMPLOYED, 0.2, 0.02), book.hours, rng)
    book.add(when, cash, persons[who], 10 * np.ceil(rng.lognormal(np.log(45), 1.1, len(who))), CASH)


def _friends(book: Book, people: People, rng) -> None:
    """Friends and families: meals shared, money lent and given back, couples to and fro."""
    persons = people.of(*PERSONS)
    who, when = spread(rng.gamma(1.2, 0.45, len(persons)), book.hours, rng)
    sender = persons[who]
    inside = people.friends[sender, rng.integers(0, 6, len(who))]
    other = np.where(rng.random(len(who)) < 0.55, inside, people.elsewhere("person", rng, len(who)))
    lent = rng.random(len(who)) < 0.06
    amount = np.where(
        lent, 50 * np.ceil(rng.lognormal(np.log(14), 0.8, len(who))), rng.lognormal(np.log(28), 0.8, len(who))
    )
    turned = rng.random(len(who)) < 0.4
    way = np.where(turned, other, sender), np.where(turned, sender, other)
    book.add(when, *way, amount, np.where(rng.random(len(who)) < 0.4, INSTANT, TRANSFER))
    back = lent & (rng.random(len(who)) < 0.6)
    book.add(when[back] + rng.exponential(300, back.sum()), way[1][back], way[0][back], amount[back], TRANSFER)


def _firms(book: Book, people: People, rng) -> None:
    """Invoices between firms (in circles too), card takings of shops, fees of the self-employed."""
    firms = people.of(COMPANY)
    size = rng.pareto(1.6, len(firms)) + 0.5
    who, when = spread(np.clip(2.5 * size, 0.5, 18), book.hours, rng)
    other = _mixed(firms, "firm", 0.4, people, rng, len(who))
    amount = rng.lognormal(np.log(1400), 1.1, len(who)) * np.sqrt(size[who])
    book.add(when, firms[who], other, amount, TRANSFER, _place(rng, len(who), 0.12))
    who, when = spread(np.clip(3.2 * size, 0.8, 20), book.hours, rng)
    amount = rng.lognormal(np.log(1900), 1.1, len(who)) * np.sqrt(size[who])
    book.add(when, people.elsewhere("firm", rng, len(who)), firms[who], amount, TRANSFER, _place(rng, len(who), 0.12))
    shops = people.of(SHOP)
    who, when = spread(np.full(len(shops), 1.0), book.hours, rng)
    takings = rng.lognormal(np.log(2600), 0.5, len(shops))[who] * season(when)
    book.add(when, people.elsewhere("utility", rng, len(who)), shops[who], takings, TRANSFER)
    who, when = spread(np.full(len(shops), 1.6), book.hours, rng)
    supplier = _mixed(firms, "firm", 0.4, people, rng, len(who))
    book.add(
        when, shops[who], supplier, rng.lognormal(np.log(1300), 0.7, len(who)), TRANSFER, _place(rng, len(who), 0.1)
    )
    selves = people.of(SELF_EMPLOYED)
    who, when = spread(rng.gamma(2, 0.35, len(selves)), book.hours, rng)
    client = _mixed(people.of(COMPANY, SHOP), "person", 0.3, people, rng, len(who))
    book.add(when, client, selves[who], rng.lognormal(np.log(650), 0.9, len(who)), TRANSFER)
    who, when = spread(np.full(len(selves), 0.25), book.hours, rng)
    book.add(
        when, selves[who], people.elsewhere("firm", rng, len(who)), rng.lognormal(np.log(500), 1, len(who)), TRANSFER
    )


def _place(rng, size, abroad: float) -> np.ndarray:
    """Countries of accounts elsewhere: the share ``abroad`` is beyond the EU, of it a fifth in listed countries."""
    shares = [1 - 3 * abroad, abroad, abroad, 0.8 * abroad, 0.2 * abroad]
    return rng.choice([HOME, NEIGHBOUR, OTHER_EU, OUTSIDE, LISTED], size=size, p=shares)


def _sellers(book: Book, people: People, rng) -> None:
    """Marketplaces: many strangers pay in, and most goes out to suppliers within days. Fan-in and pass-through."""
    sellers = people.of(SELLER)
    rate = rng.gamma(2, 4, len(sellers))
    who, when = spread(rate, book.hours, rng)
    buyer = _mixed(people.of(*PERSONS), "person", 0.25, people, rng, len(who))
    price = rng.lognormal(np.log(38), 0.5, len(sellers))[who] * rng.lognormal(0, 0.6, len(who))
    book.add(when, buyer, sellers[who], price, np.where(rng.random(len(who)) < 0.3, INSTANT, TRANSFER))
    who, when = spread(np.full(len(sellers), 0.8), book.hours, rng)
    order = rate[who] * 38 * rng.lognormal(0, 0.4, len(who))
    book.add(when, sellers[who], people.elsewhere("firm", rng, len(who)), order, TRANSFER, _place(rng, len(who), 0.3))


def _abroad(book: Book, people: People, rng) -> None:
    """Money home to families abroad, month after month; and small sums to crypto exchanges."""
    persons = people.of(*PERSONS)
    home = np.array([0.01, 0.04, 0.25, 0.6])[people.ties[persons]]
    persons = persons[rng.random(len(persons)) < home]
    place = np.array([OUTSIDE, NEIGHBOUR, OTHER_EU, OUTSIDE])[people.ties[persons]]
    place = np.where((place == OUTSIDE) & (rng.random(len(persons)) < 0.3), LISTED, place)
    family = people.elsewhere("foreign", rng, len(persons))
    usual = np.clip(people.income[persons] * rng.uniform(0.04, 0.3, len(persons)), 40, 900)
    for first, _ in months(book.hours):
        sends = rng.random(len(persons)) < 0.85
        amount = 10 * np.round(usual * rng.lognormal(0, 0.25, len(persons)) / 10)
        time = first + rng.uniform(24, 24 * 28, len(persons))
        book.add(time[sends], persons[sends], family[sends], amount[sends], TRANSFER, place[sends])
    buyers = people.of(*PERSONS)
    buyers = buyers[rng.random(len(buyers)) < np.where(people.segment[buyers] == STUDENT, 0.12, 0.06)]
    who, when = spread(np.full(len(buyers), 0.5), book.hours, rng)
    amount = 10 * np.ceil(rng.lognormal(np.log(12), 0.9, len(who)))
    book.add(when, buyers[who], people.elsewhere("exchange", rng, len(who)), amount, INSTANT, OTHER_EU)
    sold = rng.random(len(who)) < 0.15
    time = when[sold] + rng.exponential(200, sold.sum())
    gain = amount[sold] * rng.lognormal(0.3, 0.6, sold.sum())
    book.add(time, people.elsewhere("exchange", rng, sold.sum()), buyers[who][sold], gain, TRANSFER, OTHER_EU)


def _large(book: Book, people: People, rng) -> None:
    """A loan, an inheritance, a car: a large sum comes and goes again within days. Rapid pass-through, and lawful."""
    persons = people.of(*PERSONS)
    who, when = spread(np.full(len(persons), 0.006), book.hours, rng)
    person, amount = persons[who], 100 * np.ceil(rng.lognormal(np.log(45), 1.0, len(who)))
    giver = np.where(rng.random(len(who)) < 0.3, people.friends[person, 0], people.elsewhere("person", rng, len(who)))
    cash = rng.random(len(who)) < 0.12
    giver = np.where(cash, people.outside["cash"][0], giver)
    amount = np.where(cash, np.minimum(amount, 9500), amount)
    book.add(
        when, giver, person, amount, np.where(cash, CASH, TRANSFER), np.where(cash, HOME, _place(rng, len(who), 0.06))
    )
    delay = rng.exponential(50, len(who)) + 1
    taker = _mixed(people.of(COMPANY), "person", 0.3, people, rng, len(who))
    channel = np.where(rng.random(len(who)) < 0.3, INSTANT, TRANSFER)
    book.add(
        when + delay, person, taker, amount * rng.uniform(0.85, 1.0, len(who)), channel, _place(rng, len(who), 0.06)
    )


def _clubs(book: Book, people: People, rng) -> None:
    """Collections for a gift or a trip, treasurers of clubs, savings circles: many pay one, who pays on soon after."""
    persons = people.of(*PERSONS)
    rate = np.where(people.segment[persons] == STUDENT, 0.012, 0.006)
    who, when = spread(rate, book.hours, rng)
    _collect(book, people, rng, persons[who], when, rng.lognormal(np.log(22), 0.7, len(who)), wait=60, days=5)
    circles = persons[
        (people.ties[persons] >= 2) & (rng.random(len(persons)) < 0.05)
    ]  # savings circles: a pot each month
    for first, _ in months(book.hours):
        time = first + rng.uniform(48, 300, len(circles))
        _collect(book, people, rng, circles, time, 50 * np.ceil(rng.uniform(1, 6, len(circles))), wait=30, days=3)


def _collect(book: Book, people: People, rng, host, when, share, wait: float, days: float) -> None:
    """To ``host`` (n,) 5 to 15 others pay ``share`` within ``days``; the sum goes on after about ``wait`` hours."""
    number = rng.integers(5, 16, len(host))
    of = np.repeat(np.arange(len(host)), number)
    payer = people.friends[people.friends[host[of], rng.integers(0, 6, len(of))], rng.integers(0, 6, len(of))]
    payer = np.where(rng.random(len(of)) < 0.6, payer, people.elsewhere("person", rng, len(of)))
    paid = share[of] * np.where(rng.random(len(of)) < 0.8, 1.0, rng.uniform(0.5, 2, len(of)))
    book.add(when[of] + rng.uniform(0, 24 * days, len(of)), payer, host[of], paid, np.where(of % 2, INSTANT, TRANSFER))
    total = np.bincount(of, paid, len(host))
    taker = np.where(rng.random(len(host)) < 0.5, people.friends[host, 1], people.elsewhere("firm", rng, len(host)))
    time = when + 24 * days + rng.exponential(wait, len(host))
    place = np.where((people.ties[host] == 3) & (rng.random(len(host)) < 0.3), OUTSIDE, HOME)
    book.add(time, host, taker, total * rng.uniform(0.8, 1, len(host)), TRANSFER, place)


def _savings(book: Book, people: People, rng) -> None:
    """Savings to an account of one's own elsewhere, and now and then back."""
    persons = people.of(*PERSONS)
    persons = persons[rng.random(len(persons)) < 0.3]
    first, count = people.outside["person"]
    own = first + rng.permutation(count)[: len(persons)]
    who, when = spread(np.full(len(persons), 0.3), book.hours, rng)
    amount = 50 * np.ceil(people.income[persons[who]] * rng.uniform(0.02, 0.4, len(who)) / 50)
    back = rng.random(len(who)) < 0.25
    way = np.where(back, own[who], persons[who]), np.where(back, persons[who], own[who])
    book.add(when, *way, amount, TRANSFER)
