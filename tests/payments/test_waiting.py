"""What could not be used while a payment held its invoice is used in the commit in which the hold ends."""

from __future__ import annotations

import uuid
from decimal import Decimal

import pytest
from sqlalchemy import select

import wsgi
from payments.cards import checkout
from payments.collections.models import Collection, CollectionState
from payments.collections.run import run
from payments.reconcile.verify import verify
from payments.status import PaymentStatus
from shared.company.models import Company
from shared.debtors.models import Contact, Debtor
from shared.disputes import decide
from shared.disputes.decide import CreditWish
from shared.disputes.models import DisputePart
from shared.disputes.service import Claim, raise_dispute
from shared.invoices.models import Invoice, InvoiceKind
from shared.kit.actors import Actor
from shared.kit.db import reading, transaction
from shared.kit.outbox.relay import perform_due
from tests.support.people import an_invoice

STAFF = Actor.staff(uuid.UUID(int=7), "Sam")


@pytest.fixture
def dora(counter):
    """Dora pays by direct debit on the due date; F-1 (120.00) is due in 14 days."""
    wsgi.import_jobs()
    counter.open_account(amounts=())
    counter.mandate_id = counter.give_mandate()
    with transaction() as session:
        debtor = session.get_one(Debtor, counter.debtor_id)
        debtor.autopay = True
        counter.invoices["F-1"] = an_invoice(session, debtor, "F-1", 12_000, due_in=14).id
        counter.contact = session.scalars(select(Contact.id)).one()
    counter.deliver()
    return counter


def run_today():
    with reading() as session:
        company_id = session.scalars(select(Company.id)).one()
    run(company_id)
    perform_due()


def credit_whole(counter, minor=12_000):
    """Dora contests, and is right: a credit note over all of it."""
    with transaction() as session:
        dispute = raise_dispute(
            session,
            debtor_id=counter.debtor_id,
            claims=[Claim(counter.invoices["F-1"], minor=minor)],
            reason_code="price",
            text="No.",
            attempt=str(uuid.uuid4()),
            contact_id=counter.contact,
            by=Actor.contact(counter.contact, "Dora"),
        )
        part = session.scalars(select(DisputePart).where(DisputePart.dispute_id == dispute.id)).one()
        wish = CreditWish({part.id: minor}, vat_rate=Decimal(20))
        decide.accept(session, dispute_id=dispute.id, text="You are right.", credit=wish, by=STAFF)


def notes(counter):
    with reading() as session:
        query = select(Invoice.open_minor).where(Invoice.kind == InvoiceKind.CREDIT_NOTE)
        return list(session.scalars(query.where(Invoice.debtor_id == counter.debtor_id)))


def standing(counter):
    with reading() as session:
        debtor = session.get_one(Debtor, counter.debtor_id)
        return debtor.open_minor, debtor.held_minor, debtor.credit_minor


def assert_clean():
    assert verify(with_providers=True).differences == []


def test_a_debit_that_comes_back_is_not_presented_again_when_a_note_has_covered_it(dora):
    run_today()
    dora.days(10)
    run_today()
    dora.deliver()
    (payment,) = dora.payments()
    dora.days(3)
    assert dora.payment(payment.id).status is PaymentStatus.SUBMITTED
    credit_whole(dora)
    dora.deliver()
    assert notes(dora) == [12_000]

    dora.twins.advance(seconds=2)
    dora.twins.fault("failure", object=dora.payment(payment.id).provider_reference, reason="AM04")
    dora.deliver()

    assert dora.amounts("F-1") == [(0, 0)]
    assert notes(dora) == [0]
    assert standing(dora) == (0, 0, 0)
    for _ in range(3):
        run_today()
        dora.days(5)
    with reading() as session:
        live = select(Collection).where(Collection.state == CollectionState.ANNOUNCED)
        assert session.scalars(live).all() == []
    assert len(dora.twins.objects("gocardless", "payments")) == 1
    assert_clean()


def test_a_page_that_is_left_does_not_ask_again_for_what_a_note_has_covered(dora):
    step = dora.pay_by_card(dora.part("F-1", 5_000))
    credit_whole(dora, 12_000 - 5_000)
    with transaction() as session:  # and the rest, held by the page, as well
        debtor = session.get_one(Debtor, dora.debtor_id)
        note = an_invoice(session, debtor, "AV-1", 5_000, kind=InvoiceKind.CREDIT_NOTE)
        note.credits_invoice_id = dora.invoices["F-1"]
    assert dora.amounts("F-1") == [(5_000, 5_000)]

    checkout.abandon(step.payment_id, dora.debtor_id, dora.by)
    dora.deliver()

    assert dora.amounts("F-1") == [(0, 0)]
    assert_clean()


def test_a_chargeback_after_a_note_asks_for_nothing(dora):
    step = dora.pay_by_card(dora.part("F-1", 12_000))
    with transaction() as session:
        debtor = session.get_one(Debtor, dora.debtor_id)
        note = an_invoice(session, debtor, "AV-1", 12_000, kind=InvoiceKind.CREDIT_NOTE)
        note.credits_invoice_id = dora.invoices["F-1"]
    dora.twins.pay(step.url)
    dora.deliver()
    assert (dora.amounts("F-1"), notes(dora)) == ([(0, 0)], [12_000])

    dora.twins.advance(seconds=2)
    dora.twins.fault("chargeback", object=dora.payment(step.payment_id).provider_reference)
    dora.deliver()

    assert (dora.amounts("F-1"), notes(dora)) == ([(0, 0)], [0])
    assert_clean()


def test_money_paid_twice_settles_its_invoice_when_the_other_payment_goes_back(dora):
    """A won chargeback or a late confirmation found its invoice held: the money is credit until the hold ends."""
    card = dora.pay_by_card(dora.part("F-1", 12_000))
    dora.twins.pay(card.url)
    dora.deliver()
    dora.twins.advance(seconds=2)
    dora.twins.fault("chargeback", object=dora.payment(card.payment_id).provider_reference)
    dora.deliver()
    debit = dora.pay_by_debit(dora.mandate_id, dora.part("F-1", 12_000))
    dispute = dora.twins.objects("stripe", "dispute")[-1]["id"]
    dora.twins.advance(seconds=2)
    dora.twins.fault("dispute_won", object=dispute)
    dora.deliver()
    assert standing(dora) == (12_000, 12_000, 12_000)

    from payments.mandates import collect

    collect.cancel(debit.id, dora.debtor_id, dora.by)
    dora.deliver()

    assert dora.amounts("F-1") == [(0, 0)]
    assert standing(dora) == (0, 0, 0)
    assert_clean()
