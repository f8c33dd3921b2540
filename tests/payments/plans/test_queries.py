"""What pages read of plans: whose they are, and the story of a debtor."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from payments.plans import queries, statistics
from payments.plans.status import PlanStatus
from shared.company.models import Company
from shared.kit import clock
from shared.kit.db import reading
from shared.kit.errors import NotFound

S = PlanStatus


def test_another_debtors_plan_does_not_exist(planner):
    plan = planner.propose()
    stranger = planner.counter.debtor_id.__class__(int=1)
    with reading() as session, pytest.raises(NotFound):
        queries.plan_of(session, stranger, plan.id)
    with reading() as session, pytest.raises(NotFound):
        queries.get_plan(session, stranger, plan.id)


def test_statistics_and_the_story_of_a_debtor(planner):
    plan = planner.agree()
    with reading() as session:
        company_id = session.scalars(select(Company.id)).one()
        since = clock.now() - timedelta(days=1)
        figures = statistics.statistics(session, company_id, since=since)
        events = queries.events_of(session, planner.debtor_id)
        card = queries.live_plan_of(session, planner.debtor_id)
        on_invoice = queries.plans_on_invoice(session, planner.debtor_id, planner.counter.invoices["F-1"])
    assert (figures.accepted, figures.defaulted, figures.answered_at_once, figures.under_plan.minor) == (
        1,
        0,
        1,
        60_001,
    )
    assert [event.after for event in events] == [S.ACTIVE, S.OFFERED]
    assert card.id == on_invoice[0].id == plan.id
