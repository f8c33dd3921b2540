"""A debit is decided in the very moment in which it is sent, whoever sends it; and only the provider says that it has left."""

from __future__ import annotations

import pytest
from sqlalchemy import select

import wsgi
from payments.collections.models import Collection, CollectionDecision, CollectionState
from payments.collections.reconsider import reconsider_all, reconsider_now
from payments.collections.rules import MOST_TRIES_BEFORE_A_BANK
from payments.collections.run import run
from payments.mandates import collect
from payments.models import Mandate, MandateTransition, Payment
from payments.reconcile.sweep import sweep
from payments.reconcile.verify import verify
from payments.service import Facts, advance
from payments.status import MandateStatus, PaymentStatus
from shared.company.models import Company
from shared.debtors.models import Contact, Debtor
from shared.invoices.models import Invoice, InvoiceKind
from shared.kit.actors import Actor
from shared.kit.db import reading, transaction
from shared.kit.errors import Unavailable
from shared.kit.outbox.models import OutboxMessage
from shared.kit.outbox.relay import perform_due
from shared.messages.models import Message
from tests.support.people import an_invoice

S = PaymentStatus
BANK = Actor.provider("gocardless")


def account(counter, fate="success"):
    """Dora pays by direct debit on the due date; F-1 (120.00) is due in 14 days."""
    wsgi.import_jobs()
    counter.open_account(amounts=())
    counter.mandate_id = counter.give_mandate(fate)
    with transaction() as session:
        debtor = session.get_one(Debtor, counter.debtor_id)
        debtor.autopay = True
        counter.invoices["F-1"] = an_invoice(session, debtor, "F-1", 12_000, due_in=14).id
        counter.contact = session.scalars(select(Contact.id)).one()
    counter.deliver()
    return counter


@pytest.fixture
def autopay(counter):
    return account(counter)


def run_today():
    with reading() as session:
        company_id = session.scalars(select(Company.id)).one()
    run(company_id)
    perform_due()


def never_answered(counter):
    """F-1 is announced, and its debit is asked for: the provider never got the question."""
    run_today()
    counter.deliver()
    counter.days(8)
    counter.twins.fault("reset_before", provider="gocardless", match="POST /payments", times=0)
    run_today()
    counter.twins.clear_faults()
    (payment,) = counter.payments()
    assert payment.status is S.CREATED
    return payment.id


def written(counter):
    """The debit of F-1 is with the provider, which may still cancel it."""
    run_today()
    counter.deliver()
    counter.days(8)
    run_today()
    (payment,) = counter.payments()
    assert payment.status is S.SUBMITTED
    return payment.id


def change(model, identity, **values):
    with transaction() as session:
        row = session.get_one(model, identity)
        for name, value in values.items():
            setattr(row, name, value)


def company_stops(counter, **values):
    with transaction() as session:
        company = session.scalars(select(Company)).one()
        for name, value in values.items():
            setattr(company, name, value)


def reasons():
    with reading() as session:
        return [one.reason for one in session.scalars(select(Collection).order_by(Collection.id))]


def mails(kind):
    with reading() as session:
        return list(session.scalars(select(Message).where(Message.kind == kind).order_by(Message.id)))


def topics():
    with reading() as session:
        return list(session.scalars(select(OutboxMessage.topic).where(OutboxMessage.topic.is_not(None))))


def at_provider(counter):
    return [(one["status"], one["amount"]) for one in counter.twins.objects("gocardless", "payments")]


def switched_off(counter):
    change(Debtor, counter.debtor_id, autopay=False)


def left_out(counter):
    from shared.kit import clock

    change(Invoice, counter.invoices["F-1"], autopay_excluded_at=clock.now())


def company_switched_off(counter):
    company_stops(counter, collects=False)


@pytest.mark.parametrize(
    ("event", "reason"),
    [(switched_off, "autopay_off"), (left_out, "left_out"), (company_switched_off, "company_stopped")],
)
def test_the_janitor_asks_the_decision_and_not_whether_somebody_has_asked_it(autopay, event, reason):
    payment_id = never_answered(autopay)
    event(autopay)  # and nothing has looked again since

    autopay.twins.advance(seconds=400)
    sweep()
    autopay.deliver()

    assert autopay.payment(payment_id).status is S.CANCELLED
    assert at_provider(autopay) == []
    assert reasons()[0] == reason
    assert autopay.amounts("F-1") == [(12_000, 0)]
    assert verify(with_providers=True).differences == []


def test_what_still_holds_is_sent_by_the_janitor(autopay):
    payment_id = never_answered(autopay)

    autopay.twins.advance(seconds=400)
    sweep()

    assert autopay.payment(payment_id).status is S.SUBMITTED
    assert [minor for _status, minor in at_provider(autopay)] == [12_000]


def company_takes_none(_counter):
    company_stops(_counter, takes_debits=False)


def mandate_ended(counter):
    change(Mandate, counter.mandate_id, status=MandateStatus.CANCELLED)


def settled_otherwise(counter):
    """What an import writes when the books show less of an invoice than is open."""
    with transaction() as session:
        invoice = session.get_one(Invoice, counter.invoices["F-1"])
        debtor = session.get_one(Debtor, counter.debtor_id)
        invoice.held_minor = debtor.held_minor = 13_000 - 1_000
        invoice.frozen_minor = 12_000


@pytest.mark.parametrize("event", [company_takes_none, mandate_ended, settled_otherwise])
def test_what_he_asked_for_and_could_not_ask_for_any_more_is_not_sent_hours_later(counter, event):
    account(counter)
    change(Debtor, counter.debtor_id, autopay=False)
    counter.contact_id = counter.contact
    counter.twins.fault("reset_before", provider="gocardless", match="POST /payments", times=0)
    payment = collect.pay_now(
        debtor_id=counter.debtor_id,
        contact_id=counter.contact,
        mandate_id=counter.mandate_id,
        parts=[counter.part("F-1", 12_000)],
        attempt="his-own",
        by=counter.by,
    )
    counter.twins.clear_faults()
    assert payment.status is S.CREATED
    event(counter)

    counter.twins.advance(seconds=400)
    sweep()

    assert counter.payment(payment.id).status is S.CANCELLED
    assert at_provider(counter) == []


def test_a_refusal_that_says_nothing_of_the_bank_does_not_make_a_debit_left(autopay):
    payment_id = written(autopay)
    autopay.twins.fault("status", provider="gocardless", match="actions/cancel", status=422, times=0)
    switched_off(autopay)

    with pytest.raises(Unavailable):
        reconsider_now(autopay.debtor_id)
    with pytest.raises(Unavailable):
        collect.cancel(payment_id, autopay.debtor_id, autopay.by)
    assert reasons()[0] == "autopay_off"
    assert mails("debit_left") == []

    autopay.twins.clear_faults()
    reconsider_all({})
    autopay.deliver()
    assert autopay.payment(payment_id).status is S.CANCELLED
    assert len(mails("debit_stopped")) == 1


def test_what_was_to_be_stopped_and_came_back_from_the_bank_had_left_and_was_tried(counter):
    account(counter, "insufficient_funds")
    payment_id = written(counter)
    counter.twins.fault("status", provider="gocardless", match="actions/cancel", status=503, times=0)
    switched_off(counter)
    reconsider_all({})
    assert reasons() == ["autopay_off"]

    counter.days(10)
    assert counter.payment(payment_id).failure_code == "AM04"
    assert reasons() == ["left_before"]

    counter.twins.clear_faults()
    change(Debtor, counter.debtor_id, autopay=True)
    run_today()
    with reading() as session:
        last = session.scalars(select(CollectionDecision).order_by(CollectionDecision.at.desc())).first()
        assert (last.outcome.value, last.reason) == ("skip", "tried_before")


@pytest.mark.parametrize(("fault", "code"), [({"kind": "wrong_amount"}, "wrong_amount"), ({"kind": "status"}, None)])
def test_what_never_reaches_a_bank_is_not_tried_for_ever_and_people_are_told(autopay, fault, code):
    more = {"status": 422} if fault["kind"] == "status" else {}
    autopay.twins.fault(fault["kind"], provider="gocardless", match="POST /payments", times=0, **more)
    run_today()
    autopay.deliver()
    for _ in range(12):
        autopay.days(7)
        run_today()
        autopay.deliver()

    payments = autopay.payments()
    assert [one.status for one in payments] == [S.FAILED] * MOST_TRIES_BEFORE_A_BANK
    assert code is None or {one.failure_code for one in payments} == {code}
    assert reasons()[-1] == "never_reached_a_bank"
    assert topics().count("debit.given_up") == 1
    assert len(mails("debit_stopped")) == 1
    assert autopay.amounts("F-1") == [(12_000, 0)]


def test_an_older_reason_is_not_why_a_debit_went_back(autopay):
    payment_id = written(autopay)

    def step(to, **facts):
        with transaction() as session:
            advance(session, payment_id, to, by=BANK, facts=Facts(**facts))

    step(S.FAILED, failure_code="AM04", failure_reason="no money")
    step(S.SUBMITTED)
    assert (autopay.payment(payment_id).failure_code, autopay.payment(payment_id).failure_reason) == (None, None)
    step(S.FAILED, failure_code="AM04")
    step(S.CONFIRMED)
    step(S.CHARGED_BACK, amount_minor=12_000)
    assert autopay.payment(payment_id).failure_code is None
    step(S.CONFIRMED)
    step(S.CHARGED_BACK, amount_minor=12_000, failure_code="MD06")
    assert autopay.payment(payment_id).failure_code == "MD06"


def test_less_than_was_asked_for_frees_the_rest_for_what_waited(autopay):
    """A note over all of it waits while the debit holds it; the provider takes 50.00 of 120.00."""
    payment_id = written(autopay)
    with transaction() as session:
        debtor = session.get_one(Debtor, autopay.debtor_id)
        note = an_invoice(session, debtor, "AV-1", 12_000, kind=InvoiceKind.CREDIT_NOTE)
        note.credits_invoice_id = autopay.invoices["F-1"]
        note_id = note.id

    with transaction() as session:
        facts = Facts(amount_minor=5_000, provider_reference="PM-less")
        advance(session, payment_id, S.CONFIRMED, by=BANK, facts=facts)

    assert autopay.amounts("F-1") == [(0, 0)]
    with reading() as session:
        assert session.get_one(Invoice, note_id).open_minor == 5_000
    assert verify(with_providers=False).differences == []


def test_nobody_writes_to_a_dead_holder_about_his_other_debits(autopay):
    payment_id = written(autopay)
    with transaction() as session:
        debtor = session.get_one(Debtor, autopay.debtor_id)
        autopay.invoices["F-2"] = an_invoice(session, debtor, "F-2", 5_000, due_in=2).id
    with transaction() as session:
        advance(session, payment_id, S.FAILED, by=BANK, facts=Facts(failure_code="MD07"))
    autopay.deliver()
    reconsider_all({})
    autopay.deliver()

    with reading() as session:
        steps = session.scalars(
            select(MandateTransition.cause).where(MandateTransition.mandate_id == autopay.mandate_id)
        )
        assert "MD07" in list(steps)
    assert mails("debit_stopped") + mails("payment_failed") + mails("mandate_ended") == []


def test_a_piece_of_news_published_twice_does_nothing_twice(counter):
    """All that was published is published once more, the latest first: the books, the debits and the mails are the same."""
    from shared.kit import outbox
    from shared.ledger.models import Transfer

    account(counter, "insufficient_funds")
    written(counter)
    counter.days(10)
    with reading() as session:
        reference = session.get_one(Mandate, counter.mandate_id).provider_reference
    headers = {"Authorization": f"Bearer {counter.twins.gocardless_token}", "GoCardless-Version": "2015-07-06"}
    counter.twins.ask("POST", f"/mandates/{reference}/actions/cancel", json={}, headers=headers)
    counter.deliver()

    def world():
        with reading() as session:
            return (
                [
                    (one.id, one.state, one.reason)
                    for one in session.scalars(select(Collection).order_by(Collection.id))
                ],
                [(one.id, one.status) for one in session.scalars(select(Payment).order_by(Payment.id))],
                sorted(session.scalars(select(Transfer.id))),
                sorted(session.scalars(select(Message.dedupe_key))),
            )

    before = world()
    assert CollectionState.SKIPPED in {state for _id, state, _reason in before[0]}
    with reading() as session:
        rows = session.execute(
            select(OutboxMessage.job, OutboxMessage.topic, OutboxMessage.payload)
            .where(OutboxMessage.topic.is_not(None))
            .order_by(OutboxMessage.id.desc())
        ).all()
    assert len({row.job for row in rows}) > 5
    with transaction() as session:
        for key, row in enumerate(rows):
            outbox.publish(session, row.topic, row.payload, dedupe_key=f"again:{key}")
    counter.deliver()

    assert world() == before


# Suspended is not ended -----------------------------------------------------------------------------------------------------


def suspend(counter, by=BANK):
    from payments.mandates import service as mandates

    with transaction() as session:
        if session.get_one(Mandate, counter.mandate_id).status is not MandateStatus.ACTIVE:
            mandates.advance(session, counter.mandate_id, MandateStatus.ACTIVE, by=by)
        mandates.advance(session, counter.mandate_id, MandateStatus.SUSPENDED, by=by)
    perform_due()


def test_a_suspended_mandate_is_not_said_to_have_ended(autopay):
    run_today()
    autopay.deliver()
    suspend(autopay)

    assert reasons() == ["mandate_suspended"]
    (mail,) = mails("debit_stopped")
    said = " ".join(mail.text_body.split())
    assert "Le mandat correspondant est suspendu à votre banque." in said
    assert "pris fin" not in said
    assert mails("mandate_ended") == []
    assert topics().count("mandate.suspended") > 0
    assert topics().count("mandate.lost") == 0
    run_today()
    with reading() as session:
        last = session.scalars(select(CollectionDecision).order_by(CollectionDecision.at.desc())).first()
        assert last.reason == "mandate_suspended"


def test_what_is_asked_for_under_a_suspended_mandate_is_refused_with_that_word(counter):
    from shared.kit.errors import Conflict

    account(counter)
    suspend(counter)

    with pytest.raises(Conflict, match="is suspended at your bank"):
        counter.pay_by_debit(counter.mandate_id, counter.part("F-1", 12_000))


# Each refusal its own reason --------------------------------------------------------------------------------------------------


def test_each_conflict_of_a_hold_says_its_own_reason(autopay):
    """What stands between the decision and the hold is rare (it is one lock); its reason is kept as it is."""
    from payments.collections import collect as collecting
    from payments.deciding import Now
    from shared.invoices.models import FreezeKind
    from shared.invoices.service import freeze
    from shared.kit.ids import new_id

    run_today()
    with transaction() as session:
        collection = session.scalars(select(Collection)).one()
        mandate = session.get_one(Mandate, autopay.mandate_id)
        much = collecting._hold(session, mandate, collection, Now(12_001, None, "asked_for"))
        freeze(
            session,
            invoice_id=autopay.invoices["F-1"],
            kind=FreezeKind.DISPUTE,
            subject_id=new_id(),
            reason="test",
            by=BANK,
        )
        session.flush()
        frozen = collecting._hold(session, mandate, collection, Now(12_000, None, "asked_for"))
        assert (much.reason, frozen.reason) == ("less", "frozen")
    assert autopay.payments() == []  # and no intent is left behind, which the janitor would send
