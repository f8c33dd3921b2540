"""When an invoice is announced, when its debit is made, and what a return means for the next attempt. Pure.

Sources: SEPA Core Direct Debit rulebook (pre-notification 14 calendar days before the due date unless agreed
otherwise); EPC guidance on reason codes for R-transactions. The retry column is our policy.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from payments.reasons import TRIES_AGAIN_AFTER_BANK_DAYS
from shared.kit.calendars import add_target_days, next_target_day

CREATE_AHEAD_BANK_DAYS = 5
"""A debit is made so many bank days before its day: the provider needs three, two are for an outage."""

LONGEST_SHIFT_DAYS = 7
"""A debit that cannot be charged within so many days of the day announced is announced anew."""

TOO_EARLY = "field.charge_date"
"""Not a bank's code: the provider's refusal of a day that has become too near. The same money is tried a day later."""


@dataclass(frozen=True, slots=True)
class Facts:
    """An invoice or an instalment as a collection sees it; amounts in minor units.

    Of an instalment, what is open is what the plan asks for up to its day, and what is held is what is under way for it.
    """

    due_on: date
    open_minor: int
    held_minor: int
    frozen_minor: int
    """What a dispute, plan, legal hold, promise or declared transfer covers."""
    maximum_minor: int | None
    """The debtor's maximum for one debit; None is no maximum."""
    has_live: bool = False
    """A collection of it is announced already."""
    was_tried: bool = False
    """A debit of it came to nothing; a retry is announced by the failure itself, not by its due day."""
    is_left_out: bool = False
    """The debtor wants to pay this one himself."""

    @property
    def available_minor(self) -> int:
        """Open, not held by a payment in flight, not frozen (I10)."""
        return max(0, self.open_minor - self.held_minor - self.frozen_minor)


@dataclass(frozen=True, slots=True)
class Announce:
    """Tell the debtor that this much will be debited on this day."""

    minor: int
    charge_on: date


@dataclass(frozen=True, slots=True)
class Collect:
    """Make the debit: this much, on this day."""

    minor: int
    charge_on: date


@dataclass(frozen=True, slots=True)
class Shift:
    """Announce anew for this day."""

    minor: int
    charge_on: date


@dataclass(frozen=True, slots=True)
class Skip:
    """Leave it, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class NotYet:
    """Its time has not come; no decision is stored."""


def charge_day(due_on: date, *, today: date, notice_days: int) -> date:
    """The earliest bank day on or after the due day that leaves the debtor his whole notice."""
    return next_target_day(max(due_on, today + timedelta(days=notice_days)))


def decide_announcement(facts: Facts, *, today: date, notice_days: int, has_mandate: bool) -> Announce | Skip | NotYet:
    """Whether an invoice of a debtor on autopay is announced today.

    It is announced so many days before its due day as the notice takes; later when the run comes later: then the day of
    the debit moves, the notice is never shortened.
    """
    if facts.has_live or today < facts.due_on - timedelta(days=notice_days):
        return NotYet()
    if facts.was_tried and not facts.is_left_out:
        return Skip("tried_before")
    if not has_mandate:
        return Skip("no_mandate")
    refusal = _money_refusal(facts, facts.available_minor)
    if refusal:
        return Skip(refusal)
    return Announce(facts.available_minor, charge_day(facts.due_on, today=today, notice_days=notice_days))


def rest_of_announced(announced_minor: int, *, open_minor: int, frozen_minor: int) -> int:
    """What of an announced debit may still take place, on its day, after something was frozen: never more than announced."""
    return max(0, min(announced_minor, open_minor - frozen_minor))


def is_time_to_create(charge_on: date, *, today: date) -> bool:
    """Whether the debit of an announced collection is made today (or should have been)."""
    return add_target_days(today, CREATE_AHEAD_BANK_DAYS) >= charge_on


def decide_collection(
    facts: Facts,
    *,
    announced_minor: int,
    charge_on: date,
    possible_on: date,
    today: date,
    notice_days: int,
    has_mandate: bool,
    wants_autopay: bool,
) -> Collect | Shift | Skip:
    """What becomes of an announced collection when its debit is to be made.

    Never more than was announced, never earlier; a few days later when the provider cannot do it sooner; announced anew
    when it would be much later.
    """
    if not wants_autopay:
        return Skip("autopay_off")
    if not has_mandate:
        return Skip("no_mandate")
    minor = min(announced_minor, facts.available_minor)
    refusal = _money_refusal(facts, minor)
    if refusal:
        return Skip(refusal)
    day = next_target_day(max(charge_on, possible_on))
    if day > charge_on + timedelta(days=LONGEST_SHIFT_DAYS):
        return Shift(minor, charge_day(day, today=today, notice_days=notice_days))
    return Collect(minor, day)


def _money_refusal(facts: Facts, minor: int) -> str | None:
    if facts.open_minor == 0:
        return "paid"
    if facts.is_left_out:
        return "left_out"
    if facts.available_minor == 0:
        return "frozen" if facts.frozen_minor else "payment_under_way"
    if facts.maximum_minor is not None and minor > facts.maximum_minor:
        return "above_maximum"
    return None


def retry_day(*, failed_on: date, today: date, notice_days: int) -> date:
    """The day of a new attempt: after the pause, and with its whole notice."""
    return charge_day(add_target_days(failed_on, TRIES_AGAIN_AFTER_BANK_DAYS), today=today, notice_days=notice_days)
