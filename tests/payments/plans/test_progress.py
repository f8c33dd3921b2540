"""How far a plan is: what is paid, credited and taken back counts for its instalments, as the ledger says."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from payments.models import Means
from payments.plans import progress, queries
from payments.plans.status import PlanStatus
from payments.receipts.service import record_receipt
from payments.status import PaymentStatus
from shared.debtors.models import Debtor
from shared.invoices.models import Invoice
from shared.kit import clock
from shared.kit.actors import Actor
from shared.kit.db import reading, transaction
from shared.kit.errors import Conflict
from shared.ledger.rules import Part
from tests.payments.plans.conftest import STAFF

S = PlanStatus


def test_money_under_way_before_the_plan_settles_what_is_outside_it(planner):
    step = planner.counter.pay_by_card(planner.counter.part("F-2", 5_000))
    plan = planner.agree("F-2")
    planner.counter.twins.pay(step.url)
    planner.counter.deliver()

    assert planner.settled(plan) == [0, 0, 0]
    assert planner.frozen() == {"F-2": 15_000}
    assert planner.counter.amounts("F-2") == [(15_000, 0)]


def test_the_instalment_due_is_paid_from_the_portal_oldest_invoice_first(planner):
    plan = planner.agree(count=2)
    parts, step = planner.pay(plan)
    assert [(part.minor) for part in parts] == [30_000, 1]

    assert planner.view(plan).instalments[0].state is queries.InstalmentState.UNDER_WAY
    with reading() as session:
        assert progress.payable(session, plan.id) == 30_000
    planner.counter.twins.pay(step.url)
    planner.counter.deliver()

    assert planner.settled(plan) == [30_001, 0]
    assert planner.frozen() == {"F-2": 19_999, "F-3": 10_001}
    assert planner.view(plan).line.settled_count == 1


def test_paying_all_the_rest_completes_the_plan_and_a_chargeback_opens_it_again_in_the_same_commit(planner):
    plan = planner.agree()
    parts, step = planner.pay(plan, everything=True)
    planner.counter.twins.pay(step.url)
    planner.counter.deliver()
    assert sum(part.minor for part in parts) == 60_001
    assert planner.plan(plan).status is S.COMPLETED
    assert planner.frozen() == {}
    assert len(planner.mails("plan_completed")) == 1

    (payment,) = planner.counter.payments()
    from payments.service import Facts, advance

    with transaction() as session:
        by = Actor.provider("stripe")
        facts = Facts(object_reference="dp_1", amount_minor=60_001)
        advance(session, payment.id, PaymentStatus.CHARGED_BACK, by=by, facts=facts)

    assert planner.plan(plan).status is S.ACTIVE
    assert planner.settled(plan) == [0, 0, 0]
    assert planner.frozen() == {"F-1": 30_000, "F-2": 20_000, "F-3": 10_001}
    with reading() as session:
        assert all(invoice.collectable_minor == 0 for invoice in session.scalars(select(Invoice)))


def test_a_transfer_recorded_by_hand_counts_and_undone_counts_no_more(planner):
    from payments.receipts.service import undo_receipt

    plan = planner.agree()
    with transaction() as session:
        payment = record_receipt(
            session,
            debtor=session.get_one(Debtor, planner.debtor_id),
            means=Means.TRANSFER,
            minor=25_000,
            received_on=clock.today(),
            memo="VIR DORA",
            parts=[Part(planner.counter.invoices["F-1"], 25_000)],
            attempt="by-hand",
            by=STAFF,
        )
    assert planner.settled(plan) == [20_001, 4_999, 0]
    assert planner.frozen()["F-1"] == 5_000

    with transaction() as session:
        undo_receipt(session, payment_id=payment.id, reason="another customer", by=STAFF)
    assert planner.settled(plan) == [0, 0, 0]
    assert planner.frozen()["F-1"] == 30_000


def test_a_credit_note_shortens_the_plan_at_its_end(planner):
    from shared.invoices.models import InvoiceKind
    from shared.ledger import service as ledger
    from tests.support.people import an_invoice

    plan = planner.agree()
    with transaction() as session:
        from shared.debtors.service import lock_debtor

        debtor = lock_debtor(session, planner.debtor_id)
        note = an_invoice(session, debtor, "A-1", 25_000, kind=InvoiceKind.CREDIT_NOTE)
        occasion = ledger.Occasion(at=clock.now(), value_on=clock.today())
        part = Part(planner.counter.invoices["F-1"], 25_000)
        ledger.apply_credit_note(session, debtor, credit_note_id=note.id, parts=[part], occasion=occasion)
        progress.refresh(session, plan.id)

    assert planner.instalments(plan) == [(20_001, 0, 0), (20_000, 5_000, 0), (20_000, 20_000, 0)]
    assert planner.frozen() == {"F-1": 5_000, "F-2": 20_000, "F-3": 10_001}
    planner.follow()
    assert planner.instalments(plan)[2] == (20_000, 20_000, 0)


def test_more_than_is_left_cannot_be_paid_on_a_plan(planner):
    plan = planner.agree()
    planner.pay(plan, everything=True)

    with reading() as session:
        assert progress.parts_for_instalment(session, plan.id) == []
        with pytest.raises(Conflict):
            progress.parts_for(session, plan.id, 1)
