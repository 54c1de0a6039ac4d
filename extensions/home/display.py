"""How numbers, times and stretches of time are written for people, in their language."""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable
from typing import Any

from babel.dates import format_date
from babel.numbers import format_decimal, format_percent
from markupsafe import Markup

from extensions.home.language import Language


def moment(at: str) -> datetime.datetime:
    """A time as the exchange writes it."""
    return datetime.datetime.fromisoformat(at)


class Display:
    """The filters of the templates, in one language."""

    def __init__(self, language: Language) -> None:
        self._locale = language.locale

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"when": self.when, "number": self.number, "share": self.share, "span": span, "epoch": self.epoch}

    def when(self, at: str | datetime.datetime) -> Markup:
        """A time in UTC; a script turns it into the browser's own zone (static/times.js)."""
        time = (moment(at) if isinstance(at, str) else at).astimezone(datetime.UTC)
        text = f"{format_date(time, 'medium', locale=self._locale)}, {time:%H:%M}"
        return Markup('<time datetime="{}">{} UTC</time>').format(time.isoformat(timespec="seconds"), text)

    def epoch(self, seconds: float) -> Markup:
        """The same for seconds since the epoch."""
        return self.when(datetime.datetime.fromtimestamp(seconds, datetime.UTC))

    def number(self, value: float) -> str:
        return format_decimal(round(value, 2), locale=self._locale)

    def share(self, value: float) -> str:
        """A share from 0 to 1, in per cent."""
        return format_percent(math.floor(value * 100) / 100, locale=self._locale)


def span(seconds: float) -> str:
    """A stretch of time, to the minute: ``2 h 10 min``; the same in every language that we have."""
    minutes = max(1, int(seconds // 60))
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    parts = [f"{days} d"] if days else []
    parts += [f"{hours} h"] if hours else []
    parts += [f"{minutes} min"] if minutes and not days else []
    return " ".join(parts)
