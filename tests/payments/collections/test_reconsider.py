"""Between its notice and the bank, a debit is looked at again at every event: what no longer holds is stopped and told."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

import wsgi
from payments.collections import choice
from payments.collections import reconsider as reconsidering
from payments.collections.models import Collection, CollectionDecision, CollectionState
from payments.collections.reconsider import reconsider_all, reconsider_now
from payments.collections.run import run
from payments.collections.service import Wish, carry_on
from payments.models import Mandate, Payment
from payments.queries import next_debits
from payments.reconcile.sweep import sweep
from payments.reconcile.verify import verify
from payments.refunds import service as refunds
from payments.status import MandateStatus, PaymentStatus
from shared.company.models import Company
from shared.debtors.models import Contact, Debtor
from shared.debtors.service import lock_debtor
from shared.invoices.models import FreezeKind, Invoice
from shared.invoices.service import freeze
from shared.kit import clock
from shared.kit.actors import Actor
from shared.kit.db import reading, transaction
from shared.kit.errors import Conflict
from shared.kit.ids import new_id
from shared.kit.outbox.relay import perform_due
from shared.ledger import service as ledger
from shared.ledger.models import Account, Kind
from shared.messages.models import Message, MessageStatus
from tests.support.people import a_debtor, an_invoice


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


def announced(counter):
    run_today()
    counter.deliver()


def written(counter):
    """F-1 is announced, and its debit is with the provider, which may still cancel it."""
    announced(counter)
    counter.days(8)
    run_today()
    (payment,) = counter.payments()
    assert payment.status is PaymentStatus.SUBMITTED
    return payment.id


def collections_():
    with reading() as session:
        rows = session.scalars(select(Collection).order_by(Collection.id))
        return [(one.state, one.reason, one.amount_minor) for one in rows]


def mails(kind):
    with reading() as session:
        return list(session.scalars(select(Message).where(Message.kind == kind).order_by(Message.id)))


def decisions():
    with reading() as session:
        rows = session.scalars(select(CollectionDecision).order_by(CollectionDecision.at))
        return [(row.outcome.value, row.reason) for row in rows]


def change(model, identity, **values):
    with transaction() as session:
        row = session.get_one(model, identity)
        for name, value in values.items():
            setattr(row, name, value)


def give_credit(counter, minor):
    with transaction() as session:
        debtor = lock_debtor(session, counter.debtor_id)
        when = ledger.Occasion(at=clock.now(), value_on=clock.today())
        ledger.settle_directly(
            session, debtor, account=Account.BANK, minor=minor, parts=(), occasion=when, kind=Kind.RECEIPT
        )


def provider_debits(counter):
    return [(one["status"], one["amount"]) for one in counter.twins.objects("gocardless", "payments")]


# Written, and still to be cancelled -----------------------------------------------------------------------------------


def switch_off(counter):
    change(Debtor, counter.debtor_id, autopay=False)


def lower_maximum(counter):
    change(Debtor, counter.debtor_id, autopay_maximum_minor=11_999)


def move_due_day(counter):
    change(Invoice, counter.invoices["F-1"], due_on=clock.today() + timedelta(days=40))


def cover_with_credit(counter):
    give_credit(counter, 12_000)


EVENTS = [
    (switch_off, "autopay_off"),
    (lower_maximum, "above_maximum"),
    (move_due_day, "due_day_moved"),
    (cover_with_credit, "credit"),
]


@pytest.mark.parametrize(("event", "reason"), EVENTS)
def test_what_no_longer_holds_is_cancelled_at_the_provider_and_told_once(autopay, event, reason):
    payment_id = written(autopay)

    event(autopay)
    reconsider_all({})
    autopay.deliver()

    assert autopay.payment(payment_id).status is PaymentStatus.CANCELLED
    assert provider_debits(autopay) == [("cancelled", 12_000)]
    assert collections_()[0] == (CollectionState.CREATED, reason, 12_000)
    assert autopay.amounts("F-1")[0][1] == 0
    assert len(mails("debit_stopped")) == 1
    reconsider_all({})
    autopay.deliver()
    assert len(mails("debit_stopped")) == 1
    with reading() as session:
        assert next_debits(session, autopay.debtor_id) == []


@pytest.mark.parametrize(("event", "reason"), EVENTS)
def test_an_announced_debit_that_no_longer_holds_is_withdrawn_and_told_once(autopay, event, reason):
    announced(autopay)

    event(autopay)
    reconsider_all({})
    reconsider_all({})

    assert collections_() == [(CollectionState.SKIPPED, reason, 12_000)]
    (mail,) = mails("debit_stopped")
    assert "120" in mail.text_body
    with reading() as session:
        assert next_debits(session, autopay.debtor_id) == []


def test_credit_leaves_what_is_owed_beyond_it_to_be_debited_on_the_day_announced(autopay):
    day = clock.today() + timedelta(days=14)
    announced(autopay)
    give_credit(autopay, 5_000)

    reconsider_all({})

    assert [(state, minor) for state, _reason, minor in collections_()] == [
        (CollectionState.SKIPPED, 12_000),
        (CollectionState.ANNOUNCED, 7_000),
    ]
    with reading() as session:
        (coming,) = next_debits(session, autopay.debtor_id)
    assert (coming.on, coming.money.minor) == (day, 7_000)
    assert len(mails("debit_stopped")) == 1


def test_a_debit_of_what_credit_has_settled_is_withdrawn_at_once_and_not_at_the_next_look(autopay):
    announced(autopay)
    give_credit(autopay, 5_000)
    with transaction() as session:
        debtor = lock_debtor(session, autopay.debtor_id)
        when = ledger.Occasion(at=clock.now(), value_on=clock.today())
        ledger.apply_credit(session, debtor, [autopay.part("F-1", 5_000)], when)

    perform_due()

    assert [(state, minor) for state, _reason, minor in collections_()] == [
        (CollectionState.SKIPPED, 12_000),
        (CollectionState.ANNOUNCED, 7_000),
    ]
    assert len(mails("debit_stopped")) == 1


def test_credit_over_the_whole_account_is_never_debited(autopay):
    give_credit(autopay, 12_000)

    run_today()

    assert decisions() == [("skip", "credit")]
    assert mails("prenotification") == []


def test_only_what_the_provider_refuses_to_cancel_has_left_and_both_sides_are_told(autopay):
    payment_id = written(autopay)
    autopay.twins.advance(bank_days=2)  # to the bank; our books do not know it yet
    switch_off(autopay)

    stopped = reconsider_now(autopay.debtor_id)
    autopay.deliver()

    assert autopay.payment(payment_id).status is not PaymentStatus.CANCELLED
    assert len(stopped.left) == 1
    assert collections_()[0][1] == "left_before"
    assert len(mails("debit_left")) == 1
    reconsider_all({})
    assert len(mails("debit_left")) == 1


def test_leaving_an_invoice_out_stops_its_written_debit(autopay):
    payment_id = written(autopay)

    choice.stop_written(debtor_id=autopay.debtor_id, invoice_id=autopay.invoices["F-1"])
    with transaction() as session:
        by = Actor.contact(autopay.contact, "Dora")
        choice.leave_out(session, debtor_id=autopay.debtor_id, invoice_id=autopay.invoices["F-1"], by=by)
    autopay.deliver()
    run_today()

    assert autopay.payment(payment_id).status is PaymentStatus.CANCELLED
    assert decisions()[-1] == ("skip", "left_out")
    assert mails("debit_stopped") == []
    assert len(mails("debit_left_out")) == 1


def test_a_mandate_cancelled_at_the_bank_tells_which_debit_does_not_take_place(autopay):
    written(autopay)
    with reading() as session:
        reference = session.get_one(Mandate, autopay.mandate_id).provider_reference
    autopay.twins.ask("POST", f"/mandates/{reference}/actions/cancel", json={}, headers=bearer(autopay))
    autopay.deliver()

    (payment,) = autopay.payments()
    assert payment.status is PaymentStatus.CANCELLED
    (mail,) = mails("debit_stopped")
    assert "F-1" in mail.text_body
    assert collections_()[0][1] == "no_mandate"


def bearer(counter):
    return {"Authorization": f"Bearer {counter.twins.gocardless_token}", "GoCardless-Version": "2015-07-06"}


# The notice ---------------------------------------------------------------------------------------------------------------


def test_a_debit_whose_notice_never_left_is_not_made(autopay):
    from shared.kit.settings import get_settings, use_settings

    use_settings(get_settings().model_copy(update={"smtp_url": None}))
    run_today()
    autopay.days(9)

    run_today()

    assert autopay.payments() == []
    assert decisions()[-1] == ("shift", "notice_not_sent")
    first, second = collections_()
    assert (first[0], first[1]) == (CollectionState.SKIPPED, "notice_not_sent")
    assert second[0] is CollectionState.ANNOUNCED
    old, new = mails("prenotification")
    assert old.status is MessageStatus.DROPPED  # it would name a day on which nothing is debited
    assert new.status is MessageStatus.WAITING


def test_a_notice_that_still_leaves_for_another_debit_is_taken_back_for_the_one_that_is_withdrawn(autopay):
    from shared.kit.settings import get_settings, use_settings

    with transaction() as session:
        debtor = session.get_one(Debtor, autopay.debtor_id)
        second = an_invoice(session, debtor, "F-2", 3_000, due_in=14).id
    use_settings(get_settings().model_copy(update={"smtp_url": None}))
    run_today()
    give_credit(autopay, 3_000)
    change(Invoice, second, due_on=clock.today() + timedelta(days=13))  # the oldest is covered

    reconsider_now(autopay.debtor_id)

    (notice,) = mails("prenotification")
    assert notice.status is MessageStatus.WAITING  # it names F-2, too
    (back,) = mails("debit_stopped")
    assert "F-2" in back.text_body
    assert "F-1" not in back.text_body


def test_a_notice_that_waits_still_leaves_for_the_rest_of_its_debit(autopay):
    from shared.kit.settings import get_settings, use_settings

    with_mail = get_settings()
    use_settings(with_mail.model_copy(update={"smtp_url": None}))
    run_today()
    give_credit(autopay, 3_000)

    reconsider_now(autopay.debtor_id)

    assert collections_()[-1] == (CollectionState.ANNOUNCED, "", 9_000)
    assert mails("prenotification")[0].status is MessageStatus.WAITING
    (less,) = mails("debit_stopped")
    assert "90,00" in less.text_body
    use_settings(with_mail)
    autopay.deliver()
    assert mails("prenotification")[0].status is MessageStatus.SENT


def test_a_notice_that_was_refused_is_no_notice(autopay):
    announced(autopay)
    change(Message, mails("prenotification")[0].id, status=MessageStatus.REFUSED, sent_at=None)
    autopay.days(9)

    run_today()

    assert autopay.payments() == []
    assert decisions()[-1] == ("skip", "notice_lost")


def test_a_notice_that_left_late_moves_the_day(autopay):
    announced(autopay)
    change(Message, mails("prenotification")[0].id, sent_at=clock.now() + timedelta(days=2))
    autopay.days(9)

    run_today()

    assert autopay.payments() == []
    assert decisions()[-1] == ("shift", "notice_late")
    assert len(mails("prenotification")) == 2


def test_a_debit_under_another_mandate_than_its_notice_named_gets_a_notice_of_its_own(autopay):
    announced(autopay)
    autopay.give_mandate()
    change(Mandate, autopay.mandate_id, status=MandateStatus.CANCELLED)

    reconsider_all({})
    run_today()

    assert [(state, reason) for state, reason, _minor in collections_()] == [
        (CollectionState.SKIPPED, "other_mandate"),
        (CollectionState.ANNOUNCED, ""),
    ]
    assert len(mails("prenotification")) == 2


# Refunds, chargebacks ------------------------------------------------------------------------------------------------------


def test_what_was_refunded_is_not_taken_again_by_itself(autopay):
    from payments.refunds import service as refunds

    written(autopay)
    autopay.days(10)
    (payment,) = autopay.payments()
    assert payment.status in {PaymentStatus.CONFIRMED, PaymentStatus.SETTLED}
    with transaction() as session:
        refunds.ask(session, payment_id=payment.id, minor=12_000, reason="goodwill", by=Actor.staff(payment.id, "Sam"))
    autopay.deliver()
    autopay.days(3)
    run_today()

    assert decisions()[-1] in {("skip", "refunded"), ("collect", "on_the_day_announced")}
    assert len(autopay.payments()) == 1


def test_money_that_a_bank_contests_is_not_debited_beside(autopay):
    step = autopay.pay_by_card(autopay.part("F-1", 12_000))
    autopay.twins.pay(step.url, "chargeback")
    autopay.deliver()
    autopay.twins.advance(1)
    autopay.deliver()
    (card,) = autopay.payments()
    assert card.status is PaymentStatus.CHARGED_BACK

    run_today()

    assert decisions()[-1] == ("skip", "contested_by_bank")
    assert len(autopay.payments()) == 1


# One that fails does not stop the others -------------------------------------------------------------------------------


def test_one_mandate_that_never_answers_stops_no_other_debit(autopay):
    with reading() as session:
        silent = session.get_one(Mandate, autopay.mandate_id).provider_reference
    dora = autopay.debtor_id
    others = []
    for turn in range(2):
        autopay.open_account(amounts=(), code=f"411O{turn}")
        autopay.give_mandate()
        with transaction() as session:
            debtor = session.get_one(Debtor, autopay.debtor_id)
            debtor.autopay = True
            an_invoice(session, debtor, f"O-{turn}", 5_000, due_in=14)
        others.append(autopay.debtor_id)
    announced(autopay)
    autopay.days(8)
    autopay.twins.fault("status", provider="gocardless", match=f"GET /mandates/{silent}", status=500, times=0)

    report = run_today()

    with reading() as session:
        made = {row.debtor_id for row in session.scalars(select(Payment))}
    assert made == set(others)
    assert dora not in made
    assert ("skip", "provider_silent") in decisions()
    assert report.is_whole


def test_leaving_out_what_the_bank_has_is_refused(autopay):
    payment_id = written(autopay)
    autopay.twins.advance(bank_days=4)

    with pytest.raises(Conflict):
        choice.stop_written(debtor_id=autopay.debtor_id, invoice_id=autopay.invoices["F-1"])

    with reading() as session:
        assert session.get_one(Invoice, autopay.invoices["F-1"]).autopay_excluded_at is None
        assert session.get_one(Payment, payment_id).status is not PaymentStatus.CANCELLED


def test_a_provider_that_asks_us_to_slow_down_does_not_end_the_run(autopay, monkeypatch):
    from payments.collections import pace

    monkeypatch.setattr(pace, "BUSY_PAUSES_S", (0.0, 0.0, 0.0, 0.0))
    announced(autopay)
    autopay.days(8)
    autopay.twins.fault("status", provider="gocardless", match="GET /mandates", status=429, times=3)

    report = run_today()

    assert report.is_whole
    assert decisions()[-1] == ("collect", "on_the_day_announced")
    assert len(autopay.payments()) == 1


def test_a_debit_that_is_made_is_not_made_again_by_a_second_run_that_saw_it_announced(autopay):
    from payments.collections.collect import collect_one
    from payments.collections.models import CollectionRun

    written(autopay)
    with reading() as session:
        run_id = session.scalars(select(CollectionRun.id).order_by(CollectionRun.run_on.desc())).first()
        collection_id = session.scalars(select(Collection.id)).one()
    before = decisions()

    assert collect_one(run_id, collection_id, today=clock.today()) is None

    assert len(autopay.payments()) == 1
    assert decisions() == before


def test_news_of_a_failure_that_comes_twice_leads_to_one_further_attempt(counter):
    from payments.collections.jobs import after_failure

    wsgi.import_jobs()
    counter.open_account(amounts=())
    counter.give_mandate("insufficient_funds")
    with transaction() as session:
        debtor = session.get_one(Debtor, counter.debtor_id)
        debtor.autopay = True
        counter.invoices["F-1"] = an_invoice(session, debtor, "F-1", 12_000, due_in=14).id
    written(counter)
    counter.days(10)
    (payment,) = counter.payments()
    assert payment.failure_code == "AM04"
    assert [state for state, _reason, _minor in collections_()] == [CollectionState.CREATED, CollectionState.ANNOUNCED]
    with transaction() as session:
        session.scalars(
            select(Collection).where(Collection.state == CollectionState.ANNOUNCED)
        ).one().state = CollectionState.SKIPPED

    after_failure({"payment_id": str(payment.id)})

    assert len(collections_()) == 2


def settle_in_the_books(counter):
    """What an import writes when the books show F-1 as settled while a payment holds it (`backoffice/imports/known.py`)."""
    change(Invoice, counter.invoices["F-1"], elsewhere_minor=12_000)


def test_what_the_books_settled_meanwhile_is_cancelled_and_nothing_is_taken(autopay):
    payment_id = written(autopay)
    settle_in_the_books(autopay)

    reconsider_all({})
    autopay.deliver()

    assert autopay.payment(payment_id).status is PaymentStatus.CANCELLED
    assert autopay.amounts("F-1") == [(0, 0)]
    with reading() as session:
        assert session.get_one(Debtor, autopay.debtor_id).credit_minor == 0
    assert len(mails("debit_stopped")) == 1


def test_what_the_bank_takes_beyond_the_books_is_credit_and_is_said(autopay):
    payment_id = written(autopay)
    autopay.twins.advance(bank_days=2)
    settle_in_the_books(autopay)

    stopped = reconsider_now(autopay.debtor_id)
    autopay.days(12)

    assert len(stopped.left) == 1
    assert len(mails("debit_left")) == 1
    assert autopay.payment(payment_id).status in {PaymentStatus.CONFIRMED, PaymentStatus.SETTLED}
    assert autopay.amounts("F-1") == [(0, 0)]
    with reading() as session:
        assert session.get_one(Debtor, autopay.debtor_id).credit_minor == 12_000
    assert len(mails("debit_left")) == 1


def test_every_debtor_whose_debit_may_not_hold_is_looked_at_however_many_there_are(autopay, monkeypatch):
    announced(autopay)
    with transaction() as session:
        company = session.scalars(select(Company)).one()
        for name in ("EVE", "FINN"):
            debtor = a_debtor(session, company, f"411{name}", name)
            mandate = Mandate(
                id=new_id(),
                company_id=company.id,
                debtor_id=debtor.id,
                reference=name,
                attempt=name,
                idempotency_key=name,
                provider_reference=name,
                status=MandateStatus.ACTIVE,
                created_at=clock.now(),
            )
            session.add(mandate)
            session.flush()
            wish = Wish(an_invoice(session, debtor, name, 5_000).id, 5_000, clock.today())
            carry_on(session, debtor, mandate, wish, announced_at=clock.now(), notice_key="")
        session.get_one(Debtor, autopay.debtor_id).autopay = False
    monkeypatch.setattr(reconsidering, "PAGE", 1)

    reconsider_all({})

    assert [state for state, _reason, _minor in collections_()] == [CollectionState.SKIPPED] * 3
    assert {reason for _state, reason, _minor in collections_()} == {"autopay_off"}


def test_a_debit_that_never_arrived_and_was_called_off_meanwhile_is_not_sent_by_the_janitor(autopay):
    announced(autopay)
    autopay.days(8)
    autopay.twins.fault("reset_before", provider="gocardless", match="POST /payments", times=0)
    run_today()
    autopay.twins.clear_faults()
    (payment,) = autopay.payments()
    assert payment.status is PaymentStatus.CREATED

    switch_off(autopay)
    reconsider_all({})
    autopay.twins.advance(seconds=400)
    sweep()
    autopay.deliver()

    assert autopay.payment(payment.id).status is PaymentStatus.CANCELLED
    assert provider_debits(autopay) == []
    assert autopay.amounts("F-1") == [(12_000, 0)]
    assert len(mails("debit_stopped")) == 1


def test_credit_is_not_spent_on_an_invoice_that_is_paused(autopay):
    """Said to be paid 120.00, credit 120.00, and another invoice of 120.00: nothing of it should be debited."""
    with transaction() as session:
        debtor = session.get_one(Debtor, autopay.debtor_id)
        an_invoice(session, debtor, "F-2", 12_000, due_in=14)
    change(Invoice, autopay.invoices["F-1"], due_on=clock.today(), paused_minor=12_000)
    give_credit(autopay, 12_000)

    run_today()

    assert sorted(decisions()) == [("skip", "credit"), ("skip", "frozen")]
    assert mails("prenotification") == []


# What is not debited, and what only seems so ------------------------------------------------------------------------------


def test_a_refund_of_one_invoice_leaves_the_others_of_its_payment_to_be_debited(counter):
    wsgi.import_jobs()
    counter.open_account(amounts=(12_000, 6_000))
    mandate = counter.give_mandate()
    paid = counter.pay_by_debit(mandate, counter.part("F-1", 6_000), counter.part("F-2", 6_000)).id
    counter.days(8, bank=True)
    with transaction() as session:
        session.get_one(Debtor, counter.debtor_id).autopay = True
        session.scalars(select(Company)).one().four_eyes_minor = 50_000
        by = Actor.staff(new_id(), "Sam")
        refunds.ask(session, payment_id=paid, minor=6_000, reason="F-2 was a mistake", by=by, is_owed=False)
    counter.deliver()

    run_today()

    assert [(one[0], one[2]) for one in collections_()] == [(CollectionState.ANNOUNCED, 6_000)]
    assert verify().differences == []


def test_credit_is_not_set_against_an_invoice_left_out_while_another_is_debited_whole(autopay):
    with transaction() as session:
        debtor = session.get_one(Debtor, autopay.debtor_id)
        an_invoice(session, debtor, "F-2", 12_000, due_in=15)
    give_credit(autopay, 12_000)
    change(Invoice, autopay.invoices["F-1"], autopay_excluded_at=clock.now())
    autopay.days(1)

    run_today()

    assert collections_() == []
    assert ("skip", "credit") in decisions()


def test_a_retry_whose_notice_was_lost_is_announced_again(counter):
    wsgi.import_jobs()
    counter.open_account(amounts=())
    counter.give_mandate("insufficient_funds")
    with transaction() as session:
        debtor = session.get_one(Debtor, counter.debtor_id)
        debtor.autopay = True
        counter.invoices["F-1"] = an_invoice(session, debtor, "F-1", 12_000, due_in=14).id
    written(counter)
    counter.days(8, bank=True)
    retry = mails("prenotification")[-1]
    assert len(mails("prenotification")) == 2
    change(Message, retry.id, status=MessageStatus.REFUSED, sent_at=None)
    counter.days(14)

    run_today()
    assert decisions()[-1] == ("skip", "notice_lost")
    run_today()

    assert [one[0] for one in collections_()][2:] == [CollectionState.ANNOUNCED]
    assert len(mails("prenotification")) == 3


def test_five_mandates_that_never_answer_do_not_stop_a_sixth_for_ever(counter):
    wsgi.import_jobs()
    references = []
    for turn in range(6):
        counter.open_account(amounts=(), code=f"411O{turn}")
        mandate = counter.give_mandate()
        with transaction() as session:
            debtor = session.get_one(Debtor, counter.debtor_id)
            debtor.autopay = True
            an_invoice(session, debtor, f"O-{turn}", 5_000, due_in=14)
            references.append(session.get_one(Mandate, mandate).provider_reference)
    good = counter.debtor_id
    announced(counter)
    counter.days(8)
    for reference in references[:5]:
        match = f"GET /mandates/{reference}"
        counter.twins.fault("status", provider="gocardless", match=match, status=500, times=0)

    for _ in range(2):
        run_today()

    assert {row.debtor_id for row in counter.payments()} == {good}


def hold_by_law(counter):
    with transaction() as session:
        by = Actor.system("test")
        invoice_id = counter.invoices["F-1"]
        freeze(session, invoice_id=invoice_id, kind=FreezeKind.LEGAL_HOLD, reason="the court's letter", by=by)
    counter.deliver()
    reconsider_all({})
    counter.deliver()


@pytest.mark.parametrize("until", [announced, written])
def test_a_legal_hold_over_a_debit_with_a_notice_is_told_without_its_ground(autopay, until):
    until(autopay)

    hold_by_law(autopay)

    (mail,) = mails("debit_stopped")
    assert "F-1" in mail.text_body
    assert "court" not in mail.text_body
    assert [one["status"] for one in autopay.twins.objects("gocardless", "payments")] in ([], ["cancelled"])


def test_a_page_for_the_rest_of_an_invoice_stops_no_debit_that_credit_does_not_cover(autopay):
    """Credit covers 50.00 of 120.00, 70.00 are debited; he opens a page for the other 50.00, and may leave it again."""
    give_credit(autopay, 5_000)
    payment_id = written(autopay)
    assert autopay.payment(payment_id).amount_minor == 7_000
    autopay.pay_by_card(autopay.part("F-1", 5_000))

    reconsider_all({})
    autopay.deliver()

    assert autopay.payment(payment_id).status is PaymentStatus.SUBMITTED
    assert mails("debit_stopped") == []


# Another mandate ----------------------------------------------------------------------------------------------------------


def end_at_the_bank(counter):
    """The mandate named in the notice ends at the bank; Dora has given another one since."""
    other = counter.give_mandate()
    with reading() as session:
        reference = session.get_one(Mandate, counter.mandate_id).provider_reference
    counter.twins.ask("POST", f"/mandates/{reference}/actions/cancel", json={}, headers=bearer(counter))
    return other


def announced_anew(mandate_id):
    with reading() as session:
        live = session.scalars(select(Collection).where(Collection.state == CollectionState.ANNOUNCED)).one()
        return live.mandate_id == mandate_id and len(mails("prenotification")) == 2


def test_a_mandate_that_ended_unheard_gives_way_to_another_one_and_nobody_is_asked_to_pay_otherwise(autopay):
    announced(autopay)
    autopay.days(8)
    other = end_at_the_bank(autopay)

    run_today()

    assert decisions()[-1] == ("shift", "other_mandate")
    assert mails("debit_stopped") == []
    assert announced_anew(other)


def test_a_debit_that_ends_with_its_mandate_is_announced_under_the_other_one_and_said_to_be(autopay):
    written(autopay)
    other = end_at_the_bank(autopay)
    autopay.deliver()
    run_today()

    assert collections_()[0][1] == "other_mandate"
    assert len(mails("debit_stopped")) == 1
    assert announced_anew(other)


def test_a_debit_that_no_bank_saw_is_not_tried_again_under_a_mandate_that_its_notice_did_not_name(autopay):
    announced(autopay)
    autopay.days(8)
    autopay.twins.fault("reset_before", provider="gocardless", match="POST /payments", times=0)
    run_today()
    autopay.twins.clear_faults()
    other = autopay.give_mandate()
    change(Mandate, autopay.mandate_id, status=MandateStatus.CANCELLED)

    autopay.twins.advance(1)
    sweep()
    autopay.deliver()
    run_today()

    (payment,) = autopay.payments()
    assert payment.status in {PaymentStatus.FAILED, PaymentStatus.CANCELLED}
    assert announced_anew(other)
