"""After the default of a payment plan the ladder goes on: at the step reached, or at the last one, as the policy says."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

import wsgi
from backoffice.reminders.models import Reminder, ReminderInvoice, ScenarioStep
from backoffice.reminders.run import run
from payments.plans import accepting, rules, running, service
from payments.plans.accepting import Evidence
from payments.plans.rules import ResumesAt, Terms
from shared.debtors.models import Contact, DebtorKind
from shared.kit import clock
from shared.kit.actors import Actor
from shared.kit.db import reading, transaction
from shared.kit.outbox.relay import perform_due
from shared.messages.models import Message
from tests.support.people import a_company, a_debtor, an_invoice

STAFF = Actor.staff(uuid.uuid4(), "Clara")


def agree(frozen, resumes_at):
    """A plan over an invoice that has been due for sixty days; gives (company, plan)."""
    wsgi.import_jobs()
    with transaction() as session:
        company = a_company(session)
        policy = replace(rules.FOR_BUSINESS, resumes_at=resumes_at)
        service.set_policy(session, company_id=company.id, kind=DebtorKind.BUSINESS, policy=policy, by=STAFF)
        debtor = a_debtor(session, company, language="en")
        an_invoice(session, debtor, "F-1", 30_000, due_in=-60)
        contact = session.scalars(select(Contact)).one()
        plan = service.propose(
            session,
            debtor_id=debtor.id,
            contact_id=contact.id,
            invoice_ids=None,
            wish=Terms(clock.today() + timedelta(days=5), count=3),
            message="",
            attempt="form",
            by=STAFF,
        )
        evidence = Evidence(contact.id, "Dora", contact.email, "192.0.2.7", "test", "en")
        accepting.accept(session, plan_id=plan.id, evidence=evidence, by=STAFF)
        return company.id, plan.id


def steps():
    with reading() as session:
        return session.scalars(
            select(ScenarioStep.offset_days).join(Reminder, Reminder.step_id == ScenarioStep.id).order_by(Reminder.id)
        ).all()


@pytest.mark.parametrize(("resumes_at", "is_last"), [(ResumesAt.FORMAL_STEP, True), (ResumesAt.STEP_REACHED, False)])
def test_the_ladder_goes_on_where_the_policy_says(database, settings, frozen, resumes_at, is_last):
    company_id, plan_id = agree(frozen, resumes_at)
    run(company_id)
    perform_due()
    assert steps() == []

    with transaction() as session:
        running.put_in_default(session, plan_id=plan_id)
    perform_due()
    frozen.advance(days=1)
    run(company_id)
    perform_due()

    with reading() as session:
        ladder = session.scalars(select(ScenarioStep.offset_days).order_by(ScenarioStep.offset_days)).all()
        memory = session.scalars(select(ReminderInvoice).where(ReminderInvoice.reminder_id == plan_id)).all()
        letters = session.scalars(select(Message).where(Message.kind == "reminder")).all()
    (taken,) = steps()
    assert (taken == ladder[-1]) == is_last
    assert len(memory) == (1 if is_last else 0)
    assert len(letters) == 1


def test_doing_it_twice_changes_nothing(database, settings, frozen):
    from backoffice.reminders.jobs import after_plan

    _company_id, plan_id = agree(frozen, ResumesAt.FORMAL_STEP)
    with transaction() as session:
        running.put_in_default(session, plan_id=plan_id)
    for _ in range(2):
        after_plan({"id": str(plan_id)})

    with reading() as session:
        assert len(session.scalars(select(ReminderInvoice)).all()) <= 1
