"""Promises: what is allowed, and what the ledger says of one. Pure: amounts in minor units, days in the company's zone."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta


class PromiseState(enum.Enum):
    """Where a promise stands, as found from the ledger."""

    EXPECTED = "expected"
    KEPT = "kept"
    BROKEN = "broken"
    CANCELLED = "cancelled"


RETURN_DAYS = 60
"""How long after its last day money that goes back still turns a kept promise: a SEPA debit may be claimed back for
eight weeks, and banks take a few days more."""

YEAR = timedelta(days=365)

S = PromiseState

EDGES: dict[tuple[PromiseState, PromiseState], str] = {
    (S.EXPECTED, S.KEPT): "promise.kept",
    (S.EXPECTED, S.BROKEN): "promise.broken",
    (S.EXPECTED, S.CANCELLED): "promise.cancelled",
    (S.KEPT, S.BROKEN): "promise.broken",  # the money went back
    (S.KEPT, S.EXPECTED): "promise.expected",  # the money went back, and there is time left
    (S.BROKEN, S.KEPT): "promise.kept",  # it had come in time, and was recorded later
    (S.BROKEN, S.EXPECTED): "promise.expected",  # a payment that was begun in time is on its way again
}
"""(from, to) → the topic of the step."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a company allows its debtors."""

    is_offered: bool = True
    days_ahead: int = 21
    """The last day that may be promised, counted from today."""
    grace_days: int = 3
    """Days after the promised day before it counts as broken: banks need them."""
    live_most: int = 2
    """How many promises may be open at once."""
    year_most: int = 6
    """How many may be given in twelve months; a change is not one more."""
    broken_most: int = 2
    """From so many broken ones in twelve months on no more is taken; 0 is no such limit."""


@dataclass(frozen=True, slots=True)
class Given:
    """The promises that a debtor has given."""

    live: int = 0
    in_year: int = 0
    broken_in_year: int = 0


class Objection(enum.Enum):
    """Why a promise is not taken."""

    NOT_OFFERED = "not_offered"
    PAST = "past"
    TOO_FAR = "too_far"
    TOO_MANY_LIVE = "too_many_live"
    TOO_MANY_IN_YEAR = "too_many_in_year"
    TOO_MANY_BROKEN = "too_many_broken"


def last_day(limits: Limits, counted_from: date) -> date:
    """The last day that may be promised."""
    return counted_from + timedelta(days=limits.days_ahead)


def until(limits: Limits, promised_on: date) -> date:
    """The last day on which a promise counts as kept, and up to which nothing is reminded or collected."""
    return promised_on + timedelta(days=limits.grace_days)


def object_to(
    limits: Limits, given: Given, *, promised_on: date, counted_from: date, today: date, is_change: bool, by_staff: bool
) -> Objection | None:
    """Why a promise cannot be taken, or None. `given` does not count the promise that a change replaces.

    Whether promises are offered, and how often one was broken, binds debtors; staff may know better.
    """
    if not by_staff and not limits.is_offered:
        return Objection.NOT_OFFERED
    if promised_on < today:
        return Objection.PAST
    if promised_on > last_day(limits, counted_from):
        return Objection.TOO_FAR
    if not by_staff and limits.broken_most and given.broken_in_year >= limits.broken_most:
        return Objection.TOO_MANY_BROKEN
    if given.live >= limits.live_most:
        return Objection.TOO_MANY_LIVE
    if not is_change and given.in_year >= limits.year_most:
        return Objection.TOO_MANY_IN_YEAR
    return None


@dataclass(frozen=True, slots=True)
class PartFacts:
    """One invoice of a promise as the ledger has it."""

    promised: int
    came: int
    """Money that settled this invoice since the promise, less what went back."""
    came_in_time: int
    """Of it: what came, or was begun, by the last day."""
    open: int
    frozen: int
    """By a dispute, a plan or a legal hold: not asked for now."""
    under_way: int
    """Held by payments in flight that were begun in time, or declared as paid and not found yet."""

    @property
    def kept(self) -> int:
        """How much of the promise has come."""
        return max(0, min(self.promised, self.came))

    @property
    def missing(self) -> int:
        """What was still to come of it on the last day: never more than was owed and asked for."""
        return max(0, min(self.promised - max(0, self.came_in_time), self._owed - self.frozen))

    @property
    def unsettled(self) -> int:
        """The same, once nothing is frozen any more."""
        return max(0, min(self.promised - max(0, self.came_in_time), self._owed))

    @property
    def _owed(self) -> int:
        """What would be open if the money that came too late had not come."""
        return self.open + max(0, self.came - self.came_in_time)


@dataclass(frozen=True, slots=True)
class Finding:
    """What the ledger says of a promise."""

    state: PromiseState
    kept: int
    cause: str = ""


def find(parts: Sequence[PartFacts], *, until_on: date, today: date) -> Finding:
    """The state of a promise that nobody cancelled.

    Everything came: kept. Time is left, or payments that were begun in time cover what is missing: expected. Nothing
    came, and nothing is owed or asked for any more: cancelled. Else, after the last day: broken. Money that settles an
    invoice in another way (a credit note, a write-off) makes less to keep, and is no payment.
    """
    kept = sum(part.kept for part in parts)
    if all(part.unsettled == 0 for part in parts):
        return Finding(S.KEPT, kept) if kept else Finding(S.CANCELLED, 0, "nothing_owed")
    if today <= until_on:
        return Finding(S.EXPECTED, kept)
    missing = sum(part.missing for part in parts)
    if missing == 0:
        return Finding(S.KEPT, kept) if kept else Finding(S.CANCELLED, 0, "frozen_otherwise")
    if all(part.under_way >= part.missing for part in parts):
        return Finding(S.EXPECTED, kept, "under_way")
    return Finding(S.BROKEN, kept, "partial" if kept else "nothing_came")


def step(before: PromiseState, finding: Finding, *, until_on: date, today: date) -> PromiseState | None:
    """The state to go to, or None to stay.

    A cancelled promise stays so. What has ended is looked at again for RETURN_DAYS after its last day, and never
    becomes cancelled by itself.
    """
    after = finding.state
    if after is before or before is S.CANCELLED or (before, after) not in EDGES:
        return None
    if before is not S.EXPECTED and today > until_on + timedelta(days=RETURN_DAYS):
        return None
    return after


def pause_wanted(part: PartFacts) -> int:
    """How much of the invoice an expected promise should pause."""
    return max(0, min(part.promised - max(0, part.came), part.open - part.frozen))
