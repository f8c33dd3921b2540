"""What may be declared, and which receipts may be meant."""

from __future__ import annotations

import uuid
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.declarations.rules import (
    EDGES,
    OPEN_TO_MATCH,
    Candidate,
    DeclarationState,
    Objection,
    Terms,
    object_to,
    suggest,
    until,
)

TODAY = date(2026, 3, 10)
TERMS = Terms(pause_days=7, back_days=30, match_days=10)


@pytest.mark.parametrize(
    ("days", "expected"),
    [(1, Objection.FUTURE), (0, None), (-30, None), (-31, Objection.TOO_OLD)],
)
def test_a_transfer_was_made_today_or_not_long_ago(days, expected):
    assert object_to(TERMS, paid_on=TODAY + timedelta(days=days), today=TODAY, by_staff=False) is expected


def test_staff_may_take_what_is_not_offered():
    closed = Terms(is_offered=False)
    assert object_to(closed, paid_on=TODAY, today=TODAY, by_staff=False) is Objection.NOT_OFFERED
    assert object_to(closed, paid_on=TODAY, today=TODAY, by_staff=True) is None


def test_the_search_lasts_as_long_as_the_terms_say():
    assert until(TERMS, TODAY) == date(2026, 3, 17)


def test_what_was_taken_back_or_matched_never_expires():
    assert (DeclarationState.WITHDRAWN, DeclarationState.EXPIRED) not in EDGES
    assert (DeclarationState.MATCHED, DeclarationState.EXPIRED) not in EDGES
    assert all(before is not DeclarationState.WITHDRAWN for before, _after in EDGES)


candidates = st.lists(
    st.builds(
        Candidate,
        payment_id=st.uuids(),
        minor=st.integers(1, 20_000),
        received_on=st.integers(-40, 40).map(lambda days: TODAY + timedelta(days=days)),
    ),
    max_size=20,
    unique_by=lambda each: each.payment_id,
)


@given(candidates, st.integers(1, 20_000), st.integers(0, 30))
def test_suggestions_are_near_and_the_same_amount_comes_first(candidates, minor, days):
    found = suggest(candidates, minor=minor, paid_on=TODAY, days=days)
    assert len(found) <= 5
    assert all(abs((each.received_on - TODAY).days) <= days for each in found)
    exact = [each.minor == minor for each in found]
    assert exact == sorted(exact, reverse=True)
    near = [each for each in candidates if abs((each.received_on - TODAY).days) <= days and each.minor == minor]
    assert bool(near) == any(exact)


def test_the_nearest_day_comes_first_among_the_same_amounts():
    far = Candidate(uuid.uuid4(), 100, TODAY + timedelta(days=5))
    near = Candidate(uuid.uuid4(), 100, TODAY - timedelta(days=1))
    other = Candidate(uuid.uuid4(), 99, TODAY)
    assert suggest([far, other, near], minor=100, paid_on=TODAY, days=10) == [near, far, other]


STEPS = """
declared  matched    declaration.matched
declared  refused    declaration.refused
declared  expired    declaration.expired
declared  withdrawn  declaration.withdrawn
refused   matched    declaration.matched
expired   matched    declaration.matched
matched   declared   declaration.reopened
"""


def test_a_declared_transfer_takes_the_steps_that_the_house_has_words_for_and_no_other():
    rows = {tuple(line.split()) for line in STEPS.splitlines() if line}
    assert {(before.value, after.value, topic) for (before, after), topic in EDGES.items()} == rows
    assert {state.value for state in OPEN_TO_MATCH} == {"declared", "refused", "expired"}


def test_a_company_that_says_nothing_takes_declarations_for_a_week_of_the_last_month():
    assert Terms() == Terms(is_offered=True, pause_days=7, back_days=30, match_days=10)
    assert [each.value for each in Objection] == ["not_offered", "future", "too_old"]


def test_staff_too_declare_neither_the_future_nor_the_distant_past():
    for days, expected in ((1, Objection.FUTURE), (-31, Objection.TOO_OLD)):
        assert object_to(TERMS, paid_on=TODAY + timedelta(days=days), today=TODAY, by_staff=True) is expected


def test_what_is_as_far_off_as_may_be_is_suggested_and_a_day_more_is_not():
    near = [Candidate(uuid.UUID(int=n), 100, TODAY + timedelta(days=days)) for n, days in ((1, 10), (2, -10))]
    far = [Candidate(uuid.UUID(int=n), 100, TODAY + timedelta(days=days)) for n, days in ((3, 11), (4, -11))]
    assert suggest(far + near[::-1], minor=100, paid_on=TODAY, days=10) == near


def test_among_other_amounts_the_nearest_day_comes_first_and_five_are_enough():
    many = [Candidate(uuid.UUID(int=n), 50, TODAY - timedelta(days=n)) for n in range(1, 8)]
    assert suggest(many[::-1], minor=100, paid_on=TODAY, days=10) == many[:5]
    assert suggest(many, minor=100, paid_on=TODAY, days=10, most=2) == many[:2]
