"""What a dispute may become, how contested money is shared out, when it is owed again."""

from __future__ import annotations

import random
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.disputes.rules import (
    DEFAULT_REASONS,
    EDGES,
    ENDED,
    LIVE,
    NEEDS_WORDS,
    RATES_FR,
    UNTAXED,
    Policy,
    Status,
    Vat,
    credited_fully,
    day_owed_again,
    gross_of_line,
    guess_rate,
    is_overdue,
    may_reopen,
    share_lines,
    split_gross,
)

TODAY = date(2026, 3, 10)


def test_every_end_can_be_reached_from_every_live_state_and_opened_again() -> None:
    for start in LIVE:
        for end in ENDED:
            assert (start, end) in EDGES
    for end in ENDED:
        assert EDGES[end, Status.OPEN].name == "reopened"


def test_no_end_leads_to_another_end() -> None:
    assert not [edge for edge in EDGES if edge[0] in ENDED and edge[1] in ENDED]


def test_every_end_tells_the_house() -> None:
    topics = {edge.topic for (_start, end), edge in EDGES.items() if end in ENDED}

    assert topics == {"dispute.resolved", "dispute.withdrawn"}


def test_the_default_reasons_are_nine_with_words_in_both_languages() -> None:
    assert len({each.code for each in DEFAULT_REASONS}) == len(DEFAULT_REASONS) == 9
    assert all(each.label_en and each.label_fr and each.deadline_days > 0 for each in DEFAULT_REASONS)


@pytest.mark.parametrize(
    ("status", "due_on", "expected"),
    [
        (Status.OPEN, TODAY - timedelta(days=1), True),
        (Status.UNDER_REVIEW, TODAY - timedelta(days=1), True),
        (Status.OPEN, TODAY, False),
        (Status.WAITING, TODAY - timedelta(days=30), False),
        (Status.REJECTED, TODAY - timedelta(days=30), False),
    ],
)
def test_an_answer_is_late_only_while_it_is_ours_to_give(status, due_on, expected) -> None:
    assert is_overdue(status, due_on=due_on, today=TODAY) is expected


@pytest.mark.parametrize(
    ("status", "days_ago", "reopened", "expected"),
    [
        (Status.REJECTED, 0, 0, True),
        (Status.REJECTED, 30, 1, True),
        (Status.REJECTED, 31, 0, False),
        (Status.REJECTED, 1, 2, False),
        (Status.OPEN, 1, 0, False),
    ],
)
def test_a_debtor_may_open_again_within_time_and_number(status, days_ago, reopened, expected) -> None:
    ended_on = TODAY - timedelta(days=days_ago)

    assert may_reopen(status, ended_on=ended_on, reopened=reopened, today=TODAY, policy=Policy()) is expected


def test_what_is_owed_again_has_its_grace_and_never_comes_before_the_due_day() -> None:
    assert day_owed_again(TODAY, due_on=TODAY - timedelta(days=40), policy=Policy()) == TODAY + timedelta(days=8)
    assert day_owed_again(TODAY, due_on=TODAY + timedelta(days=20), policy=Policy()) == TODAY + timedelta(days=20)


def test_all_lines_together_are_the_invoice_to_the_cent() -> None:
    lines = [gross_of_line(net, Decimal(20)) for net in (333, 333, 333)]

    assert sum(lines) != 1199
    assert sum(share_lines(lines, is_whole=True, total_minor=1199, left_minor=1199)) == 1199


def test_lines_share_what_is_left_and_no_more() -> None:
    assert share_lines([600, 500, 400], is_whole=False, total_minor=2000, left_minor=900) == [600, 300, 0]


@given(
    st.integers(1, 10_000_000),
    st.lists(st.tuples(st.sampled_from(RATES_FR), st.integers(1, 1_000_000)), min_size=1, max_size=4),
)
def test_an_amount_is_split_over_rates_without_losing_a_cent(gross, rates) -> None:
    table = [Vat("S", rate, base, int(base * rate / 100)) for rate, base in rates]

    split = split_gross(gross, table)

    assert sum(each.gross_minor for each in split) == gross
    for each in split:
        assert each.base_minor >= 0
        assert abs(each.base_minor * each.rate / 100 - each.vat_minor) < 1


def test_a_hundred_thousand_splits_lose_nothing() -> None:
    chance = random.Random(20)
    for _ in range(100_000):
        table = [
            Vat("S", rate, base, int(base * rate / 100))
            for rate in chance.sample(RATES_FR, chance.randint(1, 3))
            for base in (chance.randint(1, 500_000),)
        ]
        gross = chance.randint(1, 1_000_000)
        assert sum(each.gross_minor for each in split_gross(gross, table)) == gross


def test_nothing_cannot_be_split() -> None:
    with pytest.raises(ValueError, match="nothing"):
        split_gross(100, [])


@pytest.mark.parametrize(
    ("net", "vat", "rate"),
    [(10_000, 2_000, "20.00"), (10_000, 550, "5.50"), (333, 67, "20.00"), (10_000, 0, "0.00"), (10_000, 1_500, None)],
)
def test_the_rate_of_an_invoice_without_lines_is_told_by_its_totals(net, vat, rate) -> None:
    assert guess_rate(net, vat) == (None if rate is None else Decimal(rate))


def test_credited_fully_means_every_part_whole() -> None:
    assert credited_fully({"a": 10, "b": 5}, {"a": 10, "b": 5})
    assert not credited_fully({"a": 10, "b": 5}, {"a": 10})


STEPS = """
open          under_review  taken_up   -
open          waiting       asked      -
under_review  waiting       asked      -
waiting       under_review  answered   -
""" + "\n".join(
    f"{start} {end} {end} {topic}"
    for start in ("open", "under_review", "waiting")
    for end, topic in (
        ("accepted", "dispute.resolved"),
        ("rejected", "dispute.resolved"),
        ("settled", "dispute.resolved"),
        ("withdrawn", "dispute.withdrawn"),
    )
)
REOPENED = ("accepted", "rejected", "withdrawn", "settled")


def test_a_dispute_takes_the_steps_that_the_house_has_words_for_and_no_other() -> None:
    rows = {tuple(line.split()) for line in STEPS.splitlines() if line}
    rows |= {(end, "open", "reopened", "dispute.reopened") for end in REOPENED}
    found = {(start.value, end.value, edge.name, edge.topic or "-") for (start, end), edge in EDGES.items()}
    assert found == rows
    assert {status.value for status in LIVE} == {"open", "under_review", "waiting"}
    assert {status.value for status in ENDED} == set(REOPENED)


def test_each_default_reason_has_its_code_and_its_time_in_the_order_in_which_they_are_shown() -> None:
    assert [(each.code, each.deadline_days) for each in DEFAULT_REASONS] == [
        ("not_conform", 15),
        ("not_delivered", 10),
        ("price", 10),
        ("already_paid", 5),
        ("wrong_customer", 5),
        ("duplicate", 5),
        ("order_number", 5),
        ("vat", 10),
        ("other", 15),
    ]
    assert not [each for each in DEFAULT_REASONS if "XX" in each.label_en + each.label_fr]
    assert (Policy().owed_again_days, Policy().reopen_days, Policy().most_reopens) == (8, 30, 2)


def test_a_dispute_whose_end_has_no_day_is_not_opened_again_by_the_debtor() -> None:
    assert not may_reopen(Status.REJECTED, ended_on=None, reopened=0, today=TODAY, policy=Policy())


@pytest.mark.parametrize(
    ("net", "rate", "gross"),
    [
        (100, "20", 120),
        (333, "20", 400),
        (5, "10", 6),
        (4, "10", 4),
        (100, "0", 100),
        (-5, "10", -6),
        (1_000_000, "20", 1_200_000),
    ],
)
def test_a_line_is_rounded_half_up_with_its_vat(net, rate, gross) -> None:
    assert gross_of_line(net, Decimal(rate)) == gross


@pytest.mark.parametrize(
    ("lines", "whole", "total", "left", "shares"),
    [
        ([100, 50], True, 151, 500, [100, 51]),
        ([100, 50], True, 149, 500, [100, 49]),
        ([100, 50], False, 151, 500, [100, 50]),
        ([100, 50], True, 151, 120, [100, 20]),
        ([100, 50], False, 151, 0, [0, 0]),
        ([-10, 50], False, 40, 45, [0, 45]),
        ([], True, 100, 100, []),
        ([10, 20, 30], True, 61, 500, [10, 20, 31]),
    ],
)
def test_what_is_contested_of_each_line(lines, whole, total, left, shares) -> None:
    assert share_lines(lines, is_whole=whole, total_minor=total, left_minor=left) == shares
    assert len(lines) == len(shares)


def test_the_cents_that_rounding_leaves_go_to_the_largest_remainders_and_the_first_of_equal_ones() -> None:
    even = [Vat("S", Decimal(0), 100, 0), Vat("S", Decimal(0), 100, 0)]
    assert [each.gross_minor for each in split_gross(101, even)] == [51, 50]
    uneven = [Vat("S", Decimal(0), 33, 0), Vat("S", Decimal(0), 67, 0)]
    assert [each.gross_minor for each in split_gross(50, uneven)] == [17, 33]
    assert [each.gross_minor for each in split_gross(1, uneven)] == [1]
    two_to_one = [Vat("S", Decimal(0), 200, 0), Vat("S", Decimal(0), 100, 0)]
    assert [each.gross_minor for each in split_gross(10, two_to_one)] == [7, 3]


def test_each_share_keeps_the_rate_and_the_category_it_came_from() -> None:
    table = [Vat("S", Decimal(20), 1_000, 200), Vat("E", Decimal(0), 800, 0)]
    assert split_gross(1_000, table) == [Vat("S", Decimal(20), 500, 100), Vat("E", Decimal(0), 400, 0)]


@pytest.mark.parametrize("table", [[Vat("S", Decimal(20), 0, 0)], [Vat("S", Decimal(20), -100, -20)]])
def test_a_document_of_nothing_or_less_cannot_be_split(table) -> None:
    with pytest.raises(ValueError, match=r"^nothing to split over"):
        split_gross(100, table)


def test_a_document_of_one_cent_can_be_split() -> None:
    assert split_gross(5, [Vat("S", Decimal(0), 1, 0)]) == [Vat("S", Decimal(0), 5, 0)]


@pytest.mark.parametrize(
    ("net", "vat", "rate"),
    [
        (10_000, 2_001, "20"),
        (10_000, 1_999, "20"),
        (10_000, 2_002, None),
        (10_000, 1_998, None),
        (10_000, 1_000, "10"),
        (10_000, 210, "2.1"),
        (10_000, 850, "8.5"),
        (10_000, 2, None),
    ],
)
def test_a_rate_explains_totals_to_the_cent_and_no_further(net, vat, rate) -> None:
    assert guess_rate(net, vat) == (None if rate is None else Decimal(rate))


@pytest.mark.parametrize(
    ("net", "vat", "rate"),
    [
        (10_000, 1, None),
        (5, 1, "20"),
        (10, 1, "10"),
        (48, 1, "2.1"),
        (30, 0, "0"),
        (2, 0, "0"),
        (30, 2, "5.5"),
    ],
)
def test_one_cent_of_vat_is_not_taken_for_none_nor_none_for_one_cent(net, vat, rate) -> None:
    assert guess_rate(net, vat) == (None if rate is None else Decimal(rate))


def test_a_part_of_which_more_was_credited_is_not_credited_as_it_was_contested() -> None:
    assert credited_fully({}, {"a": 1})
    assert not credited_fully({"a": 10}, {"a": 9})
    assert credited_fully({"a": 0}, {})
    assert not credited_fully({"a": 1}, {})


def test_why_no_vat_is_charged_has_a_code_of_uncl_5305_and_only_exempt_needs_words_of_its_own() -> None:
    assert UNTAXED == ("E", "AE", "K", "G", "O", "Z")
    assert set(NEEDS_WORDS) == {"E"}
    assert Vat("S", Decimal(20), 100, 20).exemption_reason == ""
