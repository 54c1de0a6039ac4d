"""When a session is idle, and when it ends for that: one decision, for the announcement and for the end itself.

What counts as use is measured in the session (extensions.clock.use) and stands in docs/decisions/0011.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from campus_base.shared import Shared

_HUB_SINCE = time.monotonic()
_OFTEN, _SELDOM = 5.0, 60.0  # seconds between two reports of a session, at least and at most
_LATE = 30.0  # seconds by which a report may be late on a busy machine
_ASKED_SECONDS = 60.0  # how soon after it asked the culler stops a session


@dataclass(frozen=True)
class IdleLimits(Shared):
    """The site's limits. Times in seconds; None for never."""

    session: float | None = None
    gpu: float | None = None
    gpu_busy_percent: int = 5
    notice: float = 300.0
    keeps: int = 0
    """How often in a row a person may keep an idle session."""


@dataclass(frozen=True)
class Figures:
    """What a session said of itself. Durations in seconds, so that a node's clock does not count.

    ``idle`` is the time since anything in it was used, ``gpu_idle`` since it did work of which a GPU may be part, None
    where it has no GPU, or where nothing says how busy that is. ``at`` is when they came, by the hub's monotonic clock.
    """

    at: float
    idle: float
    gpu_idle: float | None = None


@dataclass(frozen=True)
class Verdict:
    """For how many seconds a session has been idle, and in how many it ends for that.

    ``because`` is ``gpu`` or ``session``, the limit that is reached first, or ``silent`` for one that reports nothing.
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
    """One session's idleness. None ends that was not announced first, or of which too little is known."""

    def __init__(self, limits: IdleLimits) -> None:
        self.limits = limits
        self._figures: Figures | None = None
        self._noticed: float | None = None
        self._again = _SELDOM
        self._granted: tuple[float, Verdict] | None = None

    def told(self, figures: Figures) -> float:
        """The session reports; returns after how many seconds it should again: often, once its end is near."""
        self._figures = figures
        verdict = decide(self.limits, figures, figures.at)
        until_notice = verdict.ends_in - self.limits.notice if verdict else _SELDOM
        if until_notice > 0:
            self._noticed = None
        elif self._noticed is None:
            self._noticed = figures.at
        self._again = min(max(until_notice, _OFTEN), _SELDOM)
        return self._again

    def announced(self, now: float) -> Verdict | None:
        """What the session's page is to say; None while its end is not near, or nobody knows."""
        if self._noticed is None or not (figures := self._known(now)):
            return None
        verdict = decide(self.limits, figures, now)
        if verdict is None:
            return None
        # In full, also where the hub was away, or the site's limits have become shorter.
        notice_left = self.limits.notice - (now - self._noticed)
        return Verdict(verdict.because, verdict.idle, max(verdict.ends_in, notice_left))

    def over(self, inactive: float, now: float) -> Verdict | None:
        """Why the session may be ended now, None where it may not.

        ``inactive`` is the time since JupyterHub saw any activity of it. It counts for a session that does not report,
        and only as far as this hub was there to be reported to.
        """
        if self._known(now):
            verdict = self.announced(now)
            return verdict if verdict and verdict.ends_in <= 0 else None
        silent = min(inactive, now - _HUB_SINCE)
        limit = self.limits.session
        return Verdict("silent", silent, 0.0) if limit is not None and silent >= limit else None

    def asked(self, inactive: float, now: float) -> bool:
        """The culler asks whether it may end this session; what it is answered is the reason, should it do so."""
        verdict = self.over(inactive, now)
        self._granted = (now, verdict) if verdict else None
        return verdict is not None

    def reason(self, now: float) -> Verdict | None:
        """Why the session that is being stopped is, None where somebody else than the culler does it."""
        return self._granted[1] if self._granted and now - self._granted[0] < _ASKED_SECONDS else None

    def _known(self, now: float) -> Figures | None:
        """The session's figures, None where they are too old to say anything."""
        figures = self._figures
        return figures if figures and now - figures.at <= 2 * self._again + _LATE else None
