"""How many requests a minute the twin of GoCardless takes: any number until somebody says otherwise.

GoCardless takes 1,000 a minute, says with each answer how many are left and when the next minute begins (`RateLimit-Limit`,
`RateLimit-Remaining`, `RateLimit-Reset`, an HTTP date), and answers 429 beyond them (API reference, rate limiting). The minute
is one of virtual time, so that a test moves the clock instead of waiting.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

WINDOW_S = 60


@dataclass(frozen=True, slots=True)
class Taken:
    """One request counted."""

    limit: int
    left: int
    reset_at: int
    """The virtual second in which the next minute begins."""
    is_over: bool


class Pace:
    """Counts the requests of the present minute; `refused` is how many were too many since the limit was set."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.set(None)

    def set(self, per_minute: int | None) -> None:
        """Take so many a minute from now on; None for any number. Raises ValueError for less than one."""
        if per_minute is not None and per_minute < 1:
            raise ValueError("at least one request a minute")
        with self._lock:
            self.per_minute, self.refused = per_minute, 0
            self._window, self._count = -1, 0

    def take(self, now: int) -> Taken | None:
        """Count a request at a virtual second; None while any number is taken."""
        with self._lock:
            if self.per_minute is None:
                return None
            window = now // WINDOW_S
            if window != self._window:
                self._window, self._count = window, 0
            self._count += 1
            is_over = self._count > self.per_minute
            self.refused += is_over
            return Taken(self.per_minute, max(0, self.per_minute - self._count), (window + 1) * WINDOW_S, is_over)
