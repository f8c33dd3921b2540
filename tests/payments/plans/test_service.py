"""Plans are proposed, answered at once, offered by staff, taken back and offered anew."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from payments.plans import rules, running, service
from payments.plans.models import PlanTransition
from payments.plans.rules import Limit
from payments.plans.status import PlanStatus
from shared.company.models import Company
from shared.debtors.models import Debtor, DebtorKind
from shared.kit import clock
from shared.kit.db import reading, transaction
from shared.kit.errors import Conflict, Invalid
from tests.payments.plans.conftest import STAFF

S = PlanStatus


def test_a_plan_within_the_policy_is_offered_at_once_and_freezes_nothing_yet(planner):
    plan = planner.propose()

    assert (plan.status, plan.total_minor, plan.reasons) == (S.OFFERED, 60_001, [])
    assert planner.frozen() == {}
    view = planner.view(plan)
    assert [due.minor for due in view.days] == [20_001, 20_000, 20_000]
    assert not view.is_counter_offer
    assert [step.after for step in view.steps] == [S.PROPOSED, S.OFFERED]


def test_a_proposal_sent_twice_is_one_plan(planner):
    first, second = planner.propose(), planner.propose()

    assert first.id == second.id
    assert len(planner.view(first).steps) == 2


def test_too_many_instalments_get_the_nearest_terms_as_a_counter_offer(planner):
    plan = planner.propose(count=40)

    view = planner.view(plan)
    assert plan.status is S.OFFERED
    assert view.is_counter_offer
    assert Limit.TOO_LONG in view.reasons
    assert sum(due.minor for due in view.days) == 60_001
    assert min(due.minor for due in view.days) >= rules.FOR_BUSINESS.smallest_instalment_minor


def test_above_the_policy_a_person_decides_and_reminders_rest_a_few_days(planner):
    with transaction() as session:
        company = session.scalars(select(Company)).one()
        policy = replace(rules.FOR_BUSINESS, largest_total_minor=50_000)
        service.set_policy(session, company_id=company.id, kind=DebtorKind.BUSINESS, policy=policy, by=STAFF)

    plan = planner.propose(count=3)

    assert (plan.status, plan.reasons) == (S.NEEDS_PERSON, ["total_too_large"])
    with reading() as session:
        until = session.get_one(Debtor, planner.debtor_id).reminders_paused_until
    assert until == clock.today() + timedelta(days=5)
    assert planner.frozen() == {}

    offered = planner.do(
        service.offer, plan, terms=planner.wish(count=2, first_minor=40_000), answer="In two parts, please."
    )
    assert offered.status is S.OFFERED
    (mail,) = planner.mails("plan_offered")
    assert "In two parts, please." in mail.text_body
    assert planner.accept(offered).status is S.ACTIVE
    assert planner.instalments(plan) == [(40_000, 0, 0), (20_001, 0, 0)]


def test_a_company_that_offers_no_plans_refuses_with_the_reason(planner):
    with transaction() as session:
        company = session.scalars(select(Company)).one()
        policy = replace(rules.FOR_BUSINESS, is_offered=False)
        service.set_policy(session, company_id=company.id, kind=DebtorKind.BUSINESS, policy=policy, by=STAFF)

    plan = planner.propose()

    assert (plan.status, plan.reasons, plan.end_reason) == (S.DECLINED, ["not_offered"], "not_offered")


def test_values_that_cannot_be_are_no_policy(planner):
    with reading() as session:
        company_id = session.scalars(select(Company.id)).one()
    for values in ({"share_up_front": 95}, {"longest_months": 0}, {"grace_days": 0}, {"minimum_score": 101}):
        policy = replace(rules.FOR_BUSINESS, **values)
        with pytest.raises(Invalid), transaction() as session:
            service.set_policy(session, company_id=company_id, kind=DebtorKind.BUSINESS, policy=policy, by=STAFF)


def test_a_second_plan_is_refused_while_one_runs(planner):
    planner.agree("F-1")
    second = planner.propose("F-2", attempt="form-2")

    assert (second.status, second.reasons[0]) == (S.DECLINED, "too_many_plans")


def test_an_invoice_in_a_plan_cannot_be_put_into_another(planner):
    planner.agree("F-1")

    with pytest.raises(Conflict):
        planner.propose("F-1", attempt="form-2")


def test_a_new_proposal_takes_the_place_of_the_one_before(planner):
    first = planner.propose(count=40)
    second = planner.propose(attempt="form-2")

    assert planner.plan(first).status is S.CANCELLED
    assert planner.plan(first).end_reason == "superseded"
    assert second.status is S.OFFERED


def test_the_debtor_may_prefer_a_person_to_the_counter_offer(planner):
    plan = planner.propose(count=40)
    asked = planner.do(service.ask_person, plan, message="It must be forty.")

    assert (asked.status, asked.terms, asked.message) == (S.NEEDS_PERSON, None, "It must be forty.")
    declined = planner.do(service.decline, plan, answer="Forty is too many for us.")
    assert declined.status is S.DECLINED
    (mail,) = planner.mails("plan_declined")
    assert "Forty is too many" in mail.text_body


def test_a_step_that_the_table_does_not_have_is_refused(planner):
    plan = planner.propose()
    for verb, given in ((running.pause, {"reason": ""}), (running.cancel, {"reason": ""})):
        with pytest.raises(Conflict):
            planner.do(verb, plan, **given)
    with reading() as session:
        assert len(session.scalars(select(PlanTransition)).all()) == 2


def test_staff_offer_a_plan_by_themselves_look_after_it_and_take_it_back(planner):
    with transaction() as session:
        plan = service.propose_by_staff(
            session,
            debtor_id=planner.debtor_id,
            invoice_ids=[planner.counter.invoices["F-1"]],
            terms=planner.wish(count=10),
            answer="As agreed on the telephone.",
            attempt="desk-1",
            by=STAFF,
        )
    assert (plan.status, plan.total_minor, plan.assignee_id) == (S.OFFERED, 30_000, STAFF.id)
    (mail,) = planner.mails("plan_offered")
    assert "As agreed on the telephone." in mail.text_body
    assert planner.do(service.assign, plan, staff_id=None).assignee_id is None
    planner.do(service.withdraw, plan)
    assert planner.plan(plan).status is S.CANCELLED
    with pytest.raises(Conflict):
        planner.accept(plan)


def test_terms_that_make_no_schedule_cannot_be_offered(planner):
    plan = planner.propose()
    for terms in ({"count": 0}, {"first_on": clock.today() - timedelta(days=1)}, {"by_mandate": True}):
        with pytest.raises(Invalid):
            planner.do(service.offer, plan, terms=planner.wish(**terms))


def test_a_change_is_a_plan_of_its_own_that_takes_over_when_it_is_accepted(planner):
    plan = planner.agree(count=2)
    _parts, step = planner.pay(plan)
    planner.counter.twins.pay(step.url)
    planner.counter.deliver()

    new = planner.do(service.change, plan, terms=planner.wish(count=3), answer="As we said.", attempt="change-1")
    assert (new.status, new.total_minor, new.replaces_id) == (S.OFFERED, 30_000, plan.id)
    assert planner.plan(plan).status is S.ACTIVE
    planner.accept(new)

    assert planner.plan(plan).status is S.CANCELLED
    assert planner.plan(plan).end_reason == "replaced"
    assert planner.instalments(new) == [(10_000, 0, 0)] * 3
    assert planner.frozen() == {"F-2": 19_999, "F-3": 10_001}
