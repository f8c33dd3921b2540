"""A debit of contested money is taken back: announced, written, or still with the provider; one that has left stays."""

from __future__ import annotations

import threading
import uuid
from datetime import timedelta

import pytest
from sqlalchemy import delete, select

import wsgi
from payments.collections.contested import Fate, touching
from payments.collections.models import Collection, CollectionState
from payments.collections.reconsider import reconsider_all
from payments.collections.run import run
from payments.collections.withdraw import after_freeze, watch_frozen
from payments.deciding import Now
from payments.declarations import service as declarations
from payments.declarations.service import DeclarationDraft
from payments.mandates import collect
from payments.models import Mandate, Payment
from payments.queries import next_debits
from payments.reconcile.verify import verify
from payments.status import COLLECTED, MandateStatus, PaymentStatus
from shared.company.models import Company
from shared.debtors.models import Contact, Debtor
from shared.disputes import service
from shared.disputes.models import Dispute
from shared.disputes.rules import Status
from shared.disputes.service import Claim
from shared.invoices.models import FreezeKind, Invoice
from shared.invoices.service import freeze
from shared.kit import clock
from shared.kit.actors import Actor
from shared.kit.db import reading, transaction
from shared.kit.errors import Conflict, DomainError, Unavailable
from shared.kit.outbox.models import OutboxMessage
from shared.kit.outbox.relay import perform_due
from shared.ledger.rules import Part
from shared.messages.models import Message
from shared.promises import service as promises
from tests.support.people import SYSTEM, an_invoice


@pytest.fixture
def autopay(counter):
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
    report = run(company_id)
    perform_due()
    return report


def contest(counter, minor=None, number="F-1"):
    with transaction() as session:
        return service.raise_dispute(
            session,
            debtor_id=counter.debtor_id,
            claims=[Claim(counter.invoices[number], minor=minor)],
            reason_code="price",
            text="No.",
            attempt=str(uuid.uuid4()),
            contact_id=counter.contact,
            by=Actor.contact(counter.contact, "Dora"),
        )


def collections_():
    with reading() as session:
        rows = session.scalars(select(Collection).order_by(Collection.attempt_no))
        return [(one.state, one.reason, one.amount_minor) for one in rows]


def invoice(counter, number="F-1"):
    with reading() as session:
        return session.get_one(Invoice, counter.invoices[number])


def fates(counter, dispute):
    with reading() as session:
        rows = touching(session, counter.debtor_id, [counter.invoices["F-1"]], since=dispute.opened_at)
        return [(row.fate, row.is_automatic, row.money.minor) for row in rows]


def submitted(counter):
    """The debit of F-1 is with the provider, four bank days before its day."""
    run_today()
    counter.days(10)
    run_today()
    counter.deliver()
    (payment,) = counter.payments()
    assert payment.status is PaymentStatus.SUBMITTED
    counter.twins.advance(seconds=2)
    return payment.id


def at_provider(counter):
    return [(one["status"], one["amount"]) for one in counter.twins.objects("gocardless", "payments")]


def test_an_announced_debit_of_a_contested_invoice_does_not_take_place(autopay):
    run_today()
    contest(autopay)
    autopay.deliver()

    assert collections_() == [(CollectionState.SKIPPED, "frozen", 12_000)]
    for _ in range(16):
        autopay.days(1)
        run_today()
    assert at_provider(autopay) == []


def test_the_undisputed_rest_is_debited_on_the_day_announced(autopay):
    today = clock.today()
    run_today()
    contest(autopay, 3_000)
    autopay.deliver()

    assert [(state, minor) for state, _reason, minor in collections_()] == [
        (CollectionState.SKIPPED, 12_000),
        (CollectionState.ANNOUNCED, 9_000),
    ]
    for _ in range(16):
        autopay.days(1)
        run_today()
        autopay.deliver()
    (payment,) = autopay.payments()
    assert (payment.amount_minor, payment.charge_on, payment.status) == (
        9_000,
        today + timedelta(days=14),
        PaymentStatus.CONFIRMED,
    )
    assert invoice(autopay).open_minor == 3_000


def test_a_debit_that_the_provider_still_holds_is_cancelled_there(autopay):
    payment_id = submitted(autopay)

    dispute = contest(autopay)
    autopay.deliver()

    assert autopay.payment(payment_id).status is PaymentStatus.CANCELLED
    assert at_provider(autopay) == [("cancelled", 12_000)]
    assert invoice(autopay).held_minor == 0
    assert fates(autopay, dispute) == [(Fate.STOPPED, True, 12_000)]


def test_of_a_debit_that_is_taken_back_the_undisputed_rest_is_debited_anew(autopay):
    payment_id = submitted(autopay)

    contest(autopay, 3_000)
    autopay.deliver()
    assert autopay.payment(payment_id).status is PaymentStatus.CANCELLED
    for _ in range(9):
        run_today()
        autopay.days(1)
        autopay.deliver()

    _first, second = autopay.payments()
    assert (second.amount_minor, second.status) == (9_000, PaymentStatus.CONFIRMED)
    assert (invoice(autopay).open_minor, invoice(autopay).frozen_minor) == (3_000, 3_000)


def test_a_debit_beside_the_contested_part_is_left_alone(autopay):
    payment_id = submitted(autopay)
    with transaction() as session:
        session.get_one(Invoice, autopay.invoices["F-1"])
        debtor = session.get_one(Debtor, autopay.debtor_id, with_for_update=True)
        autopay.invoices["F-2"] = an_invoice(session, debtor, "F-2", 5_000, due_in=40).id

    contest(autopay, number="F-2")
    autopay.deliver()

    assert autopay.payment(payment_id).status is PaymentStatus.SUBMITTED


def test_a_debit_that_has_left_stays_is_told_and_does_not_end_the_dispute(autopay):
    payment_id = submitted(autopay)
    autopay.twins.advance(4)

    dispute = contest(autopay)
    autopay.deliver()

    assert fates(autopay, dispute)[0][0] is Fate.LEFT
    assert "peut encore aboutir" in received()
    assert "ni relancé ni prélevé" not in received()
    autopay.days(6)
    assert autopay.payment(payment_id).status in COLLECTED
    assert invoice(autopay).open_minor == 0
    with reading() as session:
        assert session.get_one(Dispute, dispute.id).status is Status.OPEN


def received():
    """What Dora reads when her dispute is received."""
    with reading() as session:
        text = session.scalars(select(Message.text_body).where(Message.kind == "dispute_received")).one()
        return " ".join(text.split())


def test_a_debit_that_had_left_before_the_dispute_is_not_said_to_be_stopped(autopay):
    submitted(autopay)
    autopay.twins.advance(4)
    with transaction() as session:
        session.get_one(Debtor, autopay.debtor_id).autopay = False
    reconsider_all({})

    dispute = contest(autopay)
    autopay.deliver()

    assert fates(autopay, dispute)[0][0] is Fate.LEFT
    assert verify().differences == []


def test_without_a_payment_on_its_way_a_dispute_says_that_nothing_is_debited(autopay):
    contest(autopay)

    assert "ni relancé ni prélevé" in received()


def test_a_provider_that_does_not_answer_is_asked_again(autopay):
    payment_id = submitted(autopay)
    autopay.twins.fault("status", provider="gocardless", match="/actions/cancel", status=500, times=9)

    contest(autopay)
    autopay.deliver()
    assert autopay.payment(payment_id).status is PaymentStatus.SUBMITTED
    autopay.twins.clear_faults()
    autopay.days(1)

    assert autopay.payment(payment_id).status is PaymentStatus.CANCELLED


@pytest.mark.parametrize("silent", ["F-1", "F-2"])
def test_one_debit_about_which_the_provider_is_silent_keeps_no_other_invoice(autopay, silent):
    with transaction() as session:
        debtor = session.get_one(Debtor, autopay.debtor_id)
        autopay.invoices["F-2"] = an_invoice(session, debtor, "F-2", 5_000, due_in=14).id
    autopay.deliver()
    run_today()
    autopay.days(10)
    run_today()
    autopay.deliver()
    autopay.twins.advance(seconds=2)
    with reading() as session:
        rows = session.execute(
            select(Invoice.number, Collection.payment_id).join(Invoice, Invoice.id == Collection.invoice_id)
        )
        debits = {number: payment_id for number, payment_id in rows if payment_id}
    assert sorted(debits) == ["F-1", "F-2"]
    with reading() as session:
        reference = session.get_one(Payment, debits[silent]).provider_reference
    autopay.twins.fault("status", provider="gocardless", match=f"{reference}/actions/cancel", status=500, times=0)
    told = {"debtor": str(autopay.debtor_id), "invoices": [str(autopay.invoices[each]) for each in debits]}
    with transaction() as session:
        for each in debits:
            freeze(session, invoice_id=autopay.invoices[each], kind=FreezeKind.LEGAL_HOLD, reason="court", by=SYSTEM)

    with pytest.raises(Unavailable):
        after_freeze(told)

    other = next(each for each in debits if each != silent)
    assert autopay.payment(debits[silent]).status is PaymentStatus.SUBMITTED
    assert autopay.payment(debits[other]).status is PaymentStatus.CANCELLED

    autopay.twins.clear_faults()
    after_freeze(told)

    assert autopay.payment(debits[silent]).status is PaymentStatus.CANCELLED


def test_the_clock_takes_back_what_no_message_told_of(autopay):
    payment_id = submitted(autopay)
    autopay.twins.fault("status", provider="gocardless", match="/actions/cancel", status=500, times=9)
    contest(autopay)
    with transaction() as session:
        session.execute(delete(OutboxMessage))
    watch_frozen({})
    assert autopay.payment(payment_id).status is PaymentStatus.SUBMITTED

    autopay.twins.clear_faults()
    watch_frozen({})

    assert autopay.payment(payment_id).status is PaymentStatus.CANCELLED


def written(counter, minor=12_000, contact=None):
    """A debit that is written down and not sent."""
    with transaction() as session:
        debtor = session.get_one(Debtor, counter.debtor_id, with_for_update=True)
        company = session.get_one(Company, debtor.company_id)
        mandate = collect.usable(session, debtor, counter.mandate_id)
        return collect.write(
            session,
            debtor,
            mandate,
            company,
            parts=[counter.part("F-1", minor)],
            attempt=str(uuid.uuid4()),
            contact_id=contact,
            charge_on=None,
            allowed=[Now(minor, None, "asked_for")],
            by=SYSTEM,
        ).id


@pytest.mark.parametrize("is_his_own", [False, True])
def test_what_is_written_but_not_sent_is_never_sent_over_contested_money(autopay, is_his_own):
    payment_id = written(autopay, contact=autopay.contact if is_his_own else None)
    contest(autopay, 1)

    assert collect.create(payment_id, by=SYSTEM) is PaymentStatus.CANCELLED

    assert at_provider(autopay) == []
    assert invoice(autopay).held_minor == 0


def test_beside_the_contested_part_it_is_sent(autopay):
    payment_id = written(autopay, 9_000)
    contest(autopay, 3_000)

    assert collect.create(payment_id, by=SYSTEM) is PaymentStatus.SUBMITTED


def test_a_legal_hold_stops_it_like_a_dispute(autopay):
    payment_id = written(autopay)
    with transaction() as session:
        freeze(session, invoice_id=autopay.invoices["F-1"], kind=FreezeKind.LEGAL_HOLD, reason="court", by=SYSTEM)

    assert collect.create(payment_id, by=SYSTEM) is PaymentStatus.CANCELLED


def test_a_debit_that_he_started_himself_is_his_to_stop(autopay):
    autopay.contact_id = autopay.contact
    payment = autopay.pay_by_debit(autopay.mandate_id, autopay.part("F-1", 12_000))
    autopay.twins.advance(seconds=2)

    dispute = contest(autopay)
    autopay.deliver()

    assert autopay.payment(payment.id).status is PaymentStatus.SUBMITTED
    assert fates(autopay, dispute) == [(Fate.UNDER_WAY, False, 12_000)]


@pytest.mark.parametrize("kind", ["cut_after_commit", "reset_before"])
def test_a_debit_whose_creation_was_never_answered_is_found_out_and_taken_back(autopay, kind):
    payment_id = written(autopay)
    autopay.twins.fault(kind, provider="gocardless", match="POST /payments", times=9)
    assert collect.create(payment_id, by=SYSTEM) is PaymentStatus.CREATED
    autopay.twins.clear_faults()

    contest(autopay)
    autopay.deliver()
    autopay.twins.advance(seconds=900)
    collect.settle_unknown(payment_id)
    autopay.deliver()
    autopay.days(1)

    assert autopay.payment(payment_id).status is PaymentStatus.CANCELLED
    assert at_provider(autopay) == ([("cancelled", 12_000)] if kind == "cut_after_commit" else [])
    assert invoice(autopay).held_minor == 0


def test_the_frozen_debit_is_announced_anew_when_the_dispute_is_over(autopay):
    submitted(autopay)
    dispute = contest(autopay)
    autopay.deliver()

    with transaction() as session:
        service.withdraw(session, dispute_id=dispute.id, by=SYSTEM)
    autopay.deliver()
    run_today()

    assert collections_()[-1] == (CollectionState.ANNOUNCED, "", 12_000)


@pytest.mark.parametrize("turn", range(6))
def test_a_dispute_and_a_run_at_the_same_moment_never_leave_a_debit_of_contested_money(autopay, turn):
    run_today()
    autopay.days(10)
    started = threading.Barrier(2)
    faults: list[BaseException] = []

    def act(what):
        started.wait()
        try:
            what()
        except DomainError as error:
            faults.append(error)

    threads = [threading.Thread(target=act, args=(what,)) for what in (run_today, lambda: contest(autopay))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    autopay.deliver()
    autopay.days(1)

    assert [fault for fault in faults if not isinstance(fault, Conflict)] == []
    assert [status for status, _minor in at_provider(autopay) if status != "cancelled"] == []
    with reading() as session:
        live = session.scalars(select(Payment).where(Payment.status.in_(("created", "submitted")))).all()
    assert live == []
    assert invoice(autopay).frozen_minor == 12_000


# Promised, or said to be paid -------------------------------------------------------------------------------------------


def promise(counter, minor=12_000, *, days=20, number="F-1"):
    with transaction() as session:
        return promises.give(
            session,
            debtor_id=counter.debtor_id,
            draft=promises.PromiseDraft(
                attempt=str(uuid.uuid4()),
                parts=[Part(counter.invoices[number], minor)],
                promised_on=clock.today() + timedelta(days=days),
                contact_id=counter.contact,
            ),
            by=Actor.contact(counter.contact, "Dora"),
        )


def declare(counter, minor=12_000):
    with transaction() as session:
        draft = DeclarationDraft(
            attempt=str(uuid.uuid4()),
            minor=minor,
            paid_on=clock.today(),
            parts=[Part(counter.invoices["F-1"], minor)],
            contact_id=counter.contact,
        )
        return declarations.declare(session, debtor_id=counter.debtor_id, draft=draft, by=SYSTEM)


def told():
    with reading() as session:
        return list(session.scalars(select(Message).where(Message.kind == "debit_withdrawn").order_by(Message.id)))


def test_an_announced_debit_of_promised_money_is_withdrawn_at_once_and_the_debtor_is_told(autopay):
    run_today()
    promise(autopay)
    autopay.deliver()

    assert collections_() == [(CollectionState.SKIPPED, "paused", 12_000)]
    (mail,) = told()
    assert "120" in mail.text_body
    assert "14" in mail.text_body  # the days of notice
    with reading() as session:
        assert next_debits(session, autopay.debtor_id) == []
    autopay.deliver()
    assert len(told()) == 1


def test_what_is_not_promised_is_debited_on_the_day_announced(autopay):
    today = clock.today()
    run_today()
    promise(autopay, 3_000)
    autopay.deliver()

    assert [(state, minor) for state, _reason, minor in collections_()] == [
        (CollectionState.SKIPPED, 12_000),
        (CollectionState.ANNOUNCED, 9_000),
    ]
    with reading() as session:
        (coming,) = next_debits(session, autopay.debtor_id)
    assert (coming.money.minor, coming.on) == (9_000, today + timedelta(days=14))
    assert len(told()) == 1


def test_a_broken_or_cancelled_promise_leads_to_a_new_notice_with_all_its_days(autopay):
    run_today()
    made = promise(autopay)
    autopay.deliver()
    autopay.days(3)
    with transaction() as session:
        promises.cancel(session, promise_id=made.id, reason="", by=Actor.contact(autopay.contact, "Dora"))
    run_today()

    states = [(state, reason) for state, reason, _minor in collections_()]
    assert states == [(CollectionState.SKIPPED, "paused"), (CollectionState.ANNOUNCED, "")]
    with reading() as session:
        (coming,) = next_debits(session, autopay.debtor_id)
        notices = session.scalars(select(Message.kind).where(Message.kind == "prenotification")).all()
    assert coming.on >= clock.today() + timedelta(days=14)
    assert len(notices) == 2


def test_a_promise_taken_back_before_the_news_came_leaves_the_debit(autopay):
    run_today()
    made = promise(autopay)
    with transaction() as session:
        promises.cancel(session, promise_id=made.id, reason="", by=Actor.contact(autopay.contact, "Dora"))
    autopay.deliver()

    assert collections_() == [(CollectionState.ANNOUNCED, "", 12_000)]
    assert told() == []


def test_an_announced_debit_of_money_said_to_be_paid_is_withdrawn_at_once(autopay):
    run_today()
    declare(autopay)
    autopay.deliver()

    assert collections_() == [(CollectionState.SKIPPED, "paused", 12_000)]
    assert len(told()) == 1


def test_one_promise_over_several_announced_invoices_is_told_in_one_message(autopay):
    with transaction() as session:
        debtor = session.get_one(Debtor, autopay.debtor_id)
        autopay.invoices["F-2"] = an_invoice(session, debtor, "F-2", 5_000, due_in=14).id
    run_today()
    with transaction() as session:
        promises.give(
            session,
            debtor_id=autopay.debtor_id,
            draft=promises.PromiseDraft(
                attempt="both",
                parts=[Part(autopay.invoices["F-1"], 12_000), Part(autopay.invoices["F-2"], 5_000)],
                promised_on=clock.today() + timedelta(days=20),
            ),
            by=SYSTEM,
        )
    autopay.deliver()

    assert [state for state, _reason, _minor in collections_()] == [CollectionState.SKIPPED] * 2
    (mail,) = told()
    assert "F-1" in mail.text_body
    assert "F-2" in mail.text_body


def test_a_rest_too_small_to_be_debited_is_not_promised_by_one_message_and_taken_back_by_the_next(autopay):
    run_today()
    promise(autopay, 11_960)
    autopay.deliver()
    reconsider_all({})
    autopay.deliver()

    assert collections_() == [(CollectionState.SKIPPED, "paused", 12_000)]
    (mail,) = told()
    assert "0,40" not in mail.text_body
    assert kinds_told() == ["debit_withdrawn"]


def kinds_told():
    with reading() as session:
        kinds = ("debit_withdrawn", "debit_stopped", "debit_left")
        return list(session.scalars(select(Message.kind).where(Message.kind.in_(kinds)).order_by(Message.id)))


def another_mandate(counter):
    """Dora gives a second mandate, and the first ends before anybody looks at her debits."""
    other = counter.give_mandate()
    with transaction() as session:
        session.get_one(Mandate, counter.mandate_id).status = MandateStatus.CANCELLED
    return other


def notices():
    with reading() as session:
        return len(session.scalars(select(Message.id).where(Message.kind == "prenotification")).all())


def test_the_rest_of_a_debit_under_another_mandate_than_its_notice_named_is_announced_anew(autopay):
    run_today()
    other = another_mandate(autopay)
    promise(autopay, 3_000)
    perform_due()

    (mail,) = told()
    assert "90,00" not in mail.text_body
    run_today()
    with reading() as session:
        live = session.scalars(select(Collection).where(Collection.state == CollectionState.ANNOUNCED)).one()
    assert (live.amount_minor, live.mandate_id) == (9_000, other)
    assert notices() == 2


def test_a_debit_dropped_for_a_dispute_in_the_moment_before_it_is_sent_is_not_said_to_be_the_providers(
    autopay, monkeypatch
):
    run_today()
    autopay.days(10)
    create, disputes = collect.create, []

    def contested_just_before(payment_id, *, by):
        disputes.append(contest(autopay, 3_000))
        return create(payment_id, by=by)

    monkeypatch.setattr(collect, "create", contested_just_before)
    run_today()
    monkeypatch.undo()
    autopay.deliver()

    assert at_provider(autopay) == []
    assert collections_()[0] == (CollectionState.CREATED, "frozen", 12_000)
    assert fates(autopay, disputes[0]) == [(Fate.STOPPED, True, 12_000)]
    assert kinds_told() == []
    assert collections_()[1] == (CollectionState.ANNOUNCED, "", 9_000)
