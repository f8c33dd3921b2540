"""When an invoice is announced, collected, shifted, skipped, tried again."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from payments.collections.rules import (
    Announce,
    Collect,
    Facts,
    NotYet,
    Shift,
    Skip,
    charge_day,
    decide_announcement,
    decide_collection,
    is_time_to_create,
    retry_day,
)
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


def announced(**changes):
    has_mandate = changes.pop("has_mandate", True)
    return decide_announcement(facts(**changes), today=TODAY, notice_days=14, has_mandate=has_mandate)


def collected(*, charge_on=date(2026, 3, 24), possible_on=date(2026, 3, 13), announced_minor=10_000, **changes):
    flags = {name: changes.pop(name, True) for name in ("has_mandate", "wants_autopay")}
    return decide_collection(
        facts(**changes),
        announced_minor=announced_minor,
        charge_on=charge_on,
        possible_on=possible_on,
        today=TODAY,
        notice_days=14,
        **flags,
    )


def test_an_invoice_is_announced_when_its_notice_begins():
    assert announced() == Announce(10_000, date(2026, 3, 24))


def test_it_is_not_announced_before():
    assert announced(due_on=TODAY + timedelta(days=15)) == NotYet()


def test_a_late_run_moves_the_day_and_never_shortens_the_notice():
    assert announced(due_on=TODAY - timedelta(days=3)) == Announce(10_000, date(2026, 3, 24))


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
    assert announced(**changes) == Skip(reason)


def test_only_what_is_neither_held_nor_frozen_is_announced():
    assert announced(held_minor=2_000, frozen_minor=3_000) == Announce(5_000, date(2026, 3, 24))


def test_what_is_announced_is_not_announced_again():
    assert announced(has_live=True) == NotYet()


def test_it_is_collected_on_the_day_announced():
    assert collected() == Collect(10_000, date(2026, 3, 24))


def test_never_more_than_was_announced():
    assert collected(announced_minor=6_000) == Collect(6_000, date(2026, 3, 24))


def test_less_when_part_is_paid_meanwhile():
    assert collected(open_minor=4_000) == Collect(4_000, date(2026, 3, 24))


def test_a_few_days_later_when_the_provider_cannot_do_it_sooner():
    assert collected(possible_on=date(2026, 3, 26)) == Collect(10_000, date(2026, 3, 26))


def test_announced_anew_when_it_would_be_much_later():
    assert collected(charge_on=date(2026, 2, 20)) == Shift(10_000, date(2026, 3, 24))


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
    assert collected(**changes) == Skip(reason)


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
