"""Who is debited when: one decision for every amount that is due, whoever asks for it. Pure.

Everything that debits asks `decide` under the debtor's lock: the daily runs, instalments of plans, retries, and what a
debtor asks for himself. It is asked again at every event between the notice and the moment at which the provider
refuses to cancel. Each answer has a reason that staff and debtors read (`payments.collections.words`).

Sources: SEPA Core Direct Debit rulebook (pre-notification 14 calendar days before the due date unless agreed otherwise).
"""

from __future__ import annotations

import enum
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from shared.kit.calendars import next_target_day
from shared.ledger.refusals import why_not

LONGEST_SHIFT_DAYS = 7
"""A debit that cannot be charged within so many days of the day announced is announced anew."""

SMALLEST_MINOR = 100
"""No debit is of less: GoCardless takes none (1 EUR a SEPA transaction; its help centre, transactions and fees)."""

SPARE_DAYS = 1
"""So many days before it must be, a notice is written, also of a further try: a mail that leaves after midnight is still in time
(the rulebook counts from the notice being given, not from its being written)."""


class Stage(enum.Enum):
    """When the question is asked."""

    OUTLOOK = "outlook"
    """Whenever somebody asks what will come of it: a page, a paper, a reminder."""
    ANNOUNCE = "announce"
    """Before a notice is written."""
    COMING = "coming"
    """Announced; its debit is not written."""
    MAKE = "make"
    """Announced; its debit is to be written now."""
    WRITTEN = "written"
    """Its debit is written, and may still be cancelled."""
    AT_WISH = "at_wish"
    """The debtor asks for it himself: he sees amount and day, and no notice is due."""


class Under(enum.Enum):
    """The mandate that can be used."""

    NONE = "none"
    SUSPENDED = "suspended"
    """There is one, which its bank has suspended: it cannot be used for now, and has not ended."""
    SAME = "same"
    """The one that the notice names, or any before there is a notice."""
    OTHER = "other"
    """The one of the notice cannot be used any more; there is another."""


NOT_USABLE = {Under.NONE: "no_mandate", Under.SUSPENDED: "mandate_suspended"}
"""Why nothing is debited for want of a mandate."""


@dataclass(frozen=True, slots=True)
class Told:
    """What became of the notice of a debit."""

    sent_on: date | None
    """The day on which it left, in the company's zone; None while it has not."""
    is_lost: bool = False
    """It will never leave: refused, or dropped."""


@dataclass(frozen=True, slots=True)
class Facts:
    """An invoice or an instalment as a debit sees it; amounts in minor units.

    Of an instalment, what is open is what the plan asks for up to its day, and what is held is what is under way for it.
    """

    due_on: date
    open_minor: int
    held_minor: int
    """By payments in flight other than the one in question."""
    frozen_minor: int
    """What a dispute, plan, legal hold, promise or declared transfer covers."""
    maximum_minor: int | None
    """The debtor's maximum for one debit; None is no maximum."""
    credit_minor: int = 0
    """Unapplied money and unused credit notes that stand against it."""
    has_live: bool = False
    """A collection of it is announced already."""
    was_tried: bool = False
    """A debit of it came to nothing; a retry is announced by the failure itself, not by its due day."""
    is_left_out: bool = False
    """The debtor wants to pay this one himself."""
    is_contested: bool = False
    """A bank took money of it back from a card payment, or wants to: a debit might take it twice."""
    is_cancelled: bool = False
    """It is no longer in the books: what money gone back leaves open of it is asked for by a person or by nobody."""
    was_refunded: bool = False
    """We gave money of it back: only a person asks for it again."""

    @property
    def free_minor(self) -> int:
        """Open, not held by a payment in flight, not frozen (I10)."""
        return max(0, self.open_minor - self.held_minor - self.frozen_minor)

    @property
    def available_minor(self) -> int:
        """Of that, what credit does not cover: an automatic debit never takes more than the debtor owes in the end."""
        return max(0, self.free_minor - self.credit_minor)


@dataclass(frozen=True, slots=True)
class Ask:
    """A question about one amount at one moment; `today` is the legal day in the company's zone."""

    stage: Stage
    today: date
    notice_days: int
    under: Under = Under.SAME
    wants: bool = True
    """Whether it is to be debited by itself: autopay for invoices, a running plan for its instalments."""
    unwanted: str = "autopay_off"
    """The reason when it is not."""
    announced_minor: int | None = None
    """Never more than this."""
    charge_on: date | None = None
    """The day announced: never earlier."""
    possible_on: date | None = None
    """The earliest day that the provider takes."""
    told: Told | None = None


@dataclass(frozen=True, slots=True)
class Now:
    """Debit it: this much, on this day (None: the first that the provider takes)."""

    minor: int
    charge_on: date | None
    reason: str


@dataclass(frozen=True, slots=True)
class Later:
    """Not now. With a day: announce it (anew) for this day; without: its time has not come."""

    minor: int
    charge_on: date | None
    reason: str


@dataclass(frozen=True, slots=True)
class Never:
    """It is not debited as things stand, and why."""

    reason: str


Verdict = Now | Later | Never

NOT_YET = "not_yet"
"""The reason of what is not decided at all: nobody keeps it."""


def charge_day(due_on: date, *, today: date, notice_days: int) -> date:
    """The earliest bank day on or after the due day that leaves the debtor his whole notice.

    The due day itself where its notice can be in time. A day that hangs on the notice alone (of what fell due before, of a
    further try, of what is announced anew) has a day to spare: else a mail that leaves after midnight would be late, and the
    next one for the same reason, and the debit would never be made.
    """
    earliest = today + timedelta(days=notice_days)
    return next_target_day(due_on if due_on >= earliest else earliest + timedelta(days=SPARE_DAYS))


def notice_begins(due_on: date, *, notice_days: int) -> date:
    """The day from which on a debit for this due day is announced."""
    return due_on - timedelta(days=notice_days + SPARE_DAYS)


def decide(facts: Facts, ask: Ask) -> Verdict:
    """Whether an amount is debited now, later, or not at all.

    Never more than was announced, never earlier; never what is held, frozen, covered by credit, contested by a bank or
    refunded; never without a notice that left in time; on a bank day; a few days later when the provider cannot do it
    sooner, announced anew when it would be much later, when its due day moved, or when it would be under another mandate.
    """
    if ask.stage is Stage.AT_WISH:
        return _at_wish(facts, ask)
    if ask.stage is Stage.ANNOUNCE and (facts.has_live or not _has_begun(facts, ask)):
        return Later(facts.available_minor, None, NOT_YET)
    if _was_in_vain(facts, ask):
        return Never("tried_before")
    if refusal := _refusal(facts, ask):
        return Never(refusal)
    minor = _at_most(facts, ask)
    if ask.stage is Stage.OUTLOOK:
        return Later(minor, ask.charge_on, NOT_YET)
    if ask.stage is Stage.ANNOUNCE:
        day = charge_day(facts.due_on, today=ask.today, notice_days=ask.notice_days)
        return Later(minor, day, "notice_given")
    return _announced(facts, ask, minor)


def _has_begun(facts: Facts, ask: Ask) -> bool:
    return ask.today >= notice_begins(facts.due_on, notice_days=ask.notice_days)


def _was_in_vain(facts: Facts, ask: Ask) -> bool:
    """Whether a debit of it came to nothing and no further one is announced."""
    is_new = ask.stage in (Stage.ANNOUNCE, Stage.OUTLOOK) and not facts.has_live
    return is_new and ask.wants and facts.was_tried and not facts.is_left_out


def _at_wish(facts: Facts, ask: Ask) -> Now | Never:
    """What the debtor asks for: no credit is set against it, for the page offers to use that first."""
    if ask.under in NOT_USABLE:
        return Never(NOT_USABLE[ask.under])
    wanted = ask.announced_minor or 0
    if 0 < wanted <= facts.free_minor:
        return Now(wanted, None, "asked_for")
    if wanted <= 0:
        return Never("payment_under_way")
    return Never(why_not(wanted_minor=wanted, open_minor=facts.open_minor, held_minor=facts.held_minor))


def _announced(facts: Facts, ask: Ask, minor: int) -> Verdict:
    charge_on = ask.charge_on or ask.today
    new_day = charge_day(max(charge_on, facts.due_on), today=ask.today, notice_days=ask.notice_days)
    if facts.due_on > charge_on:
        return Later(minor, new_day, "due_day_moved")
    if ask.under is Under.OTHER:
        return Later(minor, new_day, "other_mandate")
    if ask.stage is not Stage.MAKE:
        return Now(minor, charge_on, "stands")
    told = ask.told or Told(None)
    if told.sent_on is None:
        return Never("notice_lost") if told.is_lost else Later(minor, new_day, "notice_not_sent")
    if told.sent_on + timedelta(days=ask.notice_days) > charge_on:
        return Later(minor, new_day, "notice_late")
    day = next_target_day(max(charge_on, ask.possible_on or charge_on))
    if day > charge_on + timedelta(days=LONGEST_SHIFT_DAYS):
        again = charge_day(day, today=ask.today, notice_days=ask.notice_days)
        return Later(minor, again, "too_late_for_the_day_announced")
    return Now(minor, day, "on_the_day_announced" if day == charge_on else "first_possible_day")


def _at_most(facts: Facts, ask: Ask) -> int:
    if ask.announced_minor is None:
        return facts.available_minor
    return min(ask.announced_minor, facts.available_minor)


def _refusal(facts: Facts, ask: Ask) -> str | None:
    """Why nothing of it is debited by itself; None when something may be."""
    if not ask.wants or ask.under in NOT_USABLE:
        return NOT_USABLE[ask.under] if ask.wants else ask.unwanted
    if facts.open_minor == 0:
        return "paid"
    if apart := _apart(facts):
        return apart
    if facts.available_minor == 0:
        return _why_nothing(facts)
    if _at_most(facts, ask) < SMALLEST_MINOR:
        return "too_small"
    is_above = facts.maximum_minor is not None and _at_most(facts, ask) > facts.maximum_minor
    return "above_maximum" if is_above else None


def _apart(facts: Facts) -> str | None:
    """Why no automation takes it, however much of it is free."""
    if facts.is_cancelled:
        return "not_in_the_books"
    if facts.is_left_out:
        return "left_out"
    if facts.is_contested:
        return "contested_by_bank"
    return "refunded" if facts.was_refunded else None


def _why_nothing(facts: Facts) -> str:
    if facts.free_minor > 0:
        return "credit"
    return "frozen" if facts.frozen_minor else "payment_under_way"


@dataclass(frozen=True, slots=True)
class Owed:
    """An open invoice as credit sees it: what of it is neither frozen nor on its way for good, in minor units."""

    invoice_id: uuid.UUID
    due_on: date
    minor: int
    is_debited: bool = True
    """Whether it may be debited by itself: what is not takes credit last, or another would be debited whole beside it."""


def spread_credit(
    owed: Sequence[Owed], *, credit_minor: int, notes: Sequence[tuple[uuid.UUID | None, int]]
) -> tuple[dict[uuid.UUID, int], int]:
    """Invoice → what credit stands against it, and what is left over.

    A credit note stands against the invoice that it corrects first; the rest, and unapplied money, against the oldest due
    of those that may be debited by themselves, and then against the others.
    """
    left = {each.invoice_id: each.minor for each in owed}
    shares: dict[uuid.UUID, int] = {}
    pool = credit_minor
    for corrects, minor in notes:
        taken = min(minor, left.get(corrects, 0)) if corrects is not None else 0
        if corrects is not None and taken:
            left[corrects] -= taken
            shares[corrects] = shares.get(corrects, 0) + taken
        pool += minor - taken
    for each in sorted(owed, key=lambda one: (not one.is_debited, one.due_on, one.invoice_id)):
        taken = min(pool, left[each.invoice_id])
        if taken > 0:
            shares[each.invoice_id] = shares.get(each.invoice_id, 0) + taken
            pool -= taken
    return shares, pool
