"""The server's time: what receipts and dates go by."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable

from tornado.log import app_log

_STEP = datetime.timedelta(microseconds=1)
_JUMP = 5.0  # seconds between the two clocks that are no drift any more


def text(at: datetime.datetime) -> str:
    """As it is stored and answered: UTC, to the microsecond."""
    return at.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def moment(at: str) -> datetime.datetime:
    """The time that :func:`text` wrote."""
    return datetime.datetime.strptime(at, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=datetime.UTC)


class Clock:
    """The machine's clock, as far as it can be trusted.

    No stamp is earlier than one before, or the same: where the clock goes back, stamps stay where they are, a
    microsecond apart, until it has caught up. So nobody is late because of the one before, and order is kept. Jumps are
    noted; which of the two times was right is for people to say.

    Args:
        last: the latest stamp that an earlier process gave, None for none.
        wall: seconds since the epoch.
        boottime: seconds that pass whatever the clock is set to, suspended or not (clock_gettime(2), CLOCK_BOOTTIME).
    """

    def __init__(
        self,
        last: str | None,
        wall: Callable[[], float] = time.time,
        boottime: Callable[[], float] = lambda: time.clock_gettime(time.CLOCK_BOOTTIME),
    ) -> None:
        self._last = moment(last) if last else datetime.datetime.fromtimestamp(0, datetime.UTC)
        self._wall, self._boottime = wall, boottime
        self._offset = wall() - boottime()
        behind = wall() - self._last.timestamp()
        self._jumps = [behind] if behind < -_JUMP else []

    def now(self) -> datetime.datetime:
        """The time, never before a stamp; for what is only compared or shown."""
        wall = self._wall()
        offset = wall - self._boottime()
        if abs(jump := offset - self._offset) > _JUMP:
            app_log.warning("The machine's clock was set: it jumped by %.1f s", jump)
            self._jumps.append(jump)
            self._offset = offset
        return max(datetime.datetime.fromtimestamp(wall, datetime.UTC), self._last)

    def jumps(self) -> list[float]:
        """Jumps since this was asked last, in seconds; below zero for back."""
        found, self._jumps = self._jumps, []
        return found

    def stamp(self) -> datetime.datetime:
        """The time of a receipt: later than every one before."""
        self._last = max(self.now(), self._last + _STEP)
        return self._last
