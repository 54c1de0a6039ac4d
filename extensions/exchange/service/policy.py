"""When, and how often, an assignment may be submitted: pure functions of its policy, an extension and a time."""

from __future__ import annotations

import datetime
import math
from dataclasses import dataclass

from extensions.exchange.refusals import NotNow
from extensions.exchange.service.bodies import Extension, Policy


@dataclass(frozen=True)
class Terms:
    """What holds for one person; None where there is no bound."""

    opens: datetime.datetime | None
    due: datetime.datetime | None
    closes: datetime.datetime | None
    attempts: int | None

    def is_open(self, now: datetime.datetime) -> bool:
        return self.opens is None or self.opens <= now

    def late_seconds(self, now: datetime.datetime) -> int:
        """Seconds after the due date, begun ones whole; 0 before it."""
        return max(0, math.ceil((now - self.due).total_seconds())) if self.due else 0


def terms(policy: Policy, extension: Extension | None) -> Terms:
    """The policy with a person's extension; days of grace count from the person's own due date."""
    due, attempts = policy.due, policy.attempts
    if extension:
        due = extension.due or due
        attempts = extension.attempts if extension.attempts is not None else attempts
    days = policy.late_policy.accept_days
    closes = due + datetime.timedelta(days=days) if due and days is not None else None
    return Terms(policy.opens, due, closes, attempts)


def _date(at: datetime.datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M UTC")


def refusal(found: Terms, released: bool, used: int, now: datetime.datetime) -> NotNow | None:
    """Why this person may not submit now, None when they may."""
    if not released:
        return NotNow("not-released", "This assignment is not released.", "Ask your instructor when it will be.")
    if found.opens and not found.is_open(now):
        return NotNow("not-open", f"This assignment opens on {_date(found.opens)}.", "Come back then.")
    if found.closes and now > found.closes:
        return NotNow(
            "closed",
            f"Submissions were taken until {_date(found.closes)}.",
            "Ask your instructor for an extension; your files are still yours.",
        )
    if found.attempts is not None and used >= found.attempts:
        return NotNow(
            "no-attempts",
            f"All {found.attempts} attempts at this assignment are used.",
            "Your last submission counts. Ask your instructor if you need another.",
        )
    return None
