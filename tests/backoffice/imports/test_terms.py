from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backoffice.imports.terms import EndOfMonth, Terms, due_on, longest_lawful, month_end, parse_terms

days = st.dates(date(2000, 1, 1), date(2090, 1, 1))


@pytest.mark.parametrize(
    ("terms", "due"),
    [
        (Terms(30), date(2026, 2, 9)),
        (Terms(0), date(2026, 1, 10)),
        (Terms(45, EndOfMonth.FIRST), date(2026, 3, 17)),
        (Terms(45, EndOfMonth.LAST), date(2026, 2, 28)),
        (Terms(30, EndOfMonth.FIRST, 10), date(2026, 3, 10)),
        (Terms(30, EndOfMonth.LAST, 10), date(2026, 3, 10)),
        (Terms(0, EndOfMonth.NONE, 31), date(2026, 1, 31)),
        (Terms(25, EndOfMonth.NONE, 31), date(2026, 2, 28)),
    ],
)
def test_an_invoice_of_10_january_falls_due(terms, due):
    assert due_on(date(2026, 1, 10), terms) == due


@given(days, st.integers(0, 120), st.sampled_from(EndOfMonth), st.none() | st.integers(1, 31))
def test_an_invoice_is_never_due_before_its_days_are_over(issued_on, count, reading, fixed):
    due = due_on(issued_on, Terms(count, reading, fixed))

    assert due >= issued_on + timedelta(days=count)
    assert due <= issued_on + timedelta(days=count + 62)
    if fixed:
        assert due.day == min(fixed, month_end(due).day)


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("30 jours", Terms(30)),
        ("net 60", Terms(60)),
        ("45 jours fin de mois", Terms(45, EndOfMonth.FIRST)),
        ("45 FDM", Terms(45, EndOfMonth.FIRST)),
        ("fin de mois + 45 jours", Terms(45, EndOfMonth.FIRST)),
        ("30 jours fin de mois le 10", Terms(30, EndOfMonth.FIRST, 10)),
        ("à réception", Terms(0)),
        ("Due on receipt", Terms(0)),
        ("selon accord", None),
        ("999 jours", None),
    ],
)
def test_terms_are_read_as_people_write_them(text, terms):
    assert parse_terms(text) == terms


def test_days_end_of_month_follows_the_reading_of_the_contract():
    assert parse_terms("45 jours fin de mois", end_of_month=EndOfMonth.LAST) == Terms(45, EndOfMonth.LAST)
    assert parse_terms("fin de mois 45 jours", end_of_month=EndOfMonth.LAST) == Terms(45, EndOfMonth.FIRST)


def test_the_law_allows_sixty_days_or_forty_five_end_of_month():
    assert longest_lawful(date(2026, 1, 10)) == date(2026, 3, 17)
    assert longest_lawful(date(2026, 1, 31)) == date(2026, 4, 1)
