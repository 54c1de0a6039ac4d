"""When a session is idle, and when it ends for that: one decision, for the announcement and for the end itself.

What counts as use is measured in the session (extensions.clock.use) and stands in docs/decisions/0010.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

_HUB_SINCE = time.monotonic()
_OFTEN, _SELDOM = 5.0, 60.0  # seconds between two reports of a session, at least and at most
_LATE = 30.0  # seconds by which a report may be late on a busy machine


@dataclass(frozen=True)
class IdleLimits:
    """The site's limits. Times in seconds; None for never."""

    session: float | None = None
    gpu: float | None = None
    gpu_busy_percent: int = 5
    notice: float = 300.0
    keeps: int = 0
    """How often in a row a person may keep an idle session."""


@dataclass(frozen=True)
class Figures:
    """What a session said of itself. Durations, so that a node's clock does not count.

    ``idle`` is the time since anything in it was used, ``gpu_idle`` since it did work of which a GPU may be part, None
    where it has no GPU, or where nothing says how busy that is. ``at`` is when they came, by the hub's monotonic clock.
    """

    at: float
    idle: float
    gpu_idle: float | None = None


@dataclass(frozen=True)
class Verdict:
    """How long a session has been idle, and in how many seconds it ends for that.

    ``because`` is ``gpu`` or ``session``, the clock that decides, or ``silent`` for a session that reports nothing.
    """

    because: str
    idle: float
    ends_in: float


def decide(limits: IdleLimits, figures: Figures, now: float) -> Verdict | None:
    """The limit that these figures reach first; None where the site has none for them."""
    age = now - figures.at
    clocks = (("gpu", figures.gpu_idle, limits.gpu), ("session", figures.idle, limits.session))
    found = [
        Verdict(because, idle + age, limit - idle - age)
        for because, idle, limit in clocks
        if idle is not None and limit is not None
    ]
    return min(found, key=lambda verdict: verdict.ends_in, default=None)


class IdleClock:
    """One session's idleness. Nothing ends that was not announced, or of which too little is known."""

    def __init__(self, limits: IdleLimits) -> None:
        self.limits = limits
        self._figures: Figures | None = None
        self._announced: float | None = None
        self._next = _SELDOM

    def told(self, figures: Figures) -> float:
        """The session reports; returns after how many seconds it should again: often, once it may end soon."""
        self._figures = figures
        verdict = decide(self.limits, figures, figures.at)
        until_notice = verdict.ends_in - self.limits.notice if verdict else _SELDOM
        if until_notice > 0:
            self._announced = None
        elif self._announced is None:
            self._announced = figures.at
        self._next = min(max(until_notice, _OFTEN), _SELDOM)
        return self._next

    def announced(self, now: float) -> Verdict | None:
        """What the session's page is to say; None while there is nothing to say, or nobody knows."""
        if self._figures is None or self._announced is None or now - self._figures.at > 2 * self._next + _LATE:
            return None
        verdict = decide(self.limits, self._figures, now)
        assert verdict
        # Where the site's limits became shorter, or the hub was away: the notice is given in full all the same.
        least = self.limits.notice - (now - self._announced)
        return Verdict(verdict.because, verdict.idle, max(verdict.ends_in, least))

    def over(self, inactive: float, now: float) -> Verdict | None:
        """Why the session may be ended now, None where it may not.

        ``inactive`` is the time since JupyterHub saw any activity of it. It counts for a session that does not report,
        and only as far as this hub was there to be reported to.
        """
        if self._figures is None or now - self._figures.at > 2 * self._next + _LATE:
            silent = min(inactive, now - _HUB_SINCE)
            limit = self.limits.session
            return Verdict("silent", silent, 0.0) if limit is not None and silent >= limit else None
        verdict = self.announced(now)
        return verdict if verdict and verdict.ends_in <= 0 else None
