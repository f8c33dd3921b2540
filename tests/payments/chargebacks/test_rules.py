"""Contested payments: which steps there are, what freezes, and by when somebody must act."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from payments.chargebacks.rules import (
    EDGES,
    FREEZES,
    ChargebackKind,
    ChargebackState,
    at_bank,
    decide_by,
    first_state,
    is_urgent,
)

C = ChargebackState
TODAY = date(2026, 3, 10)

STEPS = """
open       answered   chargeback.answered
open       won        chargeback.won
open       to_decide  chargeback.lost
answered   open       chargeback.opened
answered   won        chargeback.won
answered   to_decide  chargeback.lost
to_decide  won        chargeback.won
to_decide  owed       chargeback.owed
to_decide  given_up   chargeback.given_up
to_decide  settled    chargeback.settled
owed       won        chargeback.won
given_up   won        chargeback.won
settled    won        chargeback.won
"""


def test_a_case_takes_the_steps_that_the_house_has_words_for_and_no_other():
    rows = {tuple(line.split()) for line in STEPS.splitlines() if line}
    assert {(before.value, after.value, topic) for (before, after), topic in EDGES.items()} == rows


def test_money_is_frozen_while_a_case_is_open_answered_or_to_be_decided():
    assert {state.value for state in FREEZES} == {"open", "answered", "to_decide"}


@pytest.mark.parametrize(("kind", "first"), [("card", C.OPEN), ("debit", C.TO_DECIDE), ("refusal", C.TO_DECIDE)])
def test_only_a_cards_bank_can_be_answered(kind, first):
    assert first_state(ChargebackKind(kind)) is first


def test_somebody_speaks_with_the_debtor_within_eight_days():
    assert decide_by(TODAY) == date(2026, 3, 18)


@pytest.mark.parametrize(
    ("state", "days", "urgent"),
    [
        (C.OPEN, 2, True),
        (C.OPEN, 3, False),
        (C.OPEN, -1, True),
        (C.OPEN, None, False),
        (C.TO_DECIDE, 2, True),
        (C.TO_DECIDE, 3, False),
        (C.ANSWERED, 0, False),
        (C.WON, 0, False),
        (C.OWED, 0, False),
    ],
)
def test_a_case_that_waits_for_us_is_urgent_two_days_before_its_day(state, days, urgent):
    due_on = None if days is None else TODAY + timedelta(days=days)
    assert is_urgent(state, due_on=due_on, today=TODAY) is urgent


@pytest.mark.parametrize(
    ("answered", "lost", "state"),
    [(False, False, C.OPEN), (True, False, C.ANSWERED), (False, True, C.TO_DECIDE), (True, True, C.TO_DECIDE)],
)
def test_a_case_stands_where_its_bank_shows_it(answered, lost, state):
    assert at_bank(is_answered=answered, is_lost=lost) is state
