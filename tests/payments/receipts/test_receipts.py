"""Transfers and cheques recorded by hand, undone, and credit that is used."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import select

from payments.models import Means
from payments.receipts import apply_credit, record_receipt, undo_receipt
from payments.reconcile.verify import verify
from payments.status import PaymentStatus as S
from shared.debtors.models import Debtor
from shared.kit.db import reading, transaction
from shared.kit.errors import Conflict, Invalid
from shared.messages.models import Message


@pytest.fixture
def dora(counter):
    return counter.open_account()


def record(counter, minor, *parts, attempt="cheque-1", on=None, means=Means.CHEQUE):
    with transaction() as session:
        debtor = session.get_one(Debtor, counter.debtor_id)
        return record_receipt(
            session,
            debtor=debtor,
            means=means,
            minor=minor,
            received_on=on or date(2031, 3, 10),
            memo="n° 1234",
            parts=parts,
            attempt=attempt,
            by=counter.by,
        ).id


def credit(counter):
    with reading() as session:
        return session.get_one(Debtor, counter.debtor_id).credit_minor


def test_a_cheque_settles_what_it_is_allocated_to(dora):
    record(dora, 12_000, dora.part("F-1", 12_000))
    assert dora.amounts("F-1") == [(0, 0)]


def test_what_is_too_much_becomes_credit_and_not_more_of_the_invoice(dora):
    record(dora, 10_000, dora.part("F-1", 6_000))
    assert (dora.amounts("F-1"), credit(dora)) == ([(6_000, 0)], 4_000)


def test_the_same_form_sent_twice_is_one_receipt(dora):
    assert record(dora, 5_000, dora.part("F-1", 5_000)) == record(dora, 5_000, dora.part("F-1", 5_000))
    assert dora.amounts("F-1") == [(7_000, 0)]


def test_an_undone_receipt_reopens_what_it_settled_and_what_its_credit_settled(dora):
    receipt = record(dora, 15_000, dora.part("F-1", 12_000))
    with transaction() as session:
        apply_credit(session, debtor_id=dora.debtor_id, parts=[dora.part("F-2", 3_000)], by=dora.by)
    assert (dora.amounts("F-1", "F-2"), credit(dora)) == ([(0, 0), (5_000, 0)], 0)

    with transaction() as session:
        undo_receipt(session, payment_id=receipt, reason="bounced", by=dora.by)

    assert (dora.amounts("F-1", "F-2"), credit(dora)) == ([(12_000, 0), (8_000, 0)], 0)
    with transaction() as session, pytest.raises(Conflict):
        undo_receipt(session, payment_id=receipt, reason="bounced", by=dora.by)
    assert verify().differences == []


def test_a_card_payment_is_not_undone_by_hand(dora):
    step = dora.pay_by_card(dora.part("F-1", 12_000))
    with transaction() as session, pytest.raises(Conflict):
        undo_receipt(session, payment_id=step.payment_id, reason="", by=dora.by)


def test_more_than_was_received_cannot_be_allocated(dora):
    with pytest.raises(Invalid):
        record(dora, 5_000, dora.part("F-1", 5_001))


def test_tomorrow_is_not_received_yet(dora):
    with pytest.raises(Invalid):
        record(dora, 5_000, on=date(2031, 3, 12))


def test_money_under_way_is_not_settled_by_hand_beside(dora):
    dora.pay_by_card(dora.part("F-1", 12_000))
    with pytest.raises(Conflict):
        record(dora, 5_000, dora.part("F-1", 5_000))


def test_the_payer_is_thanked(dora):
    receipt = record(dora, 12_000, dora.part("F-1", 12_000))
    dora.deliver()
    with reading() as session:
        assert [message.kind for message in session.scalars(select(Message))] == ["receipt"]
    assert dora.payment(receipt).status is S.CONFIRMED
