"""Whoever speaks of a debit says what the runs decide: reminders, papers and pages ask the one decision."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from backoffice.invoices.queries import count_came_back
from backoffice.reminders.queries import facts_page
from backoffice.reminders.rules import Facts
from payments.collections.models import CollectionState
from payments.collections.queries import choices_of
from payments.collections.reconsider import reconsider_all
from payments.models import Means, Provider
from payments.reconcile.verify import verify
from payments.refunds import service as refunds
from payments.service import PaymentDraft, advance, start
from payments.standing import standing_of
from payments.status import PaymentStatus
from shared.company.models import Company
from shared.debtors.models import Debtor
from shared.debtors.service import lock_debtor
from shared.kit import clock
from shared.kit.actors import Actor
from shared.kit.db import reading, transaction
from shared.kit.ids import new_id
from shared.ledger import service as ledger
from shared.ledger.cancel import take_off
from shared.ledger.rules import Part
from tests.payments.collections.test_reconsider import (
    announced,
    autopay,
    change,
    collections_,
    give_credit,
    mails,
    provider_debits,
    run_today,
    written,
)
from tests.support.people import an_invoice

__all__ = ["autopay"]

BY = Actor.system("x")


def reminded(counter) -> Facts:
    with reading() as session:
        company_id = session.scalars(select(Company.id)).one()
        [(_debtor, facts)] = facts_page(session, company_id, clock.today(), after=None, limit=10)
        return facts


def paper(counter) -> tuple[int, list[tuple[str, int]]]:
    with reading() as session:
        standing, _debit = standing_of(session, counter.invoices["F-1"])
        return standing.to_pay.minor, [(part.kind, part.amount.minor) for part in standing.parts]


def page(counter) -> str:
    with reading() as session:
        [choice], _count = choices_of(session, counter.debtor_id)
        return choice.why_not


def refund_it(counter) -> None:
    written(counter)
    counter.days(12)
    (payment,) = counter.payments()
    with transaction() as session:
        refunds.ask(
            session, payment_id=payment.id, minor=12_000, reason="x", by=Actor.staff(new_id(), "Sam"), is_owed=True
        )
    counter.deliver()


def let_it_fail(counter) -> None:
    written(counter)
    (payment,) = counter.payments()
    counter.twins.fault("failure", object=payment.provider_reference, reason="SL01")
    counter.days(12)


def switch_debits_off(counter) -> None:
    with transaction() as session:
        session.scalars(select(Company)).one().collects = False


@pytest.mark.parametrize(
    ("event", "reason"),
    [(refund_it, "refunded"), (let_it_fail, "tried_before"), (switch_debits_off, "company_stopped")],
)
def test_what_no_run_takes_is_asked_for_and_nobody_says_that_it_is_debited(autopay, event, reason):
    change(Company, _company(), four_eyes_minor=50_000)
    event(autopay)
    autopay.days(60)

    run_today()

    assert reminded(autopay).pays_by_debit is False
    to_pay, said = paper(autopay)
    assert to_pay == 12_000
    assert said == ([("refunded", 12_000)] if reason == "refunded" else [])
    assert page(autopay) == reason


def test_what_a_run_will_take_is_not_asked_for(autopay):
    assert reminded(autopay).pays_by_debit is True
    assert paper(autopay) == (0, [("debit", 12_000)])
    assert page(autopay) == ""


def test_a_paper_sets_credit_against_what_will_be_debited(autopay):
    give_credit(autopay, 2_000)

    assert paper(autopay) == (0, [("credit", 2_000), ("debit", 10_000)])


def test_a_company_that_switches_debits_off_debits_nothing_more_and_says_so(autopay):
    written(autopay)
    with transaction() as session:
        an_invoice(session, session.get_one(Debtor, autopay.debtor_id), "F-2", 3_000, due_in=14)
    announced(autopay)
    switch_debits_off(autopay)

    reconsider_all({})
    autopay.deliver()
    autopay.days(12)
    run_today()

    assert provider_debits(autopay) == [("cancelled", 12_000)]
    assert collections_()[1][:2] == (CollectionState.SKIPPED, "company_stopped")
    told = [" ".join(mail.text_body.split()) for mail in mails("debit_stopped")]
    assert len(told) == 2
    assert ["prélevons plus automatiquement" in text for text in told] == [True, True], told


def test_money_that_goes_back_from_a_cancelled_invoice_is_asked_of_nobody_and_waits_for_a_person(counter):
    counter.open_account(amounts=(12_000,))
    counter.mandate_id = counter.give_mandate()
    change(Debtor, counter.debtor_id, autopay=True)
    with transaction() as session:
        debtor = lock_debtor(session, counter.debtor_id)
        parts = [Part(counter.invoices["F-1"], 6_000)]
        draft = PaymentDraft(
            attempt="r1", means=Means.TRANSFER, provider=Provider.HAND, parts=parts, received_on=clock.today()
        )
        payment = start(session, debtor, draft, by=BY)
        advance(session, payment.id, PaymentStatus.CONFIRMED, by=BY)
        payment_id = payment.id
    with transaction() as session:
        debtor = lock_debtor(session, counter.debtor_id)
        invoice = ledger.lock_invoices(session, [counter.invoices["F-1"]])[counter.invoices["F-1"]]
        take_off(session, debtor, invoice, on=clock.today(), reason="there twice", by=BY)

    with transaction() as session:
        advance(session, payment_id, PaymentStatus.CANCELLED, by=BY, cause="mistake")

    counter.days(60)
    run_today()
    assert collections_() == []
    with reading() as session:
        assert facts_page(session, _company(), clock.today(), after=None, limit=10) == []
        assert count_came_back(session, _company()) == (1, 6_000)
    assert verify().is_clean


def _company():
    with reading() as session:
        return session.scalars(select(Company.id)).one()
