"""The smallest card payment by currency, and what a card statement says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.cards.limits import smallest_minor, statement_suffix
from shared.kit.money import Money


@pytest.mark.parametrize(
    ("currency", "least"),
    [("EUR", "0.50"), ("GBP", "0.30"), ("JPY", "50"), ("CZK", "15.00"), ("HUF", "175.00"), ("SEK", "3.00")],
)
def test_the_smallest_card_payment_is_that_of_its_currency(currency, least):
    assert str(Money(smallest_minor(currency), currency).decimal) == least


def test_where_nothing_is_published_the_provider_decides():
    assert smallest_minor("XPF") == 1


@pytest.mark.parametrize(
    ("company", "reference", "suffix"),
    [
        ("Béton Lyon", "PAY-7F3K-2M9Q-4", "2M9Q-4 BETON LYON"),
        ("Société Générale d'Électricité", "PAY-7F3K-2M9Q-4", "2M9Q-4 SOCIETE GEN"),
        ("株式会社", "PAY-1234-5678-9", "P 5678-9"),
    ],
)
def test_a_card_statement_names_the_company_and_the_payment(company, reference, suffix):
    assert statement_suffix(company, reference) == suffix


@given(st.text(max_size=60), st.text("0123456789ABCDEFGHJKMNPQRSTVWXYZ", min_size=9, max_size=9))
def test_a_suffix_is_always_one_that_the_provider_takes(company, drawn):
    suffix = statement_suffix(company, f"PAY-{drawn[:4]}-{drawn[4:8]}-{drawn[8]}")

    assert 1 <= len(suffix) <= 18
    assert suffix.isascii()
    assert any(letter.isalpha() for letter in suffix)
    assert not set(suffix) & set("<>\\'\"*")
