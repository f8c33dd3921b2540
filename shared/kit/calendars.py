"""Two calendars that must not be confused: TARGET2 (when money moves) and French working days (when people work)."""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache

import holidays


@lru_cache(maxsize=128)
def _target_closing_days(year: int) -> frozenset[date]:
    # https://www.ecb.europa.eu: 1 January, Good Friday, Easter Monday, 1 May, 25 and 26 December.
    return frozenset(holidays.financial_holidays("XECB", years=year))


@lru_cache(maxsize=128)
def _french_holidays(year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays("FR", years=year))


def is_target_day(day: date) -> bool:
    """True when the European settlement system is open."""
    return day.weekday() < 5 and day not in _target_closing_days(day.year)


def next_target_day(day: date) -> date:
    """This day if it settles, else the next one that does."""
    while not is_target_day(day):
        day += timedelta(days=1)
    return day


def add_target_days(day: date, count: int) -> date:
    """The count-th settlement day after `day`."""
    for _ in range(count):
        day = next_target_day(day + timedelta(days=1))
    return day


def is_working_day(day: date) -> bool:
    """True on a French working day (Monday to Friday, no public holiday)."""
    return day.weekday() < 5 and day not in _french_holidays(day.year)


def next_working_day(day: date) -> date:
    """This day if people work, else the next one on which they do."""
    while not is_working_day(day):
        day += timedelta(days=1)
    return day
