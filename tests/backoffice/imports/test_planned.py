"""Files about invoices that stand in payment plans: the plan hears of it, whatever became of it, and follows what is left."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from sqlalchemy import select

import wsgi
from payments.plans import accepting, contents, progress, running, service
from payments.plans.accepting import Evidence
from payments.plans.models import Plan
from payments.plans.rules import Terms
from payments.plans.status import PlanStatus
from payments.reconcile.verify import verify
from shared.debtors.models import Contact
from shared.debtors.service import add_contact, lock_debtor
from shared.kit import clock
from shared.kit.actors import Actor
from shared.kit.db import reading, transaction
from shared.kit.outbox.models import OutboxMessage
from shared.kit.outbox.relay import perform_due
from tests.backoffice.imports.test_books import table
from tests.backoffice.imports.test_run import receive

STAFF = Actor.staff(uuid.UUID(int=7), "Sam")


@pytest.fixture
def planned(desk):
    """C1 pays F1 (300.00) by three instalments of its own accord; F2 is in no plan."""
    wsgi.import_jobs()
    desk.take(table("C1 F1 300,00 300,00", "C1 F2 10,00 10,00"))
    with transaction() as session:
        debtor = lock_debtor(session, desk.debtor_id("C1"))
        contact = add_contact(session, debtor=debtor, email="c1@client.example", name="C1", by=STAFF)
        by = Actor.contact(contact.id, "C1")
        plan = service.propose(
            session,
            debtor_id=debtor.id,
            contact_id=contact.id,
            invoice_ids=[desk.invoice("F1").id],
            wish=Terms(first_on=clock.today() + timedelta(days=20), count=3),
            message="",
            attempt="one",
            by=by,
        )
        desk.plan = plan.id
        accepting.accept(session, plan_id=plan.id, evidence=evidence(contact), by=by)
    perform_due()
    return desk


def evidence(contact: Contact) -> Evidence:
    return Evidence(
        contact_id=contact.id,
        name="C1",
        email=contact.email,
        address="192.0.2.7",
        user_agent="Mozilla/5.0 (test)",
        language="fr",
        verified_at=clock.now(),
    )


def settled(desk):
    with reading() as session:
        return [row.settled_minor for row in contents.instalments_of(session, desk.plan)]


def status(desk):
    with reading() as session:
        return session.get_one(Plan, desk.plan).status


def heard(desk, number):
    """How often payments were told of an invoice that a file lowered."""
    with reading() as session:
        rows = session.scalars(select(OutboxMessage).where(OutboxMessage.topic == "invoice.lowered"))
        return {row.payload["invoice"] for row in rows} >= {str(desk.invoice(number).id)}


def test_a_file_that_lowers_an_invoice_of_a_running_plan_settles_its_next_instalments(planned):
    planned.take(table("C1 F1 300,00 150,00", "C1 F2 10,00 5,00"))
    assert heard(planned, "F1")
    assert not heard(planned, "F2")  # without autopay, a debit on its way or a plan nobody has to look again

    perform_due()

    assert settled(planned) == [10_000, 5_000, 0]
    assert planned.invoice("F1").frozen_minor == 15_000
    assert status(planned) is PlanStatus.ACTIVE
    assert verify().differences == []


def test_an_instalment_that_was_paid_in_part_is_not_settled_twice_by_the_file_that_shows_it(planned):
    receive(planned, "F1", 4_000, "C1")
    with transaction() as session:
        progress.refresh(session, planned.plan)
    assert settled(planned) == [4_000, 0, 0]

    planned.take(table("C1 F1 300,00 260,00", "C1 F2 10,00 10,00"))
    perform_due()
    assert settled(planned) == [4_000, 0, 0]

    planned.take(table("C1 F1 300,00 200,00", "C1 F2 10,00 10,00"))
    perform_due()
    assert settled(planned) == [10_000, 0, 0]
    assert planned.invoice("F1").open_minor == planned.invoice("F1").frozen_minor == 20_000


def test_a_file_that_settles_all_of_it_completes_the_plan(planned):
    planned.take(table("C1 F1 300,00 0,00", "C1 F2 10,00 10,00"))
    perform_due()
    assert settled(planned) == [10_000, 10_000, 10_000]
    assert status(planned) is PlanStatus.COMPLETED
    assert planned.invoice("F1").frozen_minor == 0


@pytest.mark.parametrize("end", [PlanStatus.CANCELLED, PlanStatus.IN_DEFAULT])
def test_a_plan_that_has_ended_is_heard_of_and_freezes_nothing_again(planned, end):
    with transaction() as session:
        if end is PlanStatus.CANCELLED:
            running.cancel(session, plan_id=planned.plan, reason="x", by=STAFF)
        else:
            running.put_in_default(session, plan_id=planned.plan, by=STAFF)
    perform_due()

    planned.take(table("C1 F1 300,00 100,00", "C1 F2 10,00 10,00"))
    assert heard(planned, "F1")
    perform_due()

    assert status(planned) is end
    assert (planned.invoice("F1").open_minor, planned.invoice("F1").frozen_minor) == (10_000, 0)
    assert settled(planned) == ([0, 0, 0] if end is PlanStatus.CANCELLED else [10_000, 10_000, 0])


def test_an_invoice_that_left_the_books_completes_its_plan(planned):
    rest = ("C1 F2 10,00 10,00", "C2 F9 900,00 900,00")
    planned.take(table("C1 F1 300,00 300,00", *rest))
    planned.take(table(*rest), choices={"complete": True})
    perform_due()
    assert planned.invoice("F1").open_minor == 0
    assert heard(planned, "F1")
    assert status(planned) is PlanStatus.COMPLETED
