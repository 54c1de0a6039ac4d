"""When, and how often, an assignment may be submitted: pure functions of policy, extension and times."""

from __future__ import annotations

import datetime
import math
from dataclasses import dataclass

from extensions.exchange.refusals import NotNow
from extensions.exchange.service.bodies import Extension, Policy

MOST_ATTEMPTS = 500
"""Where the policy allows any number: what everybody looks through has an end."""


@dataclass(frozen=True)
class Terms:
    """What holds for one person; None where there is no bound."""

    opens: datetime.datetime | None
    due: datetime.datetime | None
    closes: datetime.datetime | None
    attempts: int | None
    minutes: int | None = None
    """For timed work: how long they have, from their first fetch."""

    def is_open(self, now: datetime.datetime) -> bool:
        return self.opens is None or self.opens <= now

    def late_seconds(self, now: datetime.datetime) -> int:
        """Seconds after the due date, begun ones whole; 0 before it."""
        return max(0, math.ceil((now - self.due).total_seconds())) if self.due else 0


def terms(policy: Policy, extension: Extension | None, fetched: datetime.datetime | None) -> Terms:
    """The policy with a person's extension; days of grace count from the person's own due date.

    Timed work is due so many minutes after it was first fetched, or when it is due for all, whichever comes first.
    """
    due, attempts, minutes = policy.due, policy.attempts, policy.minutes
    if extension:
        due = extension.due or due
        attempts = extension.attempts if extension.attempts is not None else attempts
        minutes = extension.minutes or minutes
    if minutes and fetched:
        over = fetched + datetime.timedelta(minutes=minutes)
        due = min(due, over) if due else over
    days = policy.late_policy.accept_days
    closes = due + datetime.timedelta(days=days) if due and days is not None else None
    return Terms(policy.opens, due, closes, attempts, minutes)


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
    most = MOST_ATTEMPTS if found.attempts is None else found.attempts
    if used >= most:
        return NotNow(
            "no-attempts",
            f"All {most} attempts at this assignment are used.",
            "Your last submission counts. Ask your instructor if you need another.",
        )
    return None
