"""Money never loses a cent."""

from decimal import Decimal

import pytest
from babel.numbers import format_currency
from hypothesis import given
from hypothesis import strategies as st

from shared.kit.money import Money, MoneyParseError, format_money


@given(minor=st.integers(-(10**12), 10**12), parts=st.integers(1, 200))
def test_parts_sum_to_the_whole_and_differ_by_one_at_most(minor: int, parts: int) -> None:
    pieces = [piece.minor for piece in Money(minor).split(parts)]

    assert sum(pieces) == minor
    assert max(pieces) - min(pieces) <= 1


@given(minor=st.integers(0, 10**12), language=st.sampled_from(["fr", "en"]))
def test_what_is_shown_can_be_typed_back(minor: int, language: str) -> None:
    assert Money.parse(format_money(Money(minor), language)) == Money(minor)


@pytest.mark.parametrize(
    ("text", "minor"),
    [
        ("1234,5", 123450),
        ("1 234,56 €", 123456),
        ("1,234.56", 123456),
        ("1.234", 123400),
        ("(12,00)", -1200),
        ("12-", -1200),
        ("00012,30", 1230),
        ("0,50", 50),
    ],
)
def test_amounts_are_read_as_people_type_them(text: str, minor: int) -> None:
    assert Money.parse(text) == Money(minor)


@pytest.mark.parametrize("text", ["", "abc", "1,2,3", "0,005", "12,345.678.9", "1 23,4 5", "--"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(MoneyParseError):
        Money.parse(text)


def test_two_currencies_neither_add_nor_compare() -> None:
    with pytest.raises(ValueError, match="do not add"):
        Money(1, "EUR") + Money(1, "USD")


def test_a_share_is_rounded_half_up_once() -> None:
    assert Money(1050).share(Decimal("0.05")) == Money(53)


@given(st.integers(-(10**13), 10**13))
def test_euros_are_written_as_babel_writes_them(minor):
    amount = Decimal(minor).scaleb(-2)
    assert format_money(Money(minor), "fr") == format_currency(amount, "EUR", locale="fr_FR")
    assert format_money(Money(minor), "en") == format_currency(amount, "EUR", locale="en_GB")
