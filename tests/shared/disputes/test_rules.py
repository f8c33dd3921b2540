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
    RATES_FR,
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
