"""Contested payments: their states, and by when somebody must act. Pure."""

from __future__ import annotations

import enum
from datetime import date, timedelta


class ChargebackKind(enum.Enum):
    """How a bank contests."""

    CARD = "card"
    """The card holder contests: the bank decides, and can be answered until a day."""
    DEBIT = "debit"
    """The account holder had a debit given back (within eight weeks, or as unauthorised): final for the bank."""
    REFUSAL = "refusal"
    """The account holder refused a debit before it was paid."""


class ChargebackState(enum.Enum):
    """Where a contested payment stands."""

    OPEN = "open"
    """The bank waits for our answer."""
    ANSWERED = "answered"
    """Evidence was sent; the bank decides."""
    TO_DECIDE = "to_decide"
    """The money has gone back for good: a person says what becomes of the debt."""
    WON = "won"
    """The money is ours again."""
    OWED = "owed"
    """It is asked for again."""
    GIVEN_UP = "given_up"
    """It is not asked for any more."""
    SETTLED = "settled"
    """It was paid or credited otherwise."""


C = ChargebackState

FREEZES = frozenset({C.OPEN, C.ANSWERED, C.TO_DECIDE})
"""In these states what the payment had settled is neither collected nor reminded."""

EDGES: dict[tuple[ChargebackState, ChargebackState], str] = {
    (C.OPEN, C.ANSWERED): "chargeback.answered",
    (C.OPEN, C.WON): "chargeback.won",
    (C.OPEN, C.TO_DECIDE): "chargeback.lost",
    (C.ANSWERED, C.OPEN): "chargeback.opened",
    (C.ANSWERED, C.WON): "chargeback.won",
    (C.ANSWERED, C.TO_DECIDE): "chargeback.lost",
    (C.TO_DECIDE, C.WON): "chargeback.won",
    (C.TO_DECIDE, C.OWED): "chargeback.owed",
    (C.TO_DECIDE, C.GIVEN_UP): "chargeback.given_up",
    (C.TO_DECIDE, C.SETTLED): "chargeback.settled",
    # The provider's truth may come late: money that came back is never ignored.
    (C.OWED, C.WON): "chargeback.won",
    (C.GIVEN_UP, C.WON): "chargeback.won",
    (C.SETTLED, C.WON): "chargeback.won",
}
"""(from, to) → the topic of the step."""

DECIDE_WITHIN_DAYS = 8
"""Within so many days somebody should have spoken with a debtor whose bank took a debit back."""

WARN_DAYS = 2
"""So many days before its deadline a case that waits for us is urgent."""


def first_state(kind: ChargebackKind) -> ChargebackState:
    """A card's bank can be answered; of a debit that was taken back only the debt is left to decide."""
    return C.OPEN if kind is ChargebackKind.CARD else C.TO_DECIDE


def decide_by(today: date) -> date:
    """The day by which a person decides what becomes of the debt."""
    return today + timedelta(days=DECIDE_WITHIN_DAYS)


def is_urgent(state: ChargebackState, *, due_on: date | None, today: date) -> bool:
    """Whether a case that waits for us has come near its day."""
    waits = state in (C.OPEN, C.TO_DECIDE)
    return waits and due_on is not None and due_on <= today + timedelta(days=WARN_DAYS)


def at_bank(*, is_answered: bool, is_lost: bool) -> ChargebackState:
    """Where a card's case stands that is not won, as its bank shows it."""
    if is_lost:
        return C.TO_DECIDE
    return C.ANSWERED if is_answered else C.OPEN
