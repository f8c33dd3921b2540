"""What a payout is to each company: nothing is lost and nothing invented by rounding."""

from __future__ import annotations

import uuid
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.gateways.base import PayoutLine
from payments.payouts.rules import Owners, Share, rounded, shares, unexplained

ONE, TWO = uuid.UUID(int=1), uuid.UUID(int=2)
OWNERS = Owners({"PM1": ONE, "PM2": TWO}, {"PO0": {ONE: 700, TWO: 300}}, ONE)


def line(kind: str, gross: str, fee: str = "0", payment: str | None = "PM1", payout: str | None = None) -> PayoutLine:
    return PayoutLine(kind, payment, Decimal(gross), Decimal(fee), payout)


def test_ten_items_with_a_tenth_are_summed_before_they_are_rounded():
    lines = [part for _ in range(10) for part in (line("payment", "1000.0"), line("fee", "0", "20.5"))]

    assert shares(lines, 9_795, OWNERS) == {ONE: Share(10_000, 205)}
    assert unexplained(lines, 9_795) == 0


def test_half_a_cent_may_go_either_way_as_the_provider_says():
    lines = [line("payment", "3150.0"), line("fee", "0", "91.5")]

    assert shares(lines, 3_058, OWNERS) == {ONE: Share(3_150, 92)}
    assert shares(lines, 3_059, OWNERS) == {ONE: Share(3_150, 91)}


def test_what_the_lines_do_not_explain_is_said_to_the_cent():
    lines = [line("payment", "1000.0"), line("fee", "0", "20.5")]

    assert unexplained(lines, 980) == 0
    assert unexplained(lines, 1_000) == 21
    assert unexplained(lines, 900) == -80


def test_a_payout_that_came_back_is_no_fee():
    lines = [line("payment", "5000", "100"), line("payout_returned", "1000", payment=None, payout="PO0")]

    found = shares(lines, 5_900, OWNERS)

    assert found == {ONE: Share(5_700, 100), TWO: Share(300, 0)}


def test_a_payout_that_came_back_and_that_we_never_booked_goes_to_who_has_the_most():
    lines = [line("payment", "10", payment="PM2"), line("payout_returned", "1000", payment=None, payout="PO9")]

    assert shares(lines, 1_010, OWNERS) == {TWO: Share(1_010, 0)}


def test_what_is_neither_payment_nor_fee_comes_from_elsewhere():
    lines = [line("payment", "5000", "100"), line("other", "-300", payment=None)]

    assert shares(lines, 4_600, OWNERS) == {ONE: Share(5_000, 100, -300)}


def test_without_a_company_there_is_no_share():
    assert shares([line("other", "1", payment=None)], 1, Owners({}, {}, None)) == {}


TENTHS = st.integers(-100_000, 1_000_000).map(lambda tenths: Decimal(tenths) / 10)
LINES = st.lists(
    st.builds(
        PayoutLine,
        st.sampled_from(("payment", "fee", "other", "refund")),
        st.sampled_from(("PM1", "PM2", "PM3", None)),
        TENTHS,
        TENTHS,
    ),
    min_size=1,
    max_size=30,
)


@given(LINES, st.sampled_from((Decimal("-0.9"), Decimal(0), Decimal("0.9"))))
def test_the_shares_make_exactly_the_payout(lines: list[PayoutLine], off: Decimal):
    exact = sum(one.gross_minor - one.fee_minor for one in lines)
    amount = int((exact + off).to_integral_value())

    found = shares(lines, amount, OWNERS)

    assert sum(share.net_minor for share in found.values()) == amount
    for company, reference in ((ONE, "PM1"), (TWO, "PM2")):
        mine = [one for one in lines if one.payment_reference == reference]
        if mine and len(found) == 2 and not any(one.payment_reference in ("PM3", None) for one in lines):
            net = sum(one.gross_minor - one.fee_minor for one in mine)
            assert abs(found[company].net_minor - net) < 2


def test_whoever_has_more_takes_what_belongs_to_nobody_and_of_two_equal_ones_always_the_same():
    mine = [line("payment", "1000", "10"), line("payment", "2000", "20", payment="PM2")]
    nobody = [line("refund", "-100", "5", payment="PM9"), line("other", "-30", payment=None)]

    found = shares(mine + nobody, 2_835, OWNERS)
    assert found == {ONE: Share(1_000, 10), TWO: Share(1_900, 25, -30)}
    assert (found[ONE].net_minor, found[TWO].net_minor) == (990, 1_845)

    equal = [line("payment", "1000"), line("payment", "1000", payment="PM2"), line("fee", "0", "7", payment=None)]
    assert shares(equal, 1_993, OWNERS) == {ONE: Share(1_000, 0), TWO: Share(1_000, 7)}


def test_more_goes_back_than_came_and_the_one_who_lost_most_takes_the_rest():
    lines = [line("refund", "-5000"), line("payment", "1000", payment="PM2"), line("fee", "0", "40", payment=None)]
    assert shares(lines, -4_040, OWNERS) == {ONE: Share(-5_000, 40), TWO: Share(1_000, 0)}


def test_a_payout_of_nothing_of_ours_goes_to_the_home_of_the_keys():
    assert shares([line("payment", "500", "5", payment="PM9")], 495, OWNERS) == {ONE: Share(500, 5)}


def test_what_no_line_explains_comes_from_elsewhere():
    assert shares([line("payment", "1000")], 1_200, OWNERS) == {ONE: Share(1_000, 0, 200)}


@pytest.mark.parametrize(
    ("amount", "left"), [(980, 0), (979, 0), (981, 2), (978, -2), (982, 3)], ids=["up", "down", "over", "under", "more"]
)
def test_less_than_a_whole_cent_off_is_explained_by_rounding(amount, left):
    assert unexplained([line("payment", "1000.0", "20.5")], amount) == left


def test_a_whole_cent_off_is_not_explained():
    assert unexplained([line("payment", "1000", "20")], 981) == 1
    assert unexplained([line("payment", "1000", "20")], 979) == -1


def test_an_earlier_payout_that_came_back_with_another_amount_is_not_shared_as_it_was():
    lines = [line("payment", "5000"), line("payout_returned", "999", payment=None, payout="PO0")]
    assert shares(lines, 5_999, OWNERS) == {ONE: Share(5_999, 0)}


def test_the_cent_that_rounding_leaves_goes_to_the_larger_remainder():
    lines = [line("payment", "100.3"), line("payment", "100.7", payment="PM2")]
    found = shares(lines, 201, OWNERS)
    assert (found[ONE].net_minor, found[TWO].net_minor) == (100, 101)
    even = [line("payment", "100.5"), line("payment", "100.5", payment="PM2")]
    found = shares(even, 201, OWNERS)
    assert (found[ONE].net_minor, found[TWO].net_minor) == (101, 100)


def test_half_a_cent_is_rounded_up():
    assert [rounded(Decimal(text)) for text in ("0.4", "0.5", "1.5", "-0.4", "-0.5")] == [0, 1, 2, 0, -1]
