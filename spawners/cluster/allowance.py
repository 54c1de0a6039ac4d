"""A few at once, and one more every so often (a token bucket)."""

from __future__ import annotations

import time


class Allowance:
    """``at_once`` at most, of which one comes back every so many ``seconds``."""

    def __init__(self, at_once: int, seconds: float) -> None:
        self._most = self._left = float(at_once)
        self._seconds = seconds
        self._at = time.monotonic()

    def take(self) -> bool:
        """Take one, if there is one left."""
        now = time.monotonic()
        self._left = min(self._most, self._left + (now - self._at) / self._seconds)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
