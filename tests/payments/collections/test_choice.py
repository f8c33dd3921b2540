"""An invoice is left out of automatic payment at the debtor's wish, and taken back in: his own, once, and while it may be."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from payments.collections import choice
from payments.collections.models import Collection, CollectionState
from payments.models import Payment
from payments.status import PaymentStatus
from shared.debtors.models import Debtor
from shared.invoices.models import Invoice, InvoiceKind
from shared.kit import clock
from shared.kit.actors import Actor
from shared.kit.audit import AuditLine
from shared.kit.db import reading, transaction
from shared.kit.errors import Conflict, DomainError, NotFound
from shared.kit.ids import new_id
from shared.messages.models import Message
from tests.payments.collections.conftest import TODAY
from tests.support.people import an_invoice

DORA = Actor.contact(new_id(), "Dora")


def leave_out(desk, number="F-1", debtor_id=None):
    with transaction() as session:
        return choice.leave_out(session, debtor_id=debtor_id or desk.dora, invoice_id=desk.ids[number], by=DORA)


def take_back(desk, number="F-1", debtor_id=None) -> None:
    with transaction() as session:
        choice.take_back(session, debtor_id=debtor_id or desk.dora, invoice_id=desk.ids[number], by=DORA)


def left_out_at(desk, number="F-1"):
    with reading() as session:
        return session.get_one(Invoice, desk.ids[number]).autopay_excluded_at


def debits() -> list[tuple[CollectionState, str]]:
    with reading() as session:
        return [(row.state, row.reason) for row in session.scalars(select(Collection).order_by(Collection.id))]


def audited(action: str) -> list[AuditLine]:
    with reading() as session:
        return list(session.scalars(select(AuditLine).where(AuditLine.action == action).order_by(AuditLine.id)))


def mails() -> list[Message]:
    with reading() as session:
        return list(session.scalars(select(Message).where(Message.kind == "debit_left_out").order_by(Message.id)))


def test_its_announced_debit_is_withdrawn_and_no_other(desk):
    desk.collection("F-1")
    desk.collection("F-2")

    assert leave_out(desk) == TODAY + timedelta(days=1)

    assert left_out_at(desk) == clock.now()
    assert left_out_at(desk, "F-2") is None
    assert debits() == [(CollectionState.SKIPPED, "left_out"), (CollectionState.ANNOUNCED, "")]


def test_it_is_to_be_paid_by_its_due_day_or_today_when_that_has_passed(desk):
    desk.change(Invoice, desk.ids["F-1"], due_on=TODAY - timedelta(days=5))
    assert leave_out(desk) == leave_out(desk) == TODAY


def test_the_debtor_is_told_what_to_pay_otherwise(desk):
    desk.change(Invoice, desk.ids["F-1"], held_minor=30)
    leave_out(desk)

    (mail,) = mails()
    assert (mail.debtor_id, mail.subject_id) == (desk.dora, desk.ids["F-1"])
    assert "F-1" in mail.subject
    assert "0,70" in mail.text_body
    assert "Dora" in mail.text_body
    assert "11 mars 2026" in mail.text_body.replace("\xa0", " ")


def test_twice_is_told_and_kept_once_and_again_after_it_was_taken_back(desk, frozen):
    leave_out(desk)
    frozen.advance(minutes=1)
    before = left_out_at(desk)
    leave_out(desk)
    assert left_out_at(desk) == before
    assert (len(mails()), len(audited("invoice.debit_left_out"))) == (1, 1)

    take_back(desk)
    take_back(desk)
    assert left_out_at(desk) is None
    leave_out(desk)
    assert (len(mails()), len(audited("invoice.debit_left_out"))) == (2, 2)
    (line,) = audited("invoice.debit_taken_back")
    assert (line.subject_type, line.subject_id, line.debtor_id) == ("invoice", desk.ids["F-1"], desk.dora)
    assert (line.company_id, line.actor_name, line.after) == (desk.company, "Dora", {"number": "F-1"})


def test_what_is_settled_is_not_left_out_and_the_last_cent_is(desk):
    desk.change(Invoice, desk.ids["F-1"], open_minor=0)
    with pytest.raises(Conflict) as refused:
        leave_out(desk)
    assert refused.value.code == "invoice.settled"
    desk.change(Invoice, desk.ids["F-2"], open_minor=1)
    assert leave_out(desk, "F-2")


def test_anothers_invoice_a_credit_note_and_what_does_not_exist_are_no_choice(desk):
    with transaction() as session:
        dora = session.get_one(Debtor, desk.dora)
        desk.ids["N-1"] = an_invoice(session, dora, "N-1", 90, kind=InvoiceKind.CREDIT_NOTE).id
    desk.ids["nothing"] = new_id()
    for number in ("G-1", "N-1", "nothing"):
        for verb in (leave_out, take_back):
            with pytest.raises(NotFound) as refused:
                verb(desk, number)
            assert refused.value.code == "invoice.missing"


def test_a_debit_that_is_written_cannot_be_left_out_until_it_has_ended(desk):
    desk.pay(("F-1", 100), reason="", to=PaymentStatus.SUBMITTED)
    desk.pay(("F-2", 200), reason="", to=PaymentStatus.CANCELLED)
    desk.pay(("F-3", 300), by_himself=True)

    with pytest.raises(Conflict) as refused:
        leave_out(desk)
    assert refused.value.code == "collection.under_way"
    assert left_out_at(desk) is None
    assert leave_out(desk, "F-2")
    assert leave_out(desk, "F-3")  # a payment of his own is no automatic debit


def stop(desk, number="F-1", debtor_id=None) -> None:
    choice.stop_written(debtor_id=debtor_id or desk.dora, invoice_id=desk.ids[number])


def test_a_debit_that_was_never_sent_is_given_up_before_its_invoice_is_left_out(desk):
    payment, other = desk.pay(("F-1", 100), reason=""), desk.pay(("F-2", 200), reason="")

    stop(desk, debtor_id=desk.eve)
    assert debits() == [(CollectionState.CREATED, ""), (CollectionState.CREATED, "")]
    stop(desk)
    stop(desk)

    with reading() as session:
        assert session.get_one(Payment, payment).status is PaymentStatus.CANCELLED
        assert session.get_one(Payment, other).status is PaymentStatus.CREATED
    assert [reason for _state, reason in debits()] == ["left_out", ""]
    assert leave_out(desk)


@pytest.mark.parametrize("mark", ["frozen_too_late", "left_before"])
def test_what_is_known_to_have_left_is_not_asked_for_again(desk, mark):
    payment = desk.pay(("F-1", 100), reason=mark)
    stop(desk)
    with reading() as session:
        assert session.get_one(Payment, payment).status is PaymentStatus.CREATED
    assert [reason for _state, reason in debits()] == [mark]
    with pytest.raises(DomainError):
        leave_out(desk)
