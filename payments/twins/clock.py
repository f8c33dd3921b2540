"""The twins' virtual time: real time plus an offset that survives every restart."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

BANK_ZONE = ZoneInfo("Europe/Paris")
"""Bank days begin and end here, in the twins' world."""

DAY = 86_400


class VirtualClock:
    """Tells virtual seconds since 1970; only ever moves forward.

    The offset lives in `clock.json` as `{"offset_seconds": N}`, replaced atomically: Guichet reads the same file in
    the demo, so that both live in one time.
    """

    def __init__(self, state_dir: Path, begin_at: int | None = None) -> None:
        """`begin_at` is where time begins when there is no file yet; without it, at the real present."""
        self.path = state_dir / "clock.json"
        self._offset = 0
        if self.path.exists():
            self._offset = int(json.loads(self.path.read_text())["offset_seconds"])
        else:
            self.reset(begin_at)

    def now(self) -> int:
        """The present virtual moment, in whole seconds."""
        return int(time.time()) + self._offset

    @property
    def offset_seconds(self) -> int:
        return self._offset

    def move_to(self, moment: int) -> None:
        """Make `moment` the present, unless it is past already."""
        ahead = moment - int(time.time())
        if ahead > self._offset:
            self._write(ahead)
            self._offset = ahead

    def reset(self, begin_at: int | None = None) -> None:
        """Back to real time, or to another beginning; only sensible together with emptying the store."""
        offset = 0 if begin_at is None else begin_at - int(time.time())
        self._write(offset)
        self._offset = offset

    def _write(self, offset: int) -> None:
        beside = self.path.with_suffix(".new")
        with beside.open("w") as file:
            json.dump({"offset_seconds": offset}, file)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self.path)


def bank_day(moment: int) -> date:
    """The legal day on which a moment falls, where the banks are."""
    return datetime.fromtimestamp(moment, UTC).astimezone(BANK_ZONE).date()


def moment_of(day: date, *, after: int = 0) -> int:
    """The moment at which banks act on a day: its first seconds, so that moving by whole days always reaches it."""
    return int(datetime(day.year, day.month, day.day, tzinfo=BANK_ZONE).timestamp()) + after


def days_after(moment: int, days: int) -> int:
    """The same time of day some calendar days later, where the banks are (a day may have 23 or 25 hours)."""
    return int((datetime.fromtimestamp(moment, BANK_ZONE) + timedelta(days=days)).timestamp())


def iso(moment: int) -> str:
    """A moment as GoCardless writes it: `2026-03-14T09:30:00.000Z`."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def start_of_day_after(moment: int, days: int = 1) -> int:
    """The first moment of the day some days after a moment's own, where the banks are."""
    return moment_of(bank_day(moment) + timedelta(days=days))
