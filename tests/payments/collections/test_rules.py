"""When an invoice is announced, collected, shifted, skipped, tried again."""

from __future__ import annotations

import uuid
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from payments.collections.rules import TOO_EARLY, is_time_to_create, rest_of_announced, retry_day
from payments.collections.words import REASONS, WHY_FOR_DEBTOR
from payments.deciding import (
    NOT_YET,
    Ask,
    Facts,
    Later,
    Never,
    Now,
    Owed,
    Stage,
    Told,
    Under,
    charge_day,
    decide,
    spread_credit,
)
from payments.reasons import POLICIES
from shared.kit.calendars import is_target_day

TODAY = date(2026, 3, 10)  # a Tuesday


def facts(**changes):
    values = {
        "due_on": TODAY + timedelta(days=14),
        "open_minor": 10_000,
        "held_minor": 0,
        "frozen_minor": 0,
        "maximum_minor": None,
    }
    return Facts(**(values | changes))


IN_TIME = Told(date(2026, 3, 1))


def announced(**changes):
    under = Under.SAME if changes.pop("has_mandate", True) else Under.NONE
    return decide(facts(**changes), Ask(Stage.ANNOUNCE, TODAY, 14, under=under))


def collected(*, charge_on=date(2026, 3, 24), possible_on=date(2026, 3, 13), announced_minor=10_000, **changes):
    given = {"told": IN_TIME, "stage": Stage.MAKE, "under": Under.SAME, "wants_autopay": True}
    asked = {name: changes.pop(name, usual) for name, usual in given.items()}
    if not changes.pop("has_mandate", True):
        asked["under"] = Under.NONE
    ask = Ask(
        asked["stage"],
        TODAY,
        14,
        under=asked["under"],
        wants=asked["wants_autopay"],
        announced_minor=announced_minor,
        charge_on=charge_on,
        possible_on=possible_on,
        told=asked["told"],
    )
    return decide(facts(**changes), ask)


def test_an_invoice_is_announced_when_its_notice_begins():
    assert announced() == Later(10_000, date(2026, 3, 24), "notice_given")


def test_it_is_not_announced_before():
    assert announced(due_on=TODAY + timedelta(days=15)).charge_on == date(2026, 3, 25)  # a day to spare for the mail
    assert announced(due_on=TODAY + timedelta(days=16)) == Later(10_000, None, NOT_YET)


def test_a_late_run_moves_the_day_and_never_shortens_the_notice():
    assert announced(due_on=TODAY - timedelta(days=3)) == Later(10_000, date(2026, 3, 25), "notice_given")


def test_a_day_on_which_banks_rest_is_rolled_forward():
    easter_saturday = date(2026, 4, 4)
    assert charge_day(easter_saturday, today=date(2026, 3, 1), notice_days=14) == date(2026, 4, 7)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"has_mandate": False}, "no_mandate"),
        ({"open_minor": 0}, "paid"),
        ({"held_minor": 10_000}, "payment_under_way"),
        ({"frozen_minor": 10_000}, "frozen"),
        ({"maximum_minor": 9_999}, "above_maximum"),
        ({"was_tried": True}, "tried_before"),
        ({"is_left_out": True}, "left_out"),
        ({"is_left_out": True, "frozen_minor": 10_000}, "left_out"),
        ({"is_left_out": True, "open_minor": 0}, "paid"),
    ],
)
def test_each_skip_has_its_reason(changes, reason):
    assert announced(**changes) == Never(reason)


def test_only_what_is_neither_held_nor_frozen_is_announced():
    assert announced(held_minor=2_000, frozen_minor=3_000) == Later(5_000, date(2026, 3, 24), "notice_given")


def test_what_is_announced_is_not_announced_again():
    assert announced(has_live=True) == Later(10_000, None, NOT_YET)


def test_it_is_collected_on_the_day_announced():
    assert collected() == Now(10_000, date(2026, 3, 24), "on_the_day_announced")


def test_never_more_than_was_announced():
    assert collected(announced_minor=6_000) == Now(6_000, date(2026, 3, 24), "on_the_day_announced")


def test_less_when_part_is_paid_meanwhile():
    assert collected(open_minor=4_000) == Now(4_000, date(2026, 3, 24), "on_the_day_announced")


def test_a_few_days_later_when_the_provider_cannot_do_it_sooner():
    assert collected(possible_on=date(2026, 3, 26)) == Now(10_000, date(2026, 3, 26), "first_possible_day")


def test_announced_anew_when_it_would_be_much_later():
    given = {"due_on": date(2026, 3, 1), "charge_on": date(2026, 3, 5), "told": Told(date(2026, 2, 1))}

    assert collected(possible_on=date(2026, 3, 12), **given).charge_on == date(2026, 3, 12)
    later = collected(possible_on=date(2026, 3, 13), **given)
    assert later == Later(10_000, date(2026, 3, 25), "too_late_for_the_day_announced")


def test_the_longest_shift_is_a_week_to_the_day():
    friday = collected(
        due_on=date(2026, 3, 1), charge_on=date(2026, 3, 6), possible_on=date(2026, 3, 13), told=Told(date(2026, 2, 1))
    )
    assert friday == Now(10_000, date(2026, 3, 13), "first_possible_day")


def test_the_maximum_itself_is_debited_and_a_cent_more_is_not():
    assert announced(maximum_minor=10_000).minor == 10_000
    assert collected(maximum_minor=10_000).minor == 10_000
    assert collected(maximum_minor=9_999) == Never("above_maximum")
    assert collected(maximum_minor=6_000, announced_minor=6_000).minor == 6_000


@pytest.mark.parametrize(
    ("told", "verdict"),
    [
        (Told(None), Later(10_000, date(2026, 3, 24), "notice_not_sent")),
        (Told(None, is_lost=True), Never("notice_lost")),
        (Told(date(2026, 3, 11)), Later(10_000, date(2026, 3, 24), "notice_late")),
        (Told(date(2026, 3, 10)), Now(10_000, date(2026, 3, 24), "on_the_day_announced")),
        (None, Later(10_000, date(2026, 3, 24), "notice_not_sent")),
    ],
)
def test_without_a_notice_that_left_in_time_nothing_is_debited_on_that_day(told, verdict):
    assert collected(told=told) == verdict


def test_a_due_day_that_moved_after_the_notice_and_another_mandate_are_announced_anew():
    moved = facts(due_on=date(2026, 4, 1))
    for stage in (Stage.COMING, Stage.WRITTEN, Stage.MAKE):
        assert collected(due_on=moved.due_on, stage=stage) == Later(10_000, date(2026, 4, 1), "due_day_moved")
        assert collected(under=Under.OTHER, stage=stage) == Later(10_000, date(2026, 3, 24), "other_mandate")
    assert collected(due_on=date(2026, 3, 20)).reason == "on_the_day_announced"  # sooner: the day of the notice stands


@pytest.mark.parametrize("stage", [Stage.COMING, Stage.WRITTEN, Stage.MAKE])
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"credit_minor": 10_000}, "credit"),
        ({"is_contested": True}, "contested_by_bank"),
        ({"was_refunded": True}, "refunded"),
        ({"is_left_out": True}, "left_out"),
        ({"is_cancelled": True}, "not_in_the_books"),
        ({"open_minor": 99}, "too_small"),
    ],
)
def test_what_is_not_owed_in_the_end_is_never_debited_by_itself(stage, changes, reason):
    assert collected(stage=stage, **changes) == Never(reason)
    assert announced(**changes) == Never(reason)


def test_no_automatic_debit_takes_more_than_open_less_credit():
    assert announced(credit_minor=4_000).minor == 6_000
    assert collected(credit_minor=4_000).minor == 6_000
    assert collected(credit_minor=4_000, held_minor=5_000, frozen_minor=500).minor == 500


def test_what_the_debtor_asks_for_himself_needs_no_notice_and_may_leave_his_credit():
    def asked(minor, **changes):
        return decide(facts(**changes), Ask(Stage.AT_WISH, TODAY, 14, announced_minor=minor))

    assert asked(10_000, credit_minor=10_000) == Now(10_000, None, "asked_for")
    assert asked(10_001) == Never("less")
    assert asked(9_000, frozen_minor=10_000) == Never("frozen")
    assert asked(1, open_minor=0) == Never("paid")


def test_every_reason_has_words_for_staff_and_what_stops_an_announced_debit_for_the_debtor():
    stops = ("paid", "credit", "contested_by_bank", "refunded", "autopay_off", "above_maximum", "no_mandate", "frozen")
    assert set(stops) | {"other_mandate", "due_day_moved", "less"} <= set(WHY_FOR_DEBTOR)
    assert set(WHY_FOR_DEBTOR) <= set(REASONS)


def test_credit_stands_against_the_invoice_it_corrects_then_against_the_oldest():
    a, b, c = (uuid.UUID(int=n) for n in (1, 2, 3))
    owed = [Owed(a, date(2026, 3, 3), 5_000), Owed(b, date(2026, 3, 1), 5_000), Owed(c, date(2026, 3, 9), 5_000)]

    assert spread_credit(owed, credit_minor=6_000, notes=[(c, 2_000), (None, 500)]) == (
        {c: 2_000, b: 5_000, a: 1_500},
        0,
    )
    assert spread_credit(owed[:1], credit_minor=6_000, notes=[]) == ({a: 5_000}, 1_000)
    assert spread_credit(owed, credit_minor=0, notes=[(a, 7_000)]) == ({a: 5_000, b: 2_000}, 0)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"wants_autopay": False}, "autopay_off"),
        ({"has_mandate": False}, "no_mandate"),
        ({"open_minor": 0}, "paid"),
        ({"frozen_minor": 10_000}, "frozen"),
        ({"held_minor": 10_000}, "payment_under_way"),
        ({"maximum_minor": 5_000}, "above_maximum"),
    ],
)
def test_the_last_look_before_a_debit_may_still_say_no(changes, reason):
    assert collected(**changes) == Never(reason)


def test_a_debit_is_made_five_bank_days_ahead():
    assert not is_time_to_create(date(2026, 3, 18), today=TODAY)
    assert is_time_to_create(date(2026, 3, 17), today=TODAY)


@settings(deadline=None)  # the first look at a year makes its calendar
@given(
    due=st.dates(date(2024, 1, 1), date(2044, 12, 31)),
    late=st.integers(-400, 400),
    notice=st.integers(1, 30),
)
def test_the_day_of_a_debit_is_a_bank_day_with_its_whole_notice_and_never_before_the_due_day(due, late, notice):
    today = due + timedelta(days=late)

    day = charge_day(due, today=today, notice_days=notice)

    assert is_target_day(day)
    assert day >= due
    assert day - today >= timedelta(days=notice)
    assert retry_day(failed_on=today, today=today, notice_days=notice) - today >= timedelta(days=notice)


@given(today=st.dates(date(2024, 1, 1), date(2044, 12, 31)), notice=st.integers(1, 30))
def test_the_notice_of_a_retry_may_leave_after_midnight_like_that_of_a_first_debit(today, notice):
    """Written late in the evening of the day of the refusal, it leaves on the next: the debit is still made on its day."""
    day = retry_day(failed_on=today, today=today, notice_days=notice)
    told = Told(today + timedelta(days=1))

    verdict = decide(
        facts(due_on=today - timedelta(days=30)),
        Ask(Stage.MAKE, today + timedelta(days=2), notice, announced_minor=10_000, charge_on=day, told=told),
    )

    assert verdict == Now(10_000, day, "on_the_day_announced")


def test_a_due_day_whose_notice_can_be_in_time_stays_the_day_of_its_debit():
    assert charge_day(TODAY + timedelta(days=14), today=TODAY, notice_days=14) == TODAY + timedelta(days=14)
    assert charge_day(TODAY + timedelta(days=13), today=TODAY, notice_days=14) == TODAY + timedelta(days=15)


@pytest.mark.parametrize(
    ("announced_minor", "open_minor", "frozen_minor", "rest"),
    [
        (100, 100, 0, 100),
        (100, 100, 40, 60),
        (100, 250, 40, 100),
        (100, 100, 100, 0),
        (100, 100, 130, 0),
        (100, 0, 0, 0),
    ],
)
def test_of_an_announced_debit_no_more_than_is_open_and_not_frozen_takes_place(
    announced_minor, open_minor, frozen_minor, rest
):
    assert rest_of_announced(announced_minor, open_minor=open_minor, frozen_minor=frozen_minor) == rest


def test_a_day_that_the_provider_refuses_as_too_near_is_known_by_its_own_word():
    assert TOO_EARLY == "field.charge_date"
    assert TOO_EARLY not in POLICIES


def test_a_second_attempt_waits_five_bank_days_after_the_refusal():
    friday = date(2026, 3, 13)
    assert retry_day(failed_on=friday, today=friday, notice_days=1) == date(2026, 3, 20)
    assert retry_day(failed_on=friday, today=friday, notice_days=14) == date(2026, 3, 30)


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, Now(1, None, "asked_for")),
        ({"open_minor": 0}, Never("paid")),
        ({"frozen_minor": 100}, Never("frozen")),
        ({"held_minor": 100}, Never("payment_under_way")),
        ({"held_minor": 99}, Now(1, None, "asked_for")),
        ({"held_minor": 150}, Never("payment_under_way")),
    ],
)
def test_the_last_cent_may_be_asked_for_and_nothing_beyond_it(changes, verdict):
    given = {"open_minor": 100} | changes
    assert decide(facts(**given), Ask(Stage.AT_WISH, TODAY, 14, announced_minor=1)) == verdict


@pytest.mark.parametrize("minor", [0, None, -1])
def test_nothing_and_less_than_nothing_is_no_wish(minor):
    wish = Ask(Stage.AT_WISH, TODAY, 14, announced_minor=minor)
    assert decide(facts(), wish) == Never("payment_under_way")
    assert decide(facts(held_minor=9_999), wish) == Never("payment_under_way")


def test_a_wish_without_a_mandate_is_answered_so():
    wish = Ask(Stage.AT_WISH, TODAY, 14, under=Under.NONE, announced_minor=1)
    assert decide(facts(), wish) == Never("no_mandate")


def test_what_is_not_wanted_says_why_even_without_a_mandate():
    def asked(**more):
        return decide(facts(), Ask(Stage.MAKE, TODAY, 14, wants=False, **more))

    assert asked() == Never("autopay_off")
    assert asked(unwanted="plan_ended") == Never("plan_ended")
    assert asked(under=Under.NONE) == Never("autopay_off")


def test_usually_nothing_stands_in_the_way_of_a_debit():
    assert facts().credit_minor == 0
    assert decide(facts(), Ask(Stage.COMING, TODAY, 14, charge_on=date(2026, 3, 24))) == Now(
        10_000, date(2026, 3, 24), "stands"
    )


def test_a_debit_without_a_day_of_its_own_is_for_today_at_the_earliest():
    told = Told(date(2026, 2, 1))
    made = decide(facts(due_on=TODAY), Ask(Stage.MAKE, TODAY, 14, announced_minor=10_000, told=told))
    assert made == Now(10_000, TODAY, "on_the_day_announced")
    assert collected(possible_on=None) == Now(10_000, date(2026, 3, 24), "on_the_day_announced")


def test_what_is_not_announced_yet_says_how_much_it_would_be():
    assert announced(has_live=True, held_minor=1_000, credit_minor=500) == Later(8_500, None, NOT_YET)


def test_what_was_tried_and_is_now_left_out_is_left_out():
    assert announced(was_tried=True, is_left_out=True) == Never("left_out")
    assert collected(was_tried=True) == Now(10_000, date(2026, 3, 24), "on_the_day_announced")


def test_what_is_held_beyond_what_is_open_makes_nothing_available_and_no_debt():
    over = facts(held_minor=20_000, credit_minor=5)
    assert (over.free_minor, over.available_minor) == (0, 0)
    assert facts(credit_minor=20_000).available_minor == 0
    assert (facts(held_minor=9_999).free_minor, facts(held_minor=9_999).available_minor) == (1, 1)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"frozen_minor": 4_000, "held_minor": 6_000}, "frozen"),
        ({"held_minor": 9_999, "credit_minor": 1}, "credit"),
        ({"held_minor": 9_999, "frozen_minor": 1}, "frozen"),
        ({"maximum_minor": 0}, "above_maximum"),
    ],
)
def test_why_nothing_is_left_is_named_by_what_took_the_last_cent(changes, reason):
    assert collected(**changes) == Never(reason)


def test_the_stages_and_the_mandates_of_a_question_are_told_apart_by_their_words():
    assert [stage.value for stage in Stage] == ["outlook", "announce", "coming", "make", "written", "at_wish"]
    assert [under.value for under in Under] == ["none", "suspended", "same", "other"]


def test_an_outlook_says_what_the_runs_will_say_whatever_the_day():
    def looked(*, wants: bool = True, **changes: object) -> object:
        long_before = Ask(Stage.OUTLOOK, date(2025, 1, 1), 14, wants=wants, unwanted="company_stopped")
        return decide(facts(**changes), long_before)

    assert looked() == Later(10_000, None, "not_yet")
    assert looked(credit_minor=4_000) == Later(6_000, None, "not_yet")
    assert looked(was_tried=True) == Never("tried_before")
    assert looked(was_tried=True, has_live=True) == Later(10_000, None, "not_yet")
    assert looked(was_tried=True, wants=False) == Never("company_stopped")
    assert looked(was_refunded=True) == Never("refunded")


def test_credit_that_corrects_what_is_not_owed_here_is_for_the_oldest():
    a, b = uuid.UUID(int=1), uuid.UUID(int=2)
    owed = [Owed(b, date(2026, 3, 1), 100), Owed(a, date(2026, 3, 1), 100)]

    assert spread_credit(owed, credit_minor=0, notes=[(uuid.UUID(int=9), 150)]) == ({a: 100, b: 50}, 0)
    assert spread_credit(owed, credit_minor=1, notes=[(a, 30), (a, 30)]) == ({a: 61}, 0)
    assert spread_credit(owed, credit_minor=201, notes=[]) == ({a: 100, b: 100}, 1)
    assert spread_credit([], credit_minor=7, notes=[(None, 3)]) == ({}, 10)
    assert spread_credit(owed, credit_minor=0, notes=[(a, 0)]) == ({}, 0)


def test_a_euro_is_debited_and_a_cent_less_is_not():
    assert collected(open_minor=100).minor == announced(open_minor=100).minor == 100
    assert collected(announced_minor=99) == Never("too_small")
    assert announced(held_minor=9_901) == Never("too_small")


def test_what_a_note_took_of_an_invoice_is_not_taken_of_it_once_more():
    a = uuid.UUID(int=1)
    assert spread_credit([Owed(a, date(2026, 3, 1), 100)], credit_minor=80, notes=[(a, 30)]) == ({a: 100}, 10)


def test_credit_goes_to_what_is_debited_by_itself_before_what_is_not_however_old():
    old, new = uuid.UUID(int=1), uuid.UUID(int=2)
    owed = [Owed(old, date(2026, 1, 1), 100, is_debited=False), Owed(new, date(2026, 3, 1), 100)]
    assert spread_credit(owed, credit_minor=150, notes=[]) == ({new: 100, old: 50}, 0)


@pytest.mark.parametrize(
    ("under", "reason"), [(Under.NONE, "no_mandate"), (Under.SUSPENDED, "mandate_suspended"), (Under.SAME, None)]
)
def test_for_want_of_a_mandate_nothing_is_debited_and_it_is_said_which(under, reason):
    asked = [
        Ask(Stage.ANNOUNCE, TODAY, 14, under=under),
        Ask(Stage.AT_WISH, TODAY, 14, under=under, announced_minor=1_000),
    ]

    for ask in asked:
        verdict = decide(facts(), ask)
        assert (verdict.reason if isinstance(verdict, Never) else None) == reason
