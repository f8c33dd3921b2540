"""What is allowed, and what the ledger says of a promise."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shared.promises.rules import (
    EDGES,
    RETURN_DAYS,
    YEAR,
    Finding,
    Given,
    Limits,
    Objection,
    PartFacts,
    PromiseState,
    find,
    last_day,
    object_to,
    pause_wanted,
    step,
    until,
)

S = PromiseState
TODAY = date(2026, 3, 10)
LIMITS = Limits(days_ahead=21, grace_days=3, live_most=2, year_most=6, broken_most=2)


NONE_GIVEN = Given()


def objection(given: Given = NONE_GIVEN, limits: Limits = LIMITS, **facts: object) -> Objection | None:
    asked = {
        "promised_on": TODAY + timedelta(days=5),
        "counted_from": TODAY,
        "today": TODAY,
        "is_change": False,
        "by_staff": False,
    }
    return object_to(limits, given, **(asked | facts))


@pytest.mark.parametrize(
    ("days", "expected"),
    [(-1, Objection.PAST), (0, None), (1, None), (21, None), (22, Objection.TOO_FAR), (400, Objection.TOO_FAR)],
)
def test_a_day_is_taken_from_today_to_the_last_one_allowed(days, expected):
    assert objection(promised_on=TODAY + timedelta(days=days)) is expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (Given(live=1), None),
        (Given(live=2), Objection.TOO_MANY_LIVE),
        (Given(in_year=5), None),
        (Given(in_year=6), Objection.TOO_MANY_IN_YEAR),
        (Given(broken_in_year=1), None),
        (Given(broken_in_year=2), Objection.TOO_MANY_BROKEN),
    ],
)
def test_promises_are_counted(given, expected):
    assert objection(given) is expected


def test_a_change_is_not_one_promise_more_and_counts_its_days_from_the_first():
    assert objection(Given(in_year=6), is_change=True) is None
    first = TODAY - timedelta(days=10)
    assert objection(counted_from=first, is_change=True, promised_on=TODAY + timedelta(days=11)) is None
    far = objection(counted_from=first, is_change=True, promised_on=TODAY + timedelta(days=12))
    assert far is Objection.TOO_FAR


def test_staff_may_take_what_is_not_offered_and_know_better_about_broken_ones():
    closed = replace(LIMITS, is_offered=False)
    assert objection(limits=closed) is Objection.NOT_OFFERED
    assert objection(limits=closed, by_staff=True) is None
    assert objection(Given(broken_in_year=5), by_staff=True) is None
    assert objection(Given(live=2), by_staff=True) is Objection.TOO_MANY_LIVE


def test_no_limit_of_broken_ones_is_zero():
    assert objection(Given(broken_in_year=50), replace(LIMITS, broken_most=0)) is None


def part(promised: int = 1000, came: int = 0, **facts: int) -> PartFacts:
    values = {"came_in_time": came, "open": 1000 - came, "frozen": 0, "under_way": 0} | facts
    return PartFacts(promised=promised, came=came, **values)


IN_TIME = {"until_on": TODAY, "today": TODAY}
AFTER = {"until_on": TODAY, "today": TODAY + timedelta(days=1)}


@pytest.mark.parametrize(
    ("parts", "when", "expected"),
    [
        ([part()], IN_TIME, Finding(S.EXPECTED, 0)),
        ([part()], AFTER, Finding(S.BROKEN, 0, "nothing_came")),
        ([part(came=1000)], IN_TIME, Finding(S.KEPT, 1000)),
        ([part(came=1000)], AFTER, Finding(S.KEPT, 1000)),
        ([part(came=400)], IN_TIME, Finding(S.EXPECTED, 400)),
        ([part(came=400)], AFTER, Finding(S.BROKEN, 400, "partial")),
        ([part(came=400, under_way=600)], AFTER, Finding(S.EXPECTED, 400, "under_way")),
        ([part(came=400, under_way=500)], AFTER, Finding(S.BROKEN, 400, "partial")),
        ([part(came=1000), part()], AFTER, Finding(S.BROKEN, 1000, "partial")),
        ([part(came=1000), part(came=1000)], AFTER, Finding(S.KEPT, 2000)),
        # it came a day late: the record says so, and what came is shown
        ([part(came=1000, came_in_time=0, open=0)], AFTER, Finding(S.BROKEN, 1000, "partial")),
        # more came than was promised
        ([part(promised=300, came=1000)], IN_TIME, Finding(S.KEPT, 300)),
        # a credit note took what was left
        ([part(came=400, open=0)], IN_TIME, Finding(S.KEPT, 400)),
        ([part(open=0)], IN_TIME, Finding(S.CANCELLED, 0, "nothing_owed")),
        # a dispute froze it: nobody asks for it now
        ([part(frozen=1000)], IN_TIME, Finding(S.EXPECTED, 0)),
        ([part(frozen=1000)], AFTER, Finding(S.CANCELLED, 0, "frozen_otherwise")),
        ([part(came=400, frozen=600)], AFTER, Finding(S.KEPT, 400)),
        # money of an earlier payment went back: the promise is about what was promised, not more
        ([part(came=-500, open=1500)], AFTER, Finding(S.BROKEN, 0, "nothing_came")),
    ],
)
def test_what_the_ledger_says(parts, when, expected):
    assert find(parts, **when) == expected


def moves(before: PromiseState, found: PromiseState, day: int = 1) -> PromiseState | None:
    return step(before, Finding(found, 0), until_on=TODAY, today=TODAY + timedelta(days=day))


def test_a_late_return_breaks_what_was_kept_within_reason():
    assert moves(S.KEPT, S.BROKEN) is S.BROKEN
    assert moves(S.KEPT, S.BROKEN, RETURN_DAYS) is S.BROKEN
    assert moves(S.KEPT, S.BROKEN, RETURN_DAYS + 1) is None


def test_money_that_had_come_in_time_and_is_recorded_later_mends_what_was_broken():
    assert moves(S.BROKEN, S.KEPT) is S.KEPT
    assert moves(S.BROKEN, S.KEPT, RETURN_DAYS + 1) is None


def test_what_is_cancelled_stays_so_and_what_ended_is_not_cancelled_by_itself():
    assert all(moves(S.CANCELLED, state) is None for state in S)
    assert moves(S.BROKEN, S.CANCELLED) is None
    assert moves(S.KEPT, S.CANCELLED) is None


amounts = st.integers(0, 10_000)


@st.composite
def facts(draw):
    promised = draw(st.integers(1, 10_000))
    came = draw(st.integers(-2_000, 12_000))
    in_time = draw(st.integers(-2_000, max(came, -2_000))) if draw(st.booleans()) else came
    open_minor = draw(amounts)
    return PartFacts(promised, came, in_time, open_minor, draw(st.integers(0, open_minor)), draw(amounts))


parts_and_days = {"parts": st.lists(facts(), min_size=1, max_size=4), "late": st.integers(-5, 90)}


@given(**parts_and_days)
def test_whatever_the_ledger_holds_the_finding_makes_sense(parts, late):
    found = find(parts, until_on=TODAY, today=TODAY + timedelta(days=late))
    assert 0 <= found.kept <= sum(part.promised for part in parts)
    if late <= 0:
        assert found.state is not S.BROKEN
    if found.state is S.BROKEN:
        assert any(part.missing > part.under_way for part in parts)
    if found.state is S.KEPT:
        assert found.kept > 0
        assert all(part.missing == 0 for part in parts)
    if found.state is S.CANCELLED:
        assert found.kept == 0


@given(**parts_and_days)
def test_more_money_never_makes_a_promise_worse(parts, late):
    rank = {S.BROKEN: 0, S.CANCELLED: 0, S.EXPECTED: 1, S.KEPT: 2}
    today = TODAY + timedelta(days=late)
    assume(all(part.came >= 0 and part.came_in_time >= 0 for part in parts))
    before = find(parts, until_on=TODAY, today=today)
    paid = [
        replace(part, came=part.came + part.open, came_in_time=part.came_in_time + part.open, open=0, frozen=0)
        for part in parts
    ]
    after = find(paid, until_on=TODAY, today=today)
    assert rank[after.state] >= rank[before.state]
    assert after.kept >= before.kept


@given(facts())
def test_a_pause_never_covers_more_than_is_open_and_promised(part):
    wanted = pause_wanted(part)
    assert 0 <= wanted <= min(part.promised, part.open)
    assert wanted <= part.open - part.frozen


@given(st.sampled_from(list(S)), st.sampled_from(list(S)), st.integers(-5, 90))
def test_every_step_is_an_edge(before, found, late):
    after = step(before, Finding(found, 0), until_on=TODAY, today=TODAY + timedelta(days=late))
    assert after is None or (before, after) in EDGES


@given(st.integers(1, 365), st.integers(0, 30))
def test_the_last_day_and_the_grace_follow_the_limits(ahead, grace):
    limits = Limits(days_ahead=ahead, grace_days=grace)
    assert last_day(limits, TODAY) == TODAY + timedelta(days=ahead)
    assert until(limits, TODAY) == TODAY + timedelta(days=grace)


STEPS = """
expected  kept       promise.kept
expected  broken     promise.broken
expected  cancelled  promise.cancelled
kept      broken     promise.broken
kept      expected   promise.expected
broken    kept       promise.kept
broken    expected   promise.expected
"""


def test_a_promise_takes_the_steps_that_the_house_has_words_for_and_no_other():
    rows = {tuple(line.split()) for line in STEPS.splitlines() if line}
    assert {(before.value, after.value, topic) for (before, after), topic in EDGES.items()} == rows


def test_a_company_that_says_nothing_allows_two_at_once_and_six_a_year():
    usual = Limits(is_offered=True, days_ahead=21, grace_days=3, live_most=2, year_most=6, broken_most=2)
    assert Limits() == usual
    assert Given() == Given(live=0, in_year=0, broken_in_year=0)
    assert (timedelta(days=365), RETURN_DAYS) == (YEAR, 60)
    assert {each.value for each in Objection} == {
        "not_offered",
        "past",
        "too_far",
        "too_many_live",
        "too_many_in_year",
        "too_many_broken",
    }


def test_the_house_too_takes_no_promise_for_yesterday_and_none_beyond_the_last_day():
    assert objection(promised_on=TODAY - timedelta(days=1), by_staff=True) is Objection.PAST
    assert objection(promised_on=TODAY + timedelta(days=22), by_staff=True) is Objection.TOO_FAR
    assert objection(Given(in_year=6), by_staff=True) is Objection.TOO_MANY_IN_YEAR
    assert objection(Given(live=2), is_change=True) is Objection.TOO_MANY_LIVE


def test_one_broken_promise_is_enough_where_the_company_says_so():
    strict = replace(LIMITS, broken_most=1)
    assert objection(Given(broken_in_year=1), strict) is Objection.TOO_MANY_BROKEN
    assert objection(Given(), strict) is None


@pytest.mark.parametrize(
    ("facts", "kept", "missing", "unsettled"),
    [
        (part(promised=1000), 0, 1000, 1000),
        (part(promised=1000, came=400), 400, 600, 600),
        (part(promised=1000, came=-200, open=1200), 0, 1000, 1000),
        (part(promised=300, came=0, open=1000), 0, 300, 300),
        (part(promised=1000, came=1000, came_in_time=300, open=0), 1000, 700, 700),
        (part(promised=1000, came=0, open=500), 0, 500, 500),
        (part(promised=1000, came=0, open=1000, frozen=700), 0, 300, 1000),
        (part(promised=1000, came=0, open=1000, frozen=1000), 0, 0, 1000),
        (part(promised=1000, came=100, came_in_time=200, open=900), 100, 800, 800),
        (part(promised=1000, came=0, came_in_time=-300, open=1000), 0, 1000, 1000),
        (part(promised=1000, came=200, came_in_time=400, open=300), 200, 300, 300),
    ],
)
def test_what_came_what_is_missing_and_what_is_not_settled_are_three_things(facts, kept, missing, unsettled):
    assert (facts.kept, facts.missing, facts.unsettled) == (kept, missing, unsettled)


@pytest.mark.parametrize(
    ("facts", "paused"),
    [
        (part(promised=1000), 1000),
        (part(promised=1000, came=1), 999),
        (part(promised=1000, came=-50, open=1050), 1000),
        (part(promised=400, came=0, open=1000), 400),
        (part(promised=1000, open=1000, frozen=300), 700),
        (part(promised=1000, came=1000, open=0), 0),
        (part(promised=100, came=200, open=800), 0),
        (part(promised=1000, open=100, frozen=100), 0),
    ],
)
def test_a_pause_covers_what_is_still_to_come_of_the_promise(facts, paused):
    assert pause_wanted(facts) == paused


def test_payments_under_way_must_cover_each_part_not_all_together():
    parts = [part(under_way=2000), part(under_way=0)]
    assert find(parts, **AFTER) == Finding(S.BROKEN, 0, "nothing_came")
    assert find([part(under_way=1000), part(under_way=1000)], **AFTER) == Finding(S.EXPECTED, 0, "under_way")


def test_what_is_expected_moves_however_late_it_is_looked_at():
    assert moves(S.EXPECTED, S.BROKEN, RETURN_DAYS + 100) is S.BROKEN
    assert moves(S.EXPECTED, S.EXPECTED) is None
    assert moves(S.BROKEN, S.EXPECTED, RETURN_DAYS) is S.EXPECTED


def test_a_promise_that_is_kept_or_has_time_left_needs_no_cause():
    assert find([part(came=1000, came_in_time=1000, open=0)], **AFTER).cause == ""
    assert find([part()], until_on=AFTER["until_on"], today=AFTER["until_on"]).cause == ""
