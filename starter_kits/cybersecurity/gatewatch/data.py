"""The data: attacks that were published, put into requests to the shop, and the shop's benign traffic, by time."""

from __future__ import annotations

import json
import random
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from gatewatch import traffic

FOLDER = Path(__file__).resolve().parent.parent / "data"
TRAIN_UNTIL, VALIDATE_UNTIL = "2022-01-01", "2023-01-01"
"""Attacks first published before the one are trained on, before the other validated on; the rest is the test."""
PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class Part:
    """Requests of one stretch of time, benign ones first."""

    text: list[str]
    attack: np.ndarray
    """Truth for each request: shape (n,), bool."""
    family: np.ndarray
    """An attack's family, or "benign": shape (n,)."""

    def __len__(self) -> int:
        return len(self.text)


def attacks() -> pd.DataFrame:
    """Attacks with columns date, family, source, payload, part; near-doubles only where they came first.

    Two payloads are near-doubles when they differ in digits, case and white space only: such a pair on both sides of
    a split would make the test easier than the future is.
    """
    table = pd.read_csv(FOLDER / "attacks.csv", keep_default_na=False).sort_values("date", kind="stable")
    table = table[~_form(table["payload"]).duplicated()].reset_index(drop=True)
    table["part"] = np.select([table["date"] < TRAIN_UNTIL, table["date"] < VALIDATE_UNTIL], PARTS[:2], PARTS[2])
    return table


def elsewhere() -> pd.DataFrame:
    """Attacks of a project that :func:`attacks` has nothing of, with columns date, family, source, payload.

    Near-doubles, of each other and of those attacks, are left out.
    """
    table = pd.read_csv(FOLDER / "elsewhere.csv", keep_default_na=False)
    form = _form(table["payload"])
    return table[~form.duplicated() & ~form.isin(_form(attacks()["payload"]))].reset_index(drop=True)


def _form(payloads: pd.Series) -> pd.Series:
    """What near-doubles have in common."""
    return payloads.map(lambda text: re.sub(r"\s+", " ", re.sub(r"\d+", "0", text.lower())))


def odd_benign() -> pd.DataFrame:
    """Harmless texts that set off a rule somewhere, with columns date, family, source, payload, part.

    Most were published on one day; so they are dealt out by turns, not by date. Every third is taken,
    which leaves such texts rare, as they are.
    """
    table = pd.read_csv(FOLDER / "odd_benign.csv", keep_default_na=False)
    table = table.iloc[::3].reset_index(drop=True)
    table["part"] = np.resize(PARTS, len(table))
    return table


def hide(payload: str, rng: random.Random) -> str:
    """A request to the shop that carries the payload in one of the fields an outsider can fill.

    All else in the request is as in benign ones, so that the payload is all there is to find.
    """
    start = rng.choice([str(rng.randint(1, 9999)), rng.choice(traffic.PRODUCTS)])
    value = payload if rng.random() < 0.75 else start + payload
    if rng.random() < 0.5:
        target, make, plain = rng.choice(traffic.MIXED)
        return f"{target}|{traffic.form(rng, {**make(rng), rng.choice(plain): value})}"
    place = rng.random()
    if place < 0.35:
        return traffic.search(rng, value)
    if place < 0.45:
        target = f"/c/{rng.choice(traffic.CATEGORIES)}"
        return f"GET {target}?{traffic.form(rng, {**traffic.listing(rng), 'sort': value})}"
    if place < 0.55:
        return f"GET /api/v1/products?{traffic.form(rng, {**traffic.products(rng), 'ids': value})}"
    if place < 0.65:
        return f"GET /api/v1/orders?{traffic.form(rng, {**traffic.orders(rng), 'lang': value})}"
    if place < 0.75:
        return f"POST /login|{traffic.form(rng, {**traffic.login(rng), 'next': value})}"
    if place < 0.88:
        return f"POST /reviews|{traffic.form(rng, {**traffic.review(rng), 'comment': value})}"
    if place < 0.95:
        return f"POST /checkout|{traffic.form(rng, {**traffic.address(rng), 'name': value})}"
    return f"POST /api/v1/cart|{json.dumps({**traffic.line(rng), 'note': value})}"


def part(name: str, benign: int, seed: int = 1, release: int = 1, most_attacks: int | None = None) -> Part:
    """One part of the data: ``benign`` requests of its weeks, and its attacks (at most so many, drawn evenly)."""
    offset = 1000 * (PARTS.index(name) + 1)
    rng = traffic.dice(seed + offset)
    table = attacks()
    table = table[table["part"] == name]
    if most_attacks is not None and len(table) > most_attacks:
        table = table.sample(most_attacks, random_state=seed)
    odd = odd_benign()
    harmless = [traffic.search(rng, text) for text in odd.loc[odd["part"] == name, "payload"]]
    plain = traffic.requests(benign - len(harmless), seed + offset, release)
    bad = [hide(payload, rng) for payload in table["payload"]]
    return Part(
        [*plain, *harmless, *bad],
        np.array([False] * benign + [True] * len(bad)),
        np.array(["benign"] * benign + list(table["family"])),
    )


def misplaced(count: int, seed: int = 1) -> list[str]:
    """Requests with code where no code belongs: what the forum and the editors send, put into other fields.

    More positives to train on, made from benign traffic alone. They teach that a field and its content must fit, which
    holds for kinds of attack that nobody has published yet.
    """
    rng = traffic.dice(seed + 500)
    return [hide(rng.choice([traffic.code, traffic.code, traffic.sql, traffic.markup])(rng), rng) for _ in range(count)]
