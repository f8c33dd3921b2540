"""TARGET2 days: when euros move between banks.

Closed on Saturdays, Sundays, 1 January, Good Friday, Easter Monday, 1 May, 25 and 26 December (ecb.europa.eu). Kept apart
from Guichet's own calendar on purpose: a provider would not share our mistakes.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache

import holidays


@lru_cache(maxsize=64)
def _closing_days(year: int) -> frozenset[date]:
    return frozenset(holidays.financial_holidays("XECB", years=year))


def is_bank_day(day: date) -> bool:
    return day.weekday() < 5 and day not in _closing_days(day.year)


def roll_forward(day: date) -> date:
    """This day if banks settle on it, else the next one on which they do."""
    while not is_bank_day(day):
        day += timedelta(days=1)
    return day


def add_bank_days(day: date, count: int) -> date:
    """The count-th bank day after a day; negative counts go back."""
    step = timedelta(days=1 if count >= 0 else -1)
    for _ in range(abs(count)):
        day += step
        while not is_bank_day(day):
            day += step
    return day
