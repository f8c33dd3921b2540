"""When a debit is made and made again. Pure. Whether: `payments.deciding`; what a return means: `payments.reasons`."""

from __future__ import annotations

from datetime import date, timedelta

from payments.deciding import SPARE_DAYS, charge_day
from payments.reasons import TRIES_AGAIN_AFTER_BANK_DAYS
from shared.kit.calendars import add_target_days

CREATE_AHEAD_BANK_DAYS = 5
"""A debit is made so many bank days before its day: the provider needs three, two are for an outage."""

TOO_EARLY = "field.charge_date"
"""Not a bank's code: the provider's refusal of a day that has become too near. The same money is tried a day later."""


MOST_TRIES_BEFORE_A_BANK = 3
"""So many debits of the same money may come to nothing before any bank is asked; then a person looks. The banks' own technical
codes (AG02, FF01 …) are not tried again at all (`payments.reasons`); three is what GoCardless allows for retries."""


def rest_of_announced(announced_minor: int, *, open_minor: int, frozen_minor: int) -> int:
    """What of an announced debit may still take place, on its day, after something was frozen: never more than announced."""
    return max(0, min(announced_minor, open_minor - frozen_minor))


def is_time_to_create(charge_on: date, *, today: date) -> bool:
    """Whether the debit of an announced collection is made today (or should have been)."""
    return add_target_days(today, CREATE_AHEAD_BANK_DAYS) >= charge_on


def retry_day(*, failed_on: date, today: date, notice_days: int) -> date:
    """The day of a new attempt: after the pause, and with its whole notice, which may leave after midnight like any other."""
    rested, told = (
        add_target_days(failed_on, TRIES_AGAIN_AFTER_BANK_DAYS),
        today + timedelta(days=notice_days + SPARE_DAYS),
    )
    return charge_day(max(rested, told), today=today, notice_days=notice_days)
