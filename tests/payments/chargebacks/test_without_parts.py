"""A payment that settles nothing any more may be taken back all the same: its case opens, and closes by itself."""

from __future__ import annotations

import uuid

import pytest
from sqlalchemy import select

import wsgi
from payments.cards import checkout
from payments.chargebacks import service
from payments.chargebacks.jobs import watch
from payments.chargebacks.models import Chargeback
from payments.chargebacks.queries import parts_of
from payments.chargebacks.rules import ChargebackState
from payments.models import Means
from payments.receipts import record_receipt
from payments.reconcile.verify import verify
from payments.refunds import service as refunds
from payments.refunds.send import send
from payments.service import Facts, advance
from payments.status import PaymentStatus
from shared.debtors.models import Debtor
from shared.kit import clock
from shared.kit.actors import Actor
from shared.kit.db import reading, transaction
from shared.kit.errors import Conflict
from shared.ledger.rules import Part
from shared.messages.models import Message
from tests.support.people import a_witness

SAM = Actor.staff(uuid.UUID(int=7), "Sam")
BANK = Actor.provider("stripe")


@pytest.fixture
def dora(counter):
    wsgi.import_jobs()
    return counter.open_account(amounts=(12_000,))


def step(payment_id, to, **facts):
    with transaction() as session:
        advance(session, payment_id, to, by=BANK, facts=Facts(**facts))


def refunded(dora):
    """Paid by card, and given back whole as a favour: the invoice is settled, the payment settles nothing."""
    page = dora.pay_by_card(Part(dora.invoices["F-1"], 12_000))
    dora.twins.pay(page.url)
    dora.deliver()
    with transaction() as session:
        refund = refunds.ask(session, payment_id=page.payment_id, minor=12_000, reason="sorry", by=SAM, is_owed=False)
        refund_id = refund.id
    send(refund_id)
    dora.deliver()
    return page.payment_id


def credit(dora):
    """Its page was left, a cheque settled the invoice, and then the money came all the same: it is credit."""
    page = dora.pay_by_card(Part(dora.invoices["F-1"], 12_000))
    checkout.abandon(page.payment_id, dora.debtor_id, dora.by)
    with transaction() as session:
        record_receipt(
            session,
            debtor=session.get_one(Debtor, dora.debtor_id),
            means=Means.CHEQUE,
            minor=12_000,
            received_on=clock.today(),
            memo="",
            parts=[Part(dora.invoices["F-1"], 12_000)],
            attempt="cheque",
            by=SAM,
        )
    step(page.payment_id, PaymentStatus.CONFIRMED, provider_reference="pi_late", amount_minor=12_000)
    return page.payment_id


@pytest.mark.parametrize("before", [refunded, credit])
@pytest.mark.parametrize("end", ["lost", "owed", "given_up"])
def test_a_case_that_opens_nothing_opens_and_ends_and_asks_for_nothing(dora, before, end):
    payment_id = before(dora)
    assert dora.amounts("F-1") == [(0, 0)]

    step(
        payment_id, PaymentStatus.CHARGED_BACK, amount_minor=12_000, object_reference="du_1", failure_code="fraudulent"
    )
    dora.deliver()

    with reading() as session:
        case = session.scalars(select(Chargeback)).one()
        assert (case.state, parts_of(session, case.id)) == (ChargebackState.OPEN, [])
    assert verify(with_providers=False).differences == []
    with transaction() as session:
        found = service.lock_chargeback(session, case.id)
        service._advance(session, found, ChargebackState.TO_DECIDE, by=BANK)  # the bank has decided
    if end == "owed":
        with pytest.raises(Conflict, match="nothing to decide"), transaction() as session:
            service.owe(session, chargeback_id=case.id, text="It was for nothing.", by=SAM)
    elif end == "given_up":
        with pytest.raises(Conflict, match="nothing to decide"), transaction() as session:
            service.give_up(session, chargeback_id=case.id, text="Never mind.", by=a_witness(SAM))
    watch({})
    dora.deliver()

    with reading() as session:
        assert session.get_one(Chargeback, case.id).state is ChargebackState.SETTLED
        kinds = set(session.scalars(select(Message.kind).where(Message.kind.startswith("chargeback"))))
    assert kinds == set()
    assert dora.amounts("F-1") == [(0, 0)]
    assert verify(with_providers=False).differences == []
