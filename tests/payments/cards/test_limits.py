"""The smallest card payment by currency, and what a card statement says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.cards.limits import SMALLEST_MINOR, smallest_minor, statement_suffix
from shared.kit.money import Money

PUBLISHED = """
USD 0.50  AED 2.00  AUD 0.50  BGN 1.00  BRL 0.50  CAD 0.50  CHF 0.50  CZK 15.00  DKK 2.50  EUR 0.50  GBP 0.30  HKD 4.00
HUF 175.00  INR 0.50  JPY 50  MXN 10.00  MYR 2.00  NOK 3.00  NZD 0.50  PLN 2.00  RON 2.00  SEK 3.00  SGD 0.50  THB 10.00
"""
"""docs.stripe.com/currencies.md, "Minimum and maximum charge amounts", as it was read in November 2026."""


def test_the_smallest_card_payments_are_those_that_stripe_publishes_for_each_currency():
    words = PUBLISHED.split()
    published = dict(zip(words[::2], words[1::2], strict=True))

    ours = {currency: str(Money(minor, currency).decimal) for currency, minor in SMALLEST_MINOR.items()}

    assert ours == published
    assert len(published) == 24


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
