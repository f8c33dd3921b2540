"""Payment terms: when an invoice falls due that does not say so itself (C. com. L441-10).

"45 days end of month" has two lawful readings, and which one holds is a matter of the contract: the end of the month
of the invoice plus 45 days, or 45 days and then the end of that month.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from backoffice.imports.values import folded

LEGAL_DEFAULT_DAYS = 30
LONGEST_DAYS = 60
LONGEST_END_OF_MONTH_DAYS = 45
MOST_DAYS = 366


class EndOfMonth(StrEnum):
    """Where the end of the month stands in the count."""

    NONE = "none"
    FIRST = "first"
    """End of the month of the invoice, then the days: 10 January + 45 → 31 January + 45 = 17 March."""
    LAST = "last"
    """The days, then the end of that month: 10 January + 45 = 24 February → 28 February."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How many days after the invoice it falls due, with an end of month and a fixed day where agreed.

    `fixed_day` ("le 10"): the day of the month on which the debtor pays; the due day moves to the next such day.
    """

    days: int = LEGAL_DEFAULT_DAYS
    end_of_month: EndOfMonth = EndOfMonth.NONE
    fixed_day: int | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.days <= MOST_DAYS:
            raise ValueError(f"terms of {self.days} days")
        if self.fixed_day is not None and not 1 <= self.fixed_day <= 31:
            raise ValueError(f"no day {self.fixed_day} in a month")


def due_on(issued_on: date, terms: Terms) -> date:
    """The day on which an invoice of this day falls due under these terms."""
    due = issued_on
    if terms.end_of_month is EndOfMonth.FIRST:
        due = month_end(due)
    due += timedelta(days=terms.days)
    if terms.end_of_month is EndOfMonth.LAST:
        due = month_end(due)
    return due if terms.fixed_day is None else _next_fixed(due, terms.fixed_day)


def month_end(day: date) -> date:
    """The last day of this day's month."""
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


def _next_fixed(day: date, fixed: int) -> date:
    here = day.replace(day=min(fixed, month_end(day).day))
    if here >= day:
        return here
    following = month_end(day) + timedelta(days=1)
    return following.replace(day=min(fixed, month_end(following).day))


def longest_lawful(issued_on: date) -> date:
    """The latest due day that a contract between firms may set, in the reading most generous to the debtor."""
    readings = [Terms(LONGEST_DAYS)] + [
        Terms(LONGEST_END_OF_MONTH_DAYS, reading) for reading in (EndOfMonth.FIRST, EndOfMonth.LAST)
    ]
    return max(due_on(issued_on, reading) for reading in readings)


_IMMEDIATE = re.compile(r"\b(comptant|reception|receipt|immediat\w*|immediate\w*|cash)\b")
_DAYS = re.compile(r"\b(\d{1,3})\s*(?:jours?|jrs?|j|days?|d)?\b")
_EOM = re.compile(r"\b(fin de mois|fdm|end of month|eom)\b")
_FIXED = re.compile(r"\b(?:le|on the)\s+(\d{1,2})(?:er|st|nd|rd|th)?\b")


def parse_terms(text: str, *, end_of_month: EndOfMonth = EndOfMonth.FIRST) -> Terms | None:
    """Terms as people write them: "30 jours fin de mois le 10", "45 FDM", "net 30", "à réception"; None otherwise.

    `end_of_month` is the reading for "45 days end of month"; "end of month 45 days" is always the first reading.
    """
    words = folded(text)
    fixed = _FIXED.search(words)
    rest = words[: fixed.start()] + words[fixed.end() :] if fixed else words
    eom, days = _EOM.search(rest), _DAYS.search(rest)
    if not (days or eom or _IMMEDIATE.search(rest)):
        return None
    reading = EndOfMonth.NONE
    if eom:
        leads = days is None or eom.start() < days.start()
        reading = EndOfMonth.FIRST if leads else end_of_month
    try:
        return Terms(int(days[1]) if days else 0, reading, int(fixed[1]) if fixed else None)
    except ValueError:
        return None
