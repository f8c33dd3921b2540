"""Money going back on purpose: four eyes above a limit, once, to the cent."""

from __future__ import annotations

import uuid

import pytest
from sqlalchemy import select, update

import wsgi
from payments.models import Refund
from payments.reconcile.verify import verify
from payments.refunds import service
from payments.refunds.send import send
from payments.status import PaymentStatus as S
from payments.status import RefundStatus as R
from shared.kit.actors import Actor
from shared.kit.db import reading, transaction
from shared.kit.errors import Conflict, Refused, Unavailable
from shared.kit.outbox.models import OutboxMessage
from shared.messages import last_look
from shared.messages.models import Message, MessageStatus
from tests.support.people import a_witness

INES = Actor.staff(uuid.uuid4(), "Inès")
CHARLES = Actor.staff(uuid.uuid4(), "Charles")


@pytest.fixture
def paid(counter):
    wsgi.import_jobs()
    counter.open_account()
    step = counter.pay_by_card(counter.part("F-1", 12_000))
    counter.twins.pay(step.url)
    counter.deliver()
    counter.payment_id = step.payment_id
    return counter


def ask(counter, minor, by=INES):
    with transaction() as session:
        return service.ask(session, payment_id=counter.payment_id, minor=minor, reason="goodwill", by=by).id


def refund(identity):
    with reading() as session:
        return session.get_one(Refund, identity)


def test_a_small_refund_goes_out_and_reopens_the_invoice(paid):
    identity = ask(paid, 2_000)
    paid.deliver()

    assert refund(identity).status is R.DONE
    assert paid.amounts("F-1") == [(2_000, 0)]
    assert paid.payment(paid.payment_id).refunded_minor == 2_000
    assert verify().differences == []


def test_above_the_limit_a_second_person_must_agree(counter):
    counter.open_account((80_000,))
    step = counter.pay_by_card(counter.part("F-1", 80_000))
    counter.twins.pay(step.url)
    counter.deliver()
    counter.payment_id = step.payment_id
    identity = ask(counter, 60_000)
    counter.deliver()
    assert refund(identity).status is R.ASKED

    with transaction() as session, pytest.raises(Refused):
        service.approve(session, identity, by=a_witness(INES))
    with transaction() as session:
        service.approve(session, identity, by=a_witness(CHARLES))
    counter.deliver()

    assert (refund(identity).status, refund(identity).approved_by) == (R.DONE, "Charles")


def test_never_more_than_was_paid_also_in_several_refunds(paid):
    ask(paid, 7_000)
    with pytest.raises(Conflict):
        ask(paid, 5_001)
    ask(paid, 5_000)
    paid.deliver()
    assert sorted(one["amount"] for one in paid.twins.objects("stripe", "refund")) == [5_000, 7_000]
    assert paid.amounts("F-1") == [(12_000, 0)]


def test_a_lost_answer_does_not_refund_twice(paid):
    identity = ask(paid, 2_000)
    paid.twins.fault("cut_after_commit", provider="stripe", match="POST /v1/refunds", times=2)

    with pytest.raises(Unavailable):
        send(identity)
    assert refund(identity).status is R.APPROVED
    assert send(identity) is R.DONE

    assert len(paid.twins.objects("stripe", "refund")) == 1
    assert verify().differences == []


def test_a_500_that_the_provider_keeps_under_the_key_is_looked_behind(paid):
    identity = ask(paid, 2_000)
    paid.twins.fault("status", provider="stripe", match="POST /v1/refunds", status=500, after_commit=True, times=1)

    with pytest.raises(Unavailable):
        send(identity)

    assert send(identity) is R.DONE
    assert len(paid.twins.objects("stripe", "refund")) == 1


def test_a_refund_that_the_provider_refuses_says_why_and_moves_nothing(paid):
    identity = ask(paid, 2_000)
    paid.twins.fault("chargeback", object=paid.payment(paid.payment_id).provider_reference)

    assert send(identity) is R.FAILED

    assert "charge_disputed" in refund(identity).failure_reason


def test_a_refund_that_comes_back_settles_the_invoice_again(paid):
    identity = ask(paid, 2_000)
    paid.deliver()
    paid.twins.fault("refund_fails", object=refund(identity).provider_reference)
    paid.deliver()

    assert refund(identity).status is R.FAILED
    assert paid.amounts("F-1") == [(0, 0)]
    assert verify().differences == []


@pytest.mark.parametrize("stands", [MessageStatus.SENT, MessageStatus.WAITING])
def test_a_refund_that_comes_back_is_told_to_staff_and_to_whoever_may_have_read_of_it(paid, stands):
    identity = ask(paid, 2_000)
    paid.deliver()
    with transaction() as session:
        session.execute(update(Message).where(Message.kind == "refund_done").values(status=stands))
    paid.twins.fault("refund_fails", object=refund(identity).provider_reference)
    paid.deliver()

    with reading() as session:
        assert "payment.refund_failed" in set(session.scalars(select(OutboxMessage.topic)))
        done = session.scalars(select(Message).where(Message.kind == "refund_done")).all()
        assert set(last_look.look(session, done).values()) == {"the refund was not made"}
        told = session.scalars(select(Message.text_body).where(Message.kind == "refund_failed")).all()
    assert ["20" in each for each in told] == ([True] if stands is MessageStatus.SENT else [])


def test_a_refund_made_at_the_provider_without_us_becomes_a_row(paid):
    import stripe

    client = stripe.StripeClient(paid.twins.stripe_key, base_addresses={"api": paid.twins.stripe_base})
    intent = paid.payment(paid.payment_id).provider_reference
    client.v1.refunds.create({"payment_intent": intent, "amount": 3_000})
    paid.deliver()

    with reading() as session:
        (row,) = session.scalars(select(Refund))
        assert (row.amount_minor, row.status, row.asked_by) == (3_000, R.DONE, "stripe")
    assert paid.amounts("F-1") == [(3_000, 0)]
    assert verify().differences == []


def test_a_debit_is_refunded_with_the_running_total(counter):
    counter.open_account()
    mandate = counter.give_mandate()
    payment = counter.pay_by_debit(mandate, counter.part("F-1", 12_000))
    counter.days(4, bank=True)
    counter.payment_id = payment.id
    first = ask(counter, 2_000)
    counter.deliver()
    second = ask(counter, 3_000)
    counter.deliver()

    assert [refund(one).status for one in (first, second)] == [R.SUBMITTED, R.SUBMITTED]
    counter.days(3, bank=True)
    assert [refund(one).status for one in (first, second)] == [R.DONE, R.DONE]
    assert counter.amounts("F-1") == [(5_000, 0)]
    assert verify().differences == []


def test_a_debit_that_the_bank_takes_back_after_a_refund_leaves_a_loss_and_equal_books(counter):
    counter.open_account()
    mandate = counter.give_mandate("late_failure_after_payout")
    payment = counter.pay_by_debit(mandate, counter.part("F-1", 12_000))
    counter.days(6, bank=True)
    counter.payment_id = payment.id
    ask(counter, 2_000)
    counter.days(4, bank=True)

    assert counter.payment(payment.id).status is S.FAILED
    assert counter.amounts("F-1") == [(12_000, 0)]
    assert verify().differences == []
