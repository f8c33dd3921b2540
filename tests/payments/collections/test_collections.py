"""Invoices of debtors on autopay are announced, debited on their day, never twice."""

from __future__ import annotations

import json
from datetime import timedelta
from itertools import pairwise

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from payments import queries
from payments.collections.commands import collections
from payments.collections.models import Collection, CollectionDecision, CollectionRun, CollectionState
from payments.collections.run import run
from payments.models import Mandate, Payment
from payments.status import MandateStatus, PaymentStatus
from shared.company.models import Company
from shared.debtors.models import Debtor
from shared.invoices.models import Invoice
from shared.kit import clock
from shared.kit.db import reading, transaction
from shared.kit.outbox.relay import perform_due
from shared.messages.models import Message
from tests.support.people import an_invoice


@pytest.fixture
def autopay(counter):
    """Dora pays by direct debit on the due date; F-1 (120.00) is due in 14 days."""
    counter.open_account(amounts=())
    counter.mandate_id = counter.give_mandate()
    with transaction() as session:
        debtor = session.get_one(Debtor, counter.debtor_id)
        debtor.autopay = True
        counter.invoices["F-1"] = an_invoice(session, debtor, "F-1", 12_000, due_in=14).id
    counter.deliver()
    return counter


def company_id():
    with reading() as session:
        return session.scalars(select(Company.id)).one()


def run_today():
    """The run of the day, and the mails that follow from it."""
    report = run(company_id())
    perform_due()
    return report


def collections_():
    with reading() as session:
        return list(session.scalars(select(Collection).order_by(Collection.id)))


def notices():
    with reading() as session:
        return list(session.scalars(select(Message).where(Message.kind == "prenotification").order_by(Message.id)))


def outcomes():
    with reading() as session:
        rows = session.scalars(select(CollectionDecision).order_by(CollectionDecision.at))
        return [(row.outcome.value, row.reason) for row in rows]


def change(model, identity, **values):
    with transaction() as session:
        row = session.get_one(model, identity)
        for name, value in values.items():
            setattr(row, name, value)


def live(counter, days):
    """Days pass; the run comes every day."""
    for _ in range(days):
        counter.days(1)
        run_today()
        counter.deliver()


def test_it_is_announced_fourteen_days_before_debited_on_the_day_and_confirmed(autopay):
    today = clock.today()
    report = run_today()

    assert report.counts == {"announce notice_given": 1}
    (notice,) = notices()
    assert "25 mars 2031" in notice.subject
    with reading() as session:
        (debit,) = queries.next_debits(session, autopay.debtor_id)
    assert (debit.on, debit.money.minor, debit.payment_id) == (today + timedelta(days=14), 12_000, None)
    assert autopay.amounts("F-1") == [(12_000, 0)]

    live(autopay, 10)
    (payment,) = autopay.payments()
    assert (payment.status, payment.charge_on) == (PaymentStatus.SUBMITTED, today + timedelta(days=14))
    assert autopay.amounts("F-1") == [(12_000, 12_000)]

    live(autopay, 6)
    assert autopay.payment(payment.id).status is PaymentStatus.CONFIRMED
    assert autopay.amounts("F-1") == [(0, 0)]
    assert len(notices()) == 1


def test_running_again_and_again_changes_nothing(autopay):
    for _ in range(3):
        run_today()
    assert len(collections_()) == len(notices()) == 1
    autopay.days(10)
    for _ in range(3):
        run_today()
    assert len(autopay.payments()) == len(autopay.twins.objects("gocardless", "payments")) == 1


def test_paying_by_card_before_the_day_withdraws_the_announcement(autopay):
    run_today()
    step = autopay.pay_by_card(autopay.part("F-1", 12_000))
    autopay.twins.pay(step.url)
    autopay.deliver()

    assert [(one.state, one.reason) for one in collections_()] == [(CollectionState.SKIPPED, "paid")]
    live(autopay, 16)
    assert autopay.twins.objects("gocardless", "payments") == []


def test_a_card_page_that_is_open_when_the_debit_is_due_is_not_collected_beside(autopay):
    run_today()
    autopay.days(9)
    autopay.pay_by_card(autopay.part("F-1", 12_000))

    run_today()

    assert outcomes()[-1] == ("skip", "payment_under_way")
    assert autopay.twins.objects("gocardless", "payments") == []


def test_frozen_money_is_neither_announced_nor_collected(autopay):
    run_today()
    change(Invoice, autopay.invoices["F-1"], frozen_minor=12_000)
    autopay.days(10)

    run_today()

    assert outcomes()[-1] == ("skip", "frozen")
    assert autopay.payments() == []


def test_above_the_debtors_maximum_nothing_is_announced_and_the_reason_is_kept(autopay):
    change(Debtor, autopay.debtor_id, autopay_maximum_minor=11_999)

    run_today()

    assert outcomes() == [("skip", "above_maximum")]
    assert notices() == []


def test_turning_autopay_off_after_the_notice_stops_the_debit(autopay):
    run_today()
    change(Debtor, autopay.debtor_id, autopay=False)
    with reading() as session:
        assert queries.next_debits(session, autopay.debtor_id) == []
    autopay.days(10)

    run_today()

    assert [(one.state, one.reason) for one in collections_()] == [(CollectionState.SKIPPED, "autopay_off")]
    assert autopay.payments() == []


def test_without_anybody_to_tell_nothing_is_collected(autopay):
    from shared.debtors.models import DebtorContact

    with transaction() as session:
        for link in session.scalars(select(DebtorContact)):
            link.is_reminded = False

    run_today()

    assert outcomes() == [("skip", "nobody_to_tell")]
    assert collections_() == []


def test_a_company_that_sleeps_through_the_day_shifts_the_debit_and_gives_a_new_notice(autopay):
    run_today()
    autopay.days(24)

    run_today()

    first, second = collections_()
    assert (first.state, first.reason) == (CollectionState.SKIPPED, "too_late_for_the_day_announced")
    assert second.charge_on - clock.today() >= timedelta(days=14)
    assert len(notices()) == 2


def test_a_refusal_for_lack_of_money_is_tried_again_with_a_new_notice_and_not_for_ever(counter):
    counter.open_account(amounts=())
    counter.give_mandate("insufficient_funds")
    with transaction() as session:
        debtor = session.get_one(Debtor, counter.debtor_id)
        debtor.autopay = True
        counter.invoices["F-1"] = an_invoice(session, debtor, "F-1", 12_000, due_in=14).id
    run_today()

    live(counter, 80)

    payments = counter.payments()
    assert [(one.status, one.failure_code) for one in payments] == [(PaymentStatus.FAILED, "AM04")] * 3
    days = [one.charge_on for one in payments]
    assert all(later - earlier >= timedelta(days=14) for earlier, later in pairwise(days))
    assert len(notices()) == 3
    assert outcomes()[-1] == ("skip", "tried_before")
    assert counter.amounts("F-1") == [(12_000, 0)]


def test_a_closed_account_is_not_tried_again(counter):
    counter.open_account(amounts=())
    mandate_id = counter.give_mandate("account_closed")
    with transaction() as session:
        debtor = session.get_one(Debtor, counter.debtor_id)
        debtor.autopay = True
        an_invoice(session, debtor, "F-1", 12_000, due_in=14)
    run_today()

    live(counter, 40)

    assert len(counter.payments()) == 1
    assert counter.mandate(mandate_id).status in (MandateStatus.BLOCKED, MandateStatus.CANCELLED)


def test_the_death_of_the_account_holder_stops_every_automation(autopay):
    from payments.collections.jobs import after_failure
    from payments.service import Facts, advance
    from shared.kit.actors import Actor

    run_today()
    autopay.days(10)
    run_today()
    (payment,) = autopay.payments()
    with transaction() as session:
        facts = Facts(failure_code="MD07")
        advance(session, payment.id, PaymentStatus.FAILED, by=Actor.provider("gocardless"), facts=facts)

    after_failure({"payment_id": str(payment.id)})

    with reading() as session:
        debtor = session.get_one(Debtor, autopay.debtor_id)
        assert not debtor.autopay
        assert debtor.reminders_paused_until.year == 9999


def test_a_silent_provider_stops_the_run_and_the_next_one_goes_on(autopay):
    run_today()
    autopay.days(10)
    autopay.twins.fault("status", provider="gocardless", match="GET /mandates", status=500, times=0)
    assert not run_today().is_whole
    with reading() as session:
        assert session.scalars(select(CollectionRun.finished_at).order_by(CollectionRun.run_on.desc())).first() is None
    autopay.twins.clear_faults()

    assert run_today().is_whole
    assert len(autopay.payments()) == 1


def test_a_lost_answer_does_not_make_a_second_debit(autopay):
    run_today()
    autopay.days(10)
    autopay.twins.fault("cut_after_commit", provider="gocardless", match="POST /payments", times=2)

    run(company_id())
    run(company_id())

    (payment,) = autopay.payments()
    assert payment.status is PaymentStatus.CREATED
    assert len(autopay.twins.objects("gocardless", "payments")) == 1


def test_a_dry_run_writes_nothing(autopay):
    report = run(company_id(), dry=True)

    assert report.counts == {"announce notice_given": 1}
    assert collections_() == notices() == outcomes() == []


def test_the_command_reports_in_json(autopay):
    answer = CliRunner().invoke(collections, ["run", "--json", "--dry-run"])

    (report,) = json.loads(answer.output)
    assert (report["dry_run"], report["counts"]) == (True, {"announce notice_given": 1})
    (decision,) = report["decisions"]
    assert (decision["debtor"], decision["invoice"], decision["minor"]) == ("411DORA", "F-1", 12_000)


def test_ending_the_last_mandate_withdraws_what_was_announced(autopay):
    from payments.mandates import setup

    run_today()
    setup.cancel(autopay.mandate_id, autopay.debtor_id, autopay.by)
    autopay.deliver()

    assert [(one.state, one.reason) for one in collections_()] == [(CollectionState.SKIPPED, "no_mandate")]
    with reading() as session:
        assert session.get_one(Mandate, autopay.mandate_id).status is MandateStatus.CANCELLED
        assert session.scalars(select(Payment)).all() == []
