"""Amounts of every currency survive the address of a form: no float, no division by a hundred."""

from __future__ import annotations

import uuid
from dataclasses import fields, replace
from datetime import date

import pytest
from werkzeug.datastructures import MultiDict

from backoffice.plans.decide import draft
from payments.plans.rules import Terms
from portal.pay.offer import as_values, read_wish
from portal.pay.rules import What, Wish
from portal.plans import sketch
from shared.access.queries import Visitor
from shared.kit.db import reading
from shared.kit.money import Money

VISITOR = Visitor(**dict.fromkeys(field.name for field in fields(Visitor)))  # type: ignore[arg-type]
"""Nobody: an amount in an address is read without asking the database."""


def _read(wish: Wish, currency: str) -> Wish:
    with reading() as session:
        return read_wish(session, replace(VISITOR, currency=currency), MultiDict(as_values(wish, currency)))


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(("currency", "minor"), [("EUR", 5_000), ("EUR", 5_001), ("JPY", 5_000), ("TND", 5_000)])
def test_a_part_of_an_invoice_is_read_as_it_was_written(currency, minor):
    one = uuid.uuid4()
    wish = Wish(What.THESE, (one,), {one: minor})

    assert _read(wish, currency).amounts == {one: minor}


@pytest.mark.parametrize(("currency", "text"), [("EUR", "50.00"), ("JPY", "5000"), ("TND", "5.000")])
def test_the_terms_of_a_plan_are_written_in_their_currency(currency, text):
    terms = Terms(first_on=date(2030, 1, 1), each_minor=5_000, first_minor=5_000)

    for values in (sketch.as_values(None, terms, currency), draft.as_values(terms, currency)):
        assert (values["each"], values["first"]) == (text, text)
        assert Money.parse(values["each"], currency).minor == 5_000
