"""What is added up, over how long, and what counts while nothing was given."""

from __future__ import annotations

from datetime import timedelta

from shared.giving.rules import WINDOW, Given, needs_second_person


def test_what_one_debtor_was_given_is_added_up_over_thirty_days():
    assert timedelta(days=30) == WINDOW


def test_whoever_was_given_nothing_has_had_nothing_of_any_kind():
    assert (Given().of_payment, Given().of_invoices, Given().to_debtor, Given().most) == (0, 0, 0, 0)
    assert not needs_second_person(10, Given(), limit_minor=10)
