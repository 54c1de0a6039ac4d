"""What comes in by a form, in the exchange's terms. Every mistake names its field, by its label in English."""

from __future__ import annotations

import datetime
import math
from typing import Any

from extensions.home.language import N_
from extensions.home.told import Text, Told


def mistake(template: str, field: str, **values: Any) -> Told:
    return Told("form", template, N_("Correct it, and send the form again."), field=Text(field), **values)


def _no_date(field: str) -> Told:
    return mistake(N_("%(field)s must be a date with a time, like 2026-11-15T22:59."), field)


def utc(said: str, field: str) -> str | None:
    """A date and time of a form, which is in UTC (static/dates.js); None where it is empty. Raises Told."""
    if not said.strip():
        return None
    try:
        at = datetime.datetime.fromisoformat(said.strip())
        if at.tzinfo is None:
            at = at.replace(tzinfo=datetime.UTC)
        return at.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    except (ValueError, OverflowError):
        raise _no_date(field) from None


def for_input(at: str | None) -> str:
    """A time of the exchange's as a form has it, to the minute."""
    return at[:16] if at else ""


def whole(said: str, field: str, least: int, most: int) -> int | None:
    """A whole number; None where it is empty. Raises Told."""
    if not said.strip():
        return None
    if not (said.strip().isascii() and said.strip().isdigit() and least <= int(said.strip()[:9]) <= most):
        wanted = N_("%(field)s must be a whole number from %(least)s to %(most)s.")
        raise mistake(wanted, field, least=least, most=most)
    return int(said)


def number(said: str, field: str, least: int, most: int) -> float | None:
    """A number, with a point or a comma; None where it is empty. Raises Told."""
    if not said.strip():
        return None
    try:
        value = float(said.strip().replace(",", "."))
    except ValueError:
        value = math.nan
    if not least <= value <= most:
        raise mistake(N_("%(field)s must be a number from %(least)s to %(most)s."), field, least=least, most=most)
    return value
