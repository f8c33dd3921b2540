"""The only reader of the clock.

Moments are aware UTC datetimes; legal days are dates in a company's zone. In the demo one virtual time rules the
twins and us: an offset that the twins keep in `<var>/twins/clock.json` is added to real time.
"""

from __future__ import annotations

import json
import threading
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo


class Clock(Protocol):
    """Tells the present moment."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        ...


class SystemClock:
    """Real time."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class OffsetClock:
    """Real time plus the twins' offset, read anew whenever their file changes (demo only)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stamp: tuple[int, int] | None = None
        self._offset = timedelta()

    def now(self) -> datetime:
        try:
            stat = self.path.stat()
        except FileNotFoundError:
            return datetime.now(UTC)
        stamp = (stat.st_mtime_ns, stat.st_ino)
        if stamp != self._stamp:
            self._offset = timedelta(seconds=int(json.loads(self.path.read_text())["offset_seconds"]))
            self._stamp = stamp
        return datetime.now(UTC) + self._offset


class FrozenClock:
    """A clock that moves only when told to (tests)."""

    def __init__(self, at: datetime) -> None:
        if at.tzinfo is None:
            raise ValueError("a moment is aware")
        self._at = at.astimezone(UTC)

    def now(self) -> datetime:
        return self._at

    def advance(self, **length: float) -> None:
        """Move forward, for example `advance(days=3)`."""
        self._at += timedelta(**length)

    def set(self, at: datetime) -> None:
        self._at = at.astimezone(UTC)


_lock = threading.Lock()
_clock: Clock = SystemClock()


def set_clock(clock: Clock) -> Clock:
    """Put another clock in charge of this process; gives back the one before."""
    global _clock
    with _lock:
        before, _clock = _clock, clock
    return before


def now() -> datetime:
    """The present moment in UTC."""
    return _clock.now()


def real_now() -> datetime:
    """The moment for sessions and codes: a visitor's patience and a thief's do not follow the demo's virtual time."""
    return SystemClock().now() if isinstance(_clock, OffsetClock) else _clock.now()


def today(zone: str = "Europe/Paris") -> date:
    """The legal day in a zone: near midnight it differs from the UTC date."""
    return day_of(now(), zone)


def day_of(moment: datetime, zone: str) -> date:
    """The legal day in a zone on which a moment falls."""
    return moment.astimezone(ZoneInfo(zone)).date()
