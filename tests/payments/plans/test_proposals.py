"""Before a plan: what it may be made of, what the company grants, and what a proposal would be answered."""

from __future__ import annotations

from sqlalchemy import select

from payments.plans import proposals, rules
from payments.plans.models import Plan
from payments.plans.status import PlanStatus
from shared.company.models import Company
from shared.debtors.models import DebtorKind
from shared.invoices.models import FreezeKind
from shared.invoices.service import freeze
from shared.kit.db import reading, transaction
from tests.payments.plans.conftest import STAFF

S = PlanStatus


def test_the_preview_says_what_the_proposal_would_be_answered_and_writes_nothing(planner):
    with reading() as session:
        shown = proposals.preview(session, planner.debtor_id, invoice_ids=None, wish=planner.wish(count=40))
    plan = planner.propose(count=40)

    assert isinstance(shown.answer, rules.CounterOffer)
    assert planner.view(plan).terms == shown.terms
    assert planner.view(plan).days == shown.days


def test_consumers_have_defaults_of_their_own_and_no_plan_has_a_fee(planner):
    with reading() as session:
        company_id = session.scalars(select(Company.id)).one()
        assert proposals.policy_of(session, company_id, DebtorKind.CONSUMER) == rules.FOR_CONSUMERS
    assert not any("fee" in column.name or "interest" in column.name for column in Plan.__table__.columns)
    plan = planner.agree()
    assert sum(amount for amount, _credited, _settled in planner.instalments(plan)) == 60_001


def test_disputed_money_and_money_under_way_are_never_part_of_a_plan(planner):
    planner.counter.pay_by_card(planner.counter.part("F-2", 5_000))
    with transaction() as session:
        freeze(
            session,
            invoice_id=planner.counter.invoices["F-1"],
            kind=FreezeKind.DISPUTE,
            minor=12_000,
            reason="broken",
            by=STAFF,
        )

    plan = planner.agree("F-1", "F-2")

    assert plan.total_minor == 18_000 + 15_000
    assert planner.frozen() == {"F-1": 18_000, "F-2": 15_000}
