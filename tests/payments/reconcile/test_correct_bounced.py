"""A payout that was corrected, or is to be, while the bank sends it back and the provider sends it again."""

from __future__ import annotations

import pytest
from sqlalchemy import text

import wsgi
from payments.payouts import book as books
from payments.reconcile.verify import verify
from shared.kit.db import reading
from tests.payments.reconcile.two_people import book_without_its_tenths, put_right


@pytest.fixture
def collected(counter):
    """A debit of Dora's in a payout."""
    wsgi.import_jobs()
    counter.open_account((12_000,))
    counter.pay_by_debit(counter.give_mandate(), counter.part("F-1", 12_000))
    counter.days(8, bank=True)
    return counter


@pytest.mark.parametrize("is_corrected_first", [True, False])
def test_a_corrected_payout_that_bounces_and_is_sent_again_stays_corrected(collected, is_corrected_first):
    name = book_without_its_tenths()
    if is_corrected_first:
        assert put_right() == 1
    collected.twins.fault("payout_fails", object=name)
    collected.deliver()
    if not is_corrected_first:
        assert put_right() == 1
    assert verify().differences == []

    collected.twins.fault("payout_retried", object=name)
    collected.days(2, bank=True)

    assert verify().differences == []
    with reading() as session:
        paid = session.scalar(text("SELECT amount_minor FROM payout WHERE provider_reference = :n"), {"n": name})
        assert sum(books.at_bank(session, books.Provider.GOCARDLESS, name).values()) == paid
