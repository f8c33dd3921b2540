"""A refund says whether what it gives back is still owed; what the bank then takes back beyond it is no silent loss."""

from __future__ import annotations

import pytest
from sqlalchemy import select

import wsgi
from payments.collections.models import Collection
from payments.collections.run import run
from payments.models import Refund
from payments.reconcile.verify import verify
from payments.refunds import service as refunds
from shared.company.models import Company
from shared.debtors.models import Debtor
from shared.invoices.models import Invoice
from shared.kit.actors import Actor
from shared.kit.audit import AuditLine
from shared.kit.db import reading, transaction
from shared.kit.errors import Conflict
from shared.kit.ids import new_id
from shared.kit.outbox.models import OutboxMessage
from shared.kit.outbox.relay import perform_due
from shared.ledger.service import loss_of
from shared.messages.models import Message

SAM = Actor.staff(new_id(), "Sam")


@pytest.fixture
def dora(counter):
    """Dora, on automatic payment, has paid F-1 (120.00) by a debit that is paid out."""
    wsgi.import_jobs()
    counter.open_account(amounts=(12_000,))
    counter.mandate_id = counter.give_mandate()
    with transaction() as session:
        session.get_one(Debtor, counter.debtor_id).autopay = True
    counter.paid = counter.pay_by_debit(counter.mandate_id, counter.part("F-1", 12_000)).id
    counter.days(8, bank=True)
    return counter


def refund(counter, minor, *, is_owed):
    with transaction() as session:
        session.scalars(select(Company)).one().four_eyes_minor = 50_000
        refunds.ask(session, payment_id=counter.paid, minor=minor, reason="goodwill", by=SAM, is_owed=is_owed)
    counter.deliver()


def text_of(kind):
    with reading() as session:
        return session.scalars(
            select(Message.text_body).where(Message.kind == kind).order_by(Message.id.desc())
        ).first()


def run_for(counter, days):
    with reading() as session:
        company_id = session.scalars(select(Company.id)).one()
    for _ in range(days // 5):
        run(company_id)
        perform_due()
        counter.days(5)


def test_what_was_refunded_as_not_owed_is_never_asked_for_again(dora):
    refund(dora, 12_000, is_owed=False)

    assert dora.amounts("F-1") == [(0, 0)]
    assert "nothing more" in text_of("refund_done") or "plus rien" in text_of("refund_done")
    with reading() as session:
        line = session.scalars(select(AuditLine).where(AuditLine.action == "refund.asked")).one()
        assert line.after["is_owed"] is False
    run_for(dora, 20)
    with reading() as session:
        assert session.scalars(select(Collection)).all() == []
    assert verify().differences == []


def test_what_was_refunded_and_is_owed_is_open_and_the_debtor_reads_so(dora):
    refund(dora, 10_000, is_owed=True)

    assert dora.amounts("F-1") == [(10_000, 0)]
    said = text_of("refund_done")
    assert "100" in said
    assert "F-1" in said
    assert verify().differences == []


def test_a_loss_is_told_to_staff_and_stands_among_todays_tasks(dora):
    refund(dora, 5_000, is_owed=False)
    dora.twins.advance(seconds=2)
    dora.twins.fault("late_failure", object=dora.payment(dora.paid).provider_reference)
    dora.deliver()

    with reading() as session:
        assert loss_of(session, dora.paid) == 5_000
        topics = set(session.scalars(select(OutboxMessage.topic)))
        open_now = session.scalars(select(Invoice.open_minor).where(Invoice.number == "F-1")).one()
    assert {"payment.lost", "payment.went_back"} <= topics
    assert open_now == 7_000
    assert verify().differences == []


def test_staff_may_say_of_what_was_refunded_that_it_is_owed_after_all_and_it_is_announced(dora):
    refund(dora, 12_000, is_owed=True)
    run_for(dora, 20)
    with reading() as session:
        assert session.scalars(select(Collection)).all() == []
        identity = session.scalars(select(Refund.id)).one()

    with transaction() as session:
        refunds.ask_again(session, identity, by=SAM)
    with pytest.raises(Conflict), transaction() as session:
        refunds.ask_again(session, identity, by=SAM)

    with reading() as session:
        assert (
            session.scalars(select(AuditLine).where(AuditLine.action == "refund.asked_again")).one().actor_name == "Sam"
        )
        company_id = session.scalars(select(Company.id)).one()
    run(company_id)
    dora.deliver()
    with reading() as session:
        (announced,) = session.scalars(select(Collection)).all()
        assert announced.amount_minor == 12_000
    assert "120" in text_of("prenotification")
    assert verify().differences == []


def test_staff_may_say_of_what_was_refunded_that_it_is_not_owed(dora):
    refund(dora, 12_000, is_owed=True)
    with reading() as session:
        identity = session.scalars(select(Refund.id)).one()
    with transaction() as session:
        refunds.give_up(session, identity, by=SAM)
    assert dora.amounts("F-1") == [(0, 0)]
    with reading() as session:
        line = session.scalars(select(AuditLine).where(AuditLine.action == "refund.given_up")).one()
        assert line.after["is_owed"] is False
    with pytest.raises(Conflict), transaction() as session:
        refunds.give_up(session, identity, by=SAM)
    assert verify().differences == []
