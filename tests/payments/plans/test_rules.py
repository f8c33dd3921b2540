"""Plans: instalments lose no cent and fall on possible days; the policy's answers are true."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from payments.deciding import SMALLEST_MINOR
from payments.plans import rules
from payments.plans.rules import (
    Accepted,
    CounterOffer,
    Facts,
    Flow,
    Limit,
    NeedsPerson,
    Policy,
    Refused,
    Rhythm,
    Terms,
    add_months,
    amounts,
    decide,
    due_days,
    schedule,
    score,
    settle,
    stand,
    up_front,
)
from payments.plans.status import ENDED, FREEZES, PLAN_EDGES, PlanStatus
from shared.kit.money import Money

TODAY = date(2026, 3, 10)
FACTS = Facts(today=TODAY)
SOON = TODAY + timedelta(days=10)


def test_instalments_sum_to_the_whole_for_150000_pairs_of_amount_and_number():
    rng = random.Random(20260310)
    wish = Terms(first_on=SOON)
    checked = 0
    for _ in range(100_000):
        total, count = rng.randint(1, 50_000_000), rng.randint(1, rules.MOST_INSTALMENTS)
        if count > total:
            continue
        parts = amounts(total, replace(wish, count=count))
        assert sum(parts) == total
        assert len(parts) == count
        assert min(parts) > 0
        assert max(parts) - min(parts) <= 1
        checked += 1
    for _ in range(50_000):
        total = rng.randint(1, 5_000_000)
        each = rng.randint(max(1, total // 100), max(2, total))
        parts = amounts(total, replace(wish, each_minor=each))
        assert sum(parts) == total
        assert all(part == each for part in parts[:-1])
        assert min(SMALLEST_MINOR, each, total) <= parts[-1] < each + SMALLEST_MINOR
        checked += 1
    assert checked > 149_000


@given(st.integers(1, 10**9), st.integers(1, rules.MOST_INSTALMENTS))
def test_equal_instalments_are_the_kits_split(total, count):
    if count <= total:
        kits = [part.minor for part in Money(total).split(count)]
        assert amounts(total, Terms(first_on=SOON, count=count)) == kits


def test_days_strictly_increase_and_exist_for_every_first_day_of_five_years():
    for offset in range(5 * 366):
        first = date(2026, 1, 1) + timedelta(days=offset)
        for rhythm in Rhythm:
            days = due_days(first, rhythm, 13)
            assert days[0] == first
            assert all(earlier < later for earlier, later in pairwise(days))
        assert all(day.day == min(first.day, _last(day)) for day in due_days(first, Rhythm.MONTHLY, 13))


def _last(day):
    return (add_months(day.replace(day=1), 1) - timedelta(days=1)).day


def test_the_thirty_first_becomes_the_last_day_of_shorter_months_and_comes_back():
    days = due_days(date(2027, 12, 31), Rhythm.MONTHLY, 4)
    assert [day.isoformat() for day in days] == ["2027-12-31", "2028-01-31", "2028-02-29", "2028-03-31"]


def test_a_first_instalment_of_its_own_and_the_rest_in_equal_parts():
    wish = Terms(first_on=SOON, count=4, first_minor=40_000)
    assert amounts(100_000, wish) == [40_000, 20_000, 20_000, 20_000]
    assert amounts(100_001, replace(wish, first_minor=None, each_minor=30_000)) == [30_000, 30_000, 30_000, 10_001]
    assert amounts(100_000, replace(wish, each_minor=25_000)) == [40_000, 25_000, 25_000, 10_000]


@pytest.mark.parametrize(
    ("total", "terms"),
    [
        (0, Terms(SOON)),
        (-5, Terms(SOON)),
        (100, Terms(SOON, count=0)),
        (100, Terms(SOON, count=121)),
        (2, Terms(SOON, count=3)),
        (100, Terms(SOON, each_minor=0)),
        (100_000, Terms(SOON, each_minor=1)),
        (100, Terms(SOON, first_minor=101)),
        (100, Terms(SOON, first_minor=0)),
    ],
)
def test_terms_that_make_no_schedule_are_said_so(total, terms):
    with pytest.raises(ValueError, match=r".+"):
        amounts(total, terms)


# The policy --------------------------------------------------------------------------------------------------------------

POLICY = Policy(share_up_front=20, longest_months=6, smallest_instalment_minor=5_000, largest_total_minor=300_000)

TABLE = [
    # total, wish, facts -> kind of answer, its first reason
    (60_000, Terms(SOON, count=3), FACTS, Accepted, None),
    (60_000, Terms(SOON, count=6), FACTS, CounterOffer, Limit.SHARE_UP_FRONT),
    (60_000, Terms(SOON, count=12), FACTS, CounterOffer, Limit.TOO_LONG),
    (60_000, Terms(SOON, each_minor=4_000, first_minor=12_000), FACTS, CounterOffer, Limit.TOO_LONG),
    (60_000, Terms(TODAY - timedelta(days=1), count=3), FACTS, CounterOffer, Limit.FIRST_TOO_EARLY),
    (60_000, Terms(TODAY + timedelta(days=31), count=3), FACTS, CounterOffer, Limit.FIRST_TOO_LATE),
    (20_000, Terms(SOON, count=5), FACTS, CounterOffer, Limit.INSTALMENT_TOO_SMALL),
    (60_000, Terms(SOON, count=200), FACTS, CounterOffer, Limit.TOO_MANY_INSTALMENTS),
    (300_001, Terms(SOON, count=3), FACTS, NeedsPerson, Limit.TOTAL_TOO_LARGE),
    (60_000, Terms(SOON, count=3), replace(FACTS, broken_plans=2), NeedsPerson, Limit.SCORE_TOO_LOW),
    (60_000, Terms(SOON, count=3), replace(FACTS, live_plans=1), Refused, Limit.TOO_MANY_PLANS),
    (60_000, Terms(SOON, count=3, by_mandate=True), FACTS, Refused, Limit.NO_MANDATE),
    (60_000, Terms(SOON, count=3, by_mandate=True), replace(FACTS, has_mandate=True), Accepted, None),
    (60_000, Terms(SOON, count=1), FACTS, Refused, Limit.ONE_INSTALMENT),
    (9_000, Terms(SOON, count=3), FACTS, Refused, Limit.TOO_SMALL_TO_SPLIT),
    (0, Terms(SOON, count=3), FACTS, Refused, Limit.NOTHING_LEFT),
]


@pytest.mark.parametrize(("total", "wish", "facts", "kind", "reason"), TABLE)
def test_the_table_of_the_policy(total, wish, facts, kind, reason):
    answer = decide(POLICY, total, wish, facts)
    assert isinstance(answer, kind)
    assert (answer.reasons[0] if answer.reasons else None) == reason


def test_a_company_that_offers_no_plans_refuses_and_one_that_needs_a_mandate_says_so():
    wish = Terms(SOON, count=3)
    assert decide(replace(POLICY, is_offered=False), 60_000, wish, FACTS).reasons == (Limit.NOT_OFFERED,)
    needs = replace(POLICY, needs_mandate=True)
    assert decide(needs, 60_000, wish, FACTS).reasons == (Limit.NO_MANDATE,)
    answer = decide(needs, 60_000, wish, replace(FACTS, has_mandate=True))
    assert isinstance(answer, CounterOffer)
    assert (answer.terms.by_mandate, answer.reasons) == (True, (Limit.MANDATE_NEEDED,))


def test_the_counter_offer_is_near_a_larger_first_part_and_then_fewer_instalments():
    answer = decide(POLICY, 60_000, Terms(SOON, count=6), FACTS)
    assert isinstance(answer, CounterOffer)
    parts = amounts(60_000, answer.terms)
    assert parts[0] == up_front(POLICY, 60_000) == 12_000
    assert len(parts) == 6

    longer = decide(POLICY, 60_000, Terms(SOON, count=12), FACTS)
    assert isinstance(longer, CounterOffer)
    assert len(amounts(60_000, longer.terms)) == 6
    assert longer.terms.first_on == SOON


policies = st.builds(
    Policy,
    is_offered=st.sampled_from([True, True, True, False]),
    share_up_front=st.integers(0, 90),
    longest_months=st.integers(1, 36),
    smallest_instalment_minor=st.integers(1, 50_000),
    largest_total_minor=st.integers(0, 2_000_000),
    first_within_days=st.integers(0, 90),
    minimum_score=st.integers(0, 100),
    most_live=st.integers(1, 3),
    needs_mandate=st.booleans(),
)
wishes = st.builds(
    Terms,
    first_on=st.dates(TODAY - timedelta(days=40), TODAY + timedelta(days=200)),
    rhythm=st.sampled_from(Rhythm),
    count=st.integers(0, 130),
    each_minor=st.none() | st.integers(1, 500_000),
    first_minor=st.none() | st.integers(1, 500_000),
    by_mandate=st.booleans(),
)
facts = st.builds(
    Facts,
    today=st.just(TODAY),
    live_plans=st.integers(0, 3),
    has_mandate=st.booleans(),
    broken_plans=st.integers(0, 2),
    broken_promises=st.integers(0, 3),
    returned_debits=st.integers(0, 5),
)
totals = st.integers(0, 3_000_000)


def broken_limits(policy, total, terms, known):
    """Said once more, in other words: the limits that these terms break."""
    if total <= 0:
        return {Limit.NOTHING_LEFT}
    return broken_by_debtor(policy, total, terms, known) | broken_by_terms(policy, total, terms, known)


def broken_by_debtor(policy, total, terms, known):
    found = set()
    if not policy.is_offered:
        found.add(Limit.NOT_OFFERED)
    if known.live_plans >= policy.most_live:
        found.add(Limit.TOO_MANY_PLANS)
    if (policy.needs_mandate or terms.by_mandate) and not known.has_mandate:
        found.add(Limit.NO_MANDATE)
    if policy.needs_mandate and not terms.by_mandate:
        found.add(Limit.MANDATE_NEEDED)
    if total > policy.largest_total_minor:
        found.add(Limit.TOTAL_TOO_LARGE)
    if score(known) < policy.minimum_score:
        found.add(Limit.SCORE_TOO_LOW)
    return found


def broken_by_terms(policy, total, terms, known):
    found = set()
    if terms.first_on < known.today:
        found.add(Limit.FIRST_TOO_EARLY)
    if (terms.first_on - known.today).days > policy.first_within_days:
        found.add(Limit.FIRST_TOO_LATE)
    try:
        days = schedule(total, terms)
    except ValueError:
        return found | {Limit.TOO_MANY_INSTALMENTS}
    if len(days) < 2:
        found.add(Limit.ONE_INSTALMENT)
    if days[-1].on > add_months(known.today, policy.longest_months):
        found.add(Limit.TOO_LONG)
    small = [due.minor for due in days if due.minor < policy.smallest_instalment_minor]
    is_rest = terms.each_minor is not None and len(days) > 1 and small == [days[-1].minor]
    if small and not (is_rest and all(due.minor >= policy.smallest_instalment_minor for due in days[:-1])):
        found.add(Limit.INSTALMENT_TOO_SMALL)
    if days[0].minor * 100 < total * policy.share_up_front:
        found.add(Limit.SHARE_UP_FRONT)
    return found


@settings(max_examples=800, deadline=None)
@given(policies, totals, wishes, facts)
def test_what_is_accepted_keeps_every_limit_and_what_is_named_is_really_broken(policy, total, wish, known):
    answer = decide(policy, total, wish, known)
    broken = broken_limits(policy, total, wish, known)
    if isinstance(answer, Accepted):
        assert broken == set()
        assert answer.terms == wish
    else:
        assert answer.reasons
        assert set(answer.reasons) - {Limit.TOO_SMALL_TO_SPLIT} <= broken


@settings(max_examples=800, deadline=None)
@given(policies, totals, wishes, facts)
def test_a_counter_offer_is_accepted_by_the_same_policy(policy, total, wish, known):
    answer = decide(policy, total, wish, known)
    if isinstance(answer, CounterOffer):
        assert decide(policy, total, answer.terms, known) == Accepted(answer.terms)
        assert broken_limits(policy, total, answer.terms, known) == set()
        assert sum(due.minor for due in schedule(total, answer.terms)) == total


@settings(max_examples=300, deadline=None)
@given(totals, wishes)
def test_no_schedule_costs_more_or_less_than_the_debt(total, wish):
    try:
        days = schedule(total, wish)
    except ValueError:
        return
    assert sum(due.minor for due in days) == total
    assert all(due.minor > 0 for due in days)
    assert all(earlier.on < later.on for earlier, later in pairwise(days))
    assert days[0].on == wish.first_on


@pytest.mark.parametrize(
    ("past", "expected"),
    [
        ({}, 100),
        ({"broken_plans": 1}, 60),
        ({"broken_promises": 1}, 85),
        ({"returned_debits": 1}, 90),
        ({"broken_plans": 1, "broken_promises": 2, "returned_debits": 3}, 0),
        ({"broken_promises": 2, "returned_debits": 3}, 40),
        ({"live_plans": 3, "has_mandate": True}, 100),
    ],
)
def test_each_kind_of_past_has_its_own_weight_in_the_score(past, expected):
    assert score(replace(FACTS, **past)) == expected


def test_a_past_lowers_the_score_and_never_below_zero():
    assert score(FACTS) == 100
    assert score(replace(FACTS, broken_plans=1, broken_promises=1, returned_debits=1)) == 35
    assert score(replace(FACTS, broken_plans=9)) == 0


# Following ---------------------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(1, 10_000), min_size=1, max_size=12), st.integers(0, 50_000), st.integers(0, 50_000))
def test_payments_fill_from_the_front_credits_shorten_from_the_back(parts, credited, paid):
    made = settle(parts, credited_minor=credited, paid_minor=paid)
    whole = sum(parts)
    assert sum(each.credited_minor for each in made) == min(credited, whole)
    assert sum(each.settled_minor for each in made) == min(paid, whole - min(credited, whole))
    rests = [minor - each.credited_minor - each.settled_minor for minor, each in zip(parts, made, strict=True)]
    assert min(rests) >= 0
    open_ = [n for n, rest in enumerate(rests) if rest]
    if open_:
        assert all(each.settled_minor == 0 for each in made[open_[0] + 1 :])


@given(st.integers(1, 10_000), st.integers(0, 10_000), st.integers(0, 10_000), st.integers(0, 10_000))
def test_an_invoice_of_a_plan_is_rest_paid_and_credited_and_never_frozen_beyond_what_is_open(
    covered, by_plan, by_credit, open_now
):
    standing = stand(Flow(covered, by_plan, by_credit, open_now))
    assert standing.rest + standing.paid + standing.credited == covered
    assert min(standing.rest, standing.paid, standing.credited) >= 0
    assert standing.rest <= open_now


@pytest.mark.parametrize(
    ("flow", "rest", "paid", "credited"),
    [
        (Flow(100, 0, 0, 100), 100, 0, 0),
        (Flow(100, 30, 0, 70), 70, 30, 0),
        (Flow(100, 0, 40, 60), 60, 0, 40),
        # 40 of 100 are disputed; a credit note settles exactly those: the plan is not touched
        (Flow(60, 0, 40, 60), 60, 0, 0),
        # the disputed part is still frozen elsewhere, a transfer of 20 recorded by hand is the plan's
        (Flow(60, 20, 0, 80), 40, 20, 0),
        # 30 were under way when the plan began and have arrived
        (Flow(70, 0, 0, 70), 70, 0, 0),
        # paid by card outside the plan: counts for the next instalments
        (Flow(100, 0, 0, 75), 75, 25, 0),
    ],
)
def test_where_an_invoice_of_a_plan_stands(flow, rest, paid, credited):
    standing = stand(flow)
    assert (standing.rest, standing.paid, standing.credited) == (rest, paid, credited)


def test_debits_wait_for_a_bank_day_and_for_the_notice():
    days = schedule(60_000, Terms(date(2026, 4, 1), count=3))
    charged = rules.charge_days(days, accepted_on=date(2026, 3, 30), notice_days=14)
    # 14 days of notice move the whole series; 13 June is a Saturday
    assert charged == {1: date(2026, 4, 13), 2: date(2026, 5, 13), 3: date(2026, 6, 15)}


def test_debits_whose_first_days_lie_within_the_notice_keep_their_rhythm():
    days = schedule(60_000, Terms(date(2026, 4, 1), rhythm=Rhythm.WEEKLY, count=4))
    charged = rules.charge_days(days, accepted_on=date(2026, 3, 31), notice_days=14)

    assert list(charged.values()) == [date(2026, 4, day) for day in (14, 21, 28)] + [date(2026, 5, 5)]
    on_time = rules.charge_days(days, accepted_on=date(2026, 3, 1), notice_days=14)
    assert on_time[1] == date(2026, 4, 1)


def test_every_state_is_reached_and_every_edge_has_a_topic():
    assert {after for _before, after in PLAN_EDGES} | {PlanStatus.PROPOSED} == set(PlanStatus)
    assert all(topic.startswith("plan.") for topic in PLAN_EDGES.values())
    assert not FREEZES & ENDED
    leaving = {before for before, _after in PLAN_EDGES}
    assert {PlanStatus.CANCELLED, PlanStatus.DECLINED, PlanStatus.EXPIRED}.isdisjoint(leaving)


@pytest.mark.parametrize(
    ("total", "terms", "parts"),
    [
        (1, Terms(SOON, count=1), [1]),
        (2, Terms(SOON, count=2), [1, 1]),
        (100, Terms(SOON, count=3), [34, 33, 33]),
        (120, Terms(SOON, count=120), [1] * 120),
        (100, Terms(SOON, first_minor=100), [100]),
        (100, Terms(SOON, first_minor=1, count=2), [1, 99]),
        (120, Terms(SOON, each_minor=1), [1] * 120),
        (90, Terms(SOON, each_minor=30), [30, 30, 30]),
        (91, Terms(SOON, each_minor=30), [30, 30, 31]),
        (100, Terms(SOON, each_minor=100), [100]),
        (100, Terms(SOON, each_minor=101), [100]),
    ],
)
def test_a_debt_is_split_to_its_last_cent(total, terms, parts):
    assert amounts(total, terms) == parts


@pytest.mark.parametrize(
    ("total", "terms", "why"),
    [
        (0, Terms(SOON), "there is nothing to split"),
        (100, Terms(SOON, first_minor=101), "an instalment is more than zero and not more than the whole"),
        (100, Terms(SOON, each_minor=0), "an instalment is more than zero and not more than the whole"),
        (121, Terms(SOON, each_minor=1), "too many instalments"),
        (100, Terms(SOON, first_minor=50, count=1), "no such number of instalments"),
        (121, Terms(SOON, count=121), "no such number of instalments"),
    ],
)
def test_terms_that_make_no_schedule_say_why(total, terms, why):
    with pytest.raises(ValueError, match=f"^{why}$"):
        amounts(total, terms)


def test_terms_come_back_as_they_were_stored():
    terms = Terms(SOON, Rhythm.WEEKLY, 5, 30_000, 10_000, by_mandate=True)
    stored = rules.terms_as_json(terms)
    assert stored == {
        "first_on": SOON.isoformat(),
        "rhythm": "weekly",
        "count": 5,
        "each_minor": 30_000,
        "first_minor": 10_000,
        "by_mandate": True,
    }
    assert rules.terms_from_json(stored) == terms
    assert rules.terms_from_json(rules.terms_as_json(Terms(SOON))) == Terms(SOON, Rhythm.MONTHLY, 3, None, None)


def test_a_company_that_says_nothing_grants_what_the_house_thinks_right():
    usual = Policy()
    assert (usual.is_offered, usual.share_up_front, usual.longest_months, usual.most_live) == (True, 0, 6, 1)
    assert (usual.smallest_instalment_minor, usual.largest_total_minor) == (5_000, 500_000)
    assert (usual.first_within_days, usual.minimum_score, usual.needs_mandate) == (30, 60, False)
    assert (usual.grace_days, usual.late_after_days, usual.coming_days) == (7, 1, 3)
    assert (usual.offer_days, usual.pause_days, usual.resumes_at) == (7, 5, rules.ResumesAt.STEP_REACHED)
    assert (usual.clause_fr, usual.clause_en) == ("", "")
    person = rules.FOR_CONSUMERS
    assert (person.longest_months, person.smallest_instalment_minor, person.largest_total_minor) == (12, 3_000, 300_000)
    assert (person.grace_days, person.minimum_score) == (10, 50)
    assert usual == rules.FOR_BUSINESS
    assert rules.MOST_INSTALMENTS == 120


def test_what_stands_in_the_way_is_known_by_its_word():
    assert [each.value for each in Rhythm] == ["weekly", "fortnightly", "monthly"]
    assert [each.value for each in rules.ResumesAt] == ["step_reached", "formal_step"]
    assert " ".join(each.value for each in Limit) == (
        "nothing_left not_offered too_many_plans no_mandate mandate_needed one_instalment too_many_instalments "
        "too_small_to_split first_too_early first_within_notice first_too_late too_long instalment_too_small share_up_front "
        "total_too_large score_too_low"
    )


@pytest.mark.parametrize(
    ("rhythm", "days"),
    [
        (Rhythm.WEEKLY, [(3, 10), (3, 17), (3, 24)]),
        (Rhythm.FORTNIGHTLY, [(3, 10), (3, 24), (4, 7)]),
        (Rhythm.MONTHLY, [(3, 10), (4, 10), (5, 10)]),
    ],
)
def test_how_instalments_follow_each_other(rhythm, days):
    assert due_days(TODAY, rhythm, 3) == [date(2026, month, day) for month, day in days]
    assert due_days(TODAY, rhythm, 0) == []


def test_months_go_over_the_end_of_a_year_and_aim_at_the_day_that_was_meant():
    assert add_months(date(2026, 12, 31), 2) == date(2027, 2, 28)
    assert add_months(date(2026, 1, 1), -1) == date(2025, 12, 1)
    assert add_months(date(2026, 2, 28), 1, keep=31) == date(2026, 3, 31)
    assert add_months(date(2026, 11, 5), 1) == date(2026, 12, 5)


@pytest.mark.parametrize(
    ("share", "total", "least"), [(0, 100, 0), (20, 100, 20), (20, 101, 21), (1, 1, 1), (100, 7, 7)]
)
def test_a_share_up_front_is_rounded_up(share, total, least):
    assert up_front(replace(POLICY, share_up_front=share), total) == least


EASY = Policy(
    longest_months=6, smallest_instalment_minor=100, largest_total_minor=10_000, most_live=2, minimum_score=60
)


@pytest.mark.parametrize(
    ("total", "wish", "facts", "kind", "reasons"),
    [
        (10_000, Terms(SOON), FACTS, Accepted, ()),
        (10_001, Terms(SOON), FACTS, NeedsPerson, (Limit.TOTAL_TOO_LARGE,)),
        (9_000, Terms(SOON), replace(FACTS, broken_plans=1), Accepted, ()),
        (9_000, Terms(SOON), replace(FACTS, broken_plans=1, returned_debits=1), NeedsPerson, (Limit.SCORE_TOO_LOW,)),
        (9_000, Terms(SOON), replace(FACTS, live_plans=1), Accepted, ()),
        (9_000, Terms(SOON), replace(FACTS, live_plans=2), Refused, (Limit.TOO_MANY_PLANS,)),
        (9_000, Terms(SOON, count=2), FACTS, Accepted, ()),
        (9_000, Terms(TODAY), FACTS, Accepted, ()),
        (9_000, Terms(TODAY + timedelta(days=30)), FACTS, Accepted, ()),
        (300, Terms(SOON, count=3), FACTS, Accepted, ()),
        (299, Terms(SOON, count=3), FACTS, CounterOffer, (Limit.INSTALMENT_TOO_SMALL,)),
        (9_000, Terms(TODAY, count=7), FACTS, Accepted, ()),
        (9_000, Terms(TODAY, count=8), FACTS, CounterOffer, (Limit.TOO_LONG,)),
        (-1, Terms(SOON), FACTS, Refused, (Limit.NOTHING_LEFT,)),
        (450, Terms(SOON, each_minor=100), FACTS, Accepted, ()),
        (
            30_000,
            Terms(TODAY - timedelta(days=1), count=9),
            FACTS,
            NeedsPerson,
            (Limit.TOTAL_TOO_LARGE, Limit.FIRST_TOO_EARLY, Limit.TOO_LONG),
        ),
        (
            150,
            Terms(TODAY + timedelta(days=31), count=2),
            FACTS,
            Refused,
            (Limit.TOO_SMALL_TO_SPLIT, Limit.FIRST_TOO_LATE, Limit.INSTALMENT_TOO_SMALL),
        ),
    ],
)
def test_each_limit_turns_on_its_own_cent_day_and_number(total, wish, facts, kind, reasons):
    answer = decide(EASY, total, wish, facts)
    assert (type(answer), answer.reasons) == (kind, reasons)
    if isinstance(answer, Refused):
        assert answer.reason is reasons[0]


@pytest.mark.parametrize(
    ("total", "wish", "terms"),
    [
        (9_000, Terms(TODAY, count=8), Terms(TODAY, count=7)),
        (299, Terms(SOON, count=3), Terms(SOON, count=2)),
        (9_000, Terms(TODAY - timedelta(days=3)), Terms(TODAY)),
        (9_000, Terms(TODAY + timedelta(days=40)), Terms(TODAY + timedelta(days=30))),
        (9_000, Terms(TODAY, each_minor=1_000), Terms(TODAY, count=7)),
    ],
)
def test_the_nearest_terms_change_no_more_than_they_must(total, wish, terms):
    answer = decide(EASY, total, wish, FACTS)
    assert isinstance(answer, CounterOffer)
    assert answer.terms == terms


def test_what_is_beyond_a_plan_is_not_the_plans():
    made = [
        (each.credited_minor, each.settled_minor) for each in settle([10, 20, 30], credited_minor=35, paid_minor=15)
    ]
    assert made == [(0, 10), (5, 5), (30, 0)]
    assert [each.settled_minor for each in settle([10, 20], credited_minor=0, paid_minor=99)] == [10, 20]
    assert [each.credited_minor for each in settle([10, 20], credited_minor=-5, paid_minor=-5)] == [0, 0]
    assert [each.settled_minor for each in settle([10, 20], credited_minor=-5, paid_minor=-5)] == [0, 0]
    assert settle([], credited_minor=5, paid_minor=5) == []


def test_a_plan_payment_that_went_back_counts_for_nothing():
    standing = stand(Flow(100, -20, -10, 100))
    assert (standing.rest, standing.paid, standing.credited) == (100, 0, 0)
    standing = stand(Flow(100, 120, 0, 0))
    assert (standing.rest, standing.paid, standing.credited) == (0, 100, 0)


def test_debits_of_a_plan_without_instalments_are_none_and_a_plan_in_time_does_not_move():
    assert rules.charge_days([], accepted_on=TODAY, notice_days=14) == {}
    days = schedule(60_000, Terms(date(2026, 3, 24), count=2))
    assert rules.charge_days(days, accepted_on=TODAY, notice_days=14) == {1: date(2026, 3, 24), 2: date(2026, 4, 24)}
    assert rules.charge_days(days, accepted_on=TODAY, notice_days=15)[1] == date(2026, 3, 25)


def test_terms_that_make_no_schedule_have_none():
    assert rules.schedule_or_none(0, Terms(SOON)) == ()
    assert [(each.position, each.minor) for each in rules.schedule_or_none(100, Terms(SOON, count=2))] == [
        (1, 50),
        (2, 50),
    ]


def test_a_first_debit_leaves_its_notice_its_days_and_what_he_pays_himself_may_be_due_today():
    known = Facts(today=TODAY, has_mandate=True, notice_days=14)
    by_debit = Terms(first_on=TODAY + timedelta(days=14), by_mandate=True)

    assert decide(Policy(), 90_000, by_debit, known) == Accepted(by_debit)
    assert decide(Policy(), 90_000, Terms(first_on=TODAY), known) == Accepted(Terms(first_on=TODAY))
    too_near = replace(by_debit, first_on=TODAY + timedelta(days=13))
    assert decide(Policy(), 90_000, too_near, known) == CounterOffer(by_debit, (Limit.FIRST_WITHIN_NOTICE,))


@pytest.mark.parametrize(
    ("total", "first", "each", "is_granted"),
    [
        (13_000, None, 6_000, True),  # the last of three is a small rest
        (7_000, None, 6_000, True),
        (22_000, 10_000, 4_000, False),
        (15_000, 5_000, 4_999, False),
        (15_000, 4_999, 6_000, False),
    ],
)
def test_of_so_much_each_time_the_last_alone_may_be_small(total, first, each, is_granted):
    wish = Terms(first_on=SOON, each_minor=each, first_minor=first)
    answer = decide(Policy(), total, wish, FACTS)
    assert isinstance(answer, Accepted) is is_granted
    assert is_granted or Limit.INSTALMENT_TOO_SMALL in answer.reasons


def test_a_counter_offer_has_no_more_instalments_than_were_wished():
    wish = Terms(first_on=SOON, count=3, first_minor=98_000)  # leaves two of ten euros
    answer = decide(Policy(), 100_000, wish, FACTS)
    assert answer == CounterOffer(replace(wish, first_minor=None), (Limit.INSTALMENT_TOO_SMALL,))


def test_a_counter_offer_keeps_the_first_instalment_that_was_wished_before_it_makes_all_equal():
    wish = Terms(first_on=SOON, count=12, first_minor=40_000)
    answer = decide(Policy(), 100_000, wish, FACTS)
    assert (answer.terms.first_minor, answer.reasons) == (40_000, (Limit.TOO_LONG,))


def test_no_counter_offer_asks_for_a_first_instalment_of_its_own_below_the_one_that_was_wished():
    wish = Terms(first_on=SOON, count=3, first_minor=98_000)
    answer = decide(Policy(share_up_front=50), 100_000, wish, FACTS)
    assert schedule(100_000, answer.terms) == schedule(100_000, Terms(first_on=SOON, count=2))


def test_plan_payments_that_went_back_leave_no_more_to_the_plan_than_it_covered():
    assert stand(Flow(covered=100, by_plan=-50, by_credit=0, open_now=150)).rest == 100


@pytest.mark.parametrize(
    ("last", "until", "asked"),
    [
        (99, 9, 0),
        (99, 10, 5_000),
        (99, 19, 5_000),
        (99, 20, 9_099),
        (100, 20, 9_000),
        (100, 30, 9_100),
        (99, 40, 9_099),
    ],
)
def test_debits_ask_for_what_is_due_and_for_a_rest_that_is_too_small_for_a_debit_of_its_own(last, until, asked):
    dues = [
        rules.Due(position, TODAY + timedelta(days=10 * position), minor)
        for position, minor in enumerate((5_000, 4_000, last), start=1)
    ]
    assert rules.asked_until(dues, TODAY + timedelta(days=until)) == asked


def test_a_small_plan_is_not_asked_for_before_its_day():
    assert rules.asked_until([rules.Due(1, SOON, 50)], TODAY) == 0


def test_of_whom_nothing_else_is_known_has_no_plan_and_waits_for_no_notice():
    assert Facts(TODAY).earliest(by_mandate=True) == TODAY
    assert Limit.TOO_MANY_PLANS in decide(Policy(most_live=0), 90_000, Terms(first_on=SOON), Facts(TODAY)).reasons
    assert isinstance(decide(Policy(most_live=1), 90_000, Terms(first_on=SOON), Facts(TODAY)), Accepted)
