"""Plans run: staff let them rest, go on or end; instalments are missed, reminded, and come to default by the clause."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from payments.plans import progress, queries, rules, running, service
from payments.plans.commands import plans
from payments.plans.last_look import MOVED_ON
from payments.plans.models import Plan, PlanInstalment
from payments.plans.queries import InstalmentState
from payments.plans.status import PlanStatus
from shared.invoices.models import FreezeKind
from shared.invoices.service import freeze
from shared.kit import clock
from shared.kit.db import reading, transaction
from shared.kit.errors import Conflict, Invalid
from shared.messages.last_look import look
from shared.messages.models import Message
from tests.payments.plans.conftest import STAFF

S = PlanStatus


def test_a_plan_rests_and_goes_on_with_new_days(planner):
    plan = planner.agree()
    planner.do(running.pause, plan, reason="the customer is in hospital")
    planner.counter.days(40)
    assert planner.follow() == []
    assert planner.frozen()["F-1"] == 30_000
    assert planner.plan(plan).status is S.PAUSED

    first_on = clock.today() + timedelta(days=5)
    planner.do(running.resume, plan, first_on=first_on)
    days = [line.due_on for line in planner.view(plan).instalments]
    assert days == rules.due_days(first_on, rules.Rhythm.MONTHLY, 3)
    assert len(planner.mails("plan_paused")) == len(planner.mails("plan_resumed")) == 1
    with pytest.raises(Conflict):
        planner.do(running.resume, plan, first_on=first_on)


def test_a_day_in_the_past_is_no_first_day(planner):
    plan = planner.agree()
    planner.do(running.pause, plan, reason="")
    with pytest.raises(Invalid):
        planner.do(running.resume, plan, first_on=clock.today() - timedelta(days=1))


def test_cancelling_frees_the_money_and_says_so(planner):
    plan = planner.agree()
    planner.do(running.cancel, plan, reason="by agreement")

    assert planner.plan(plan).status is S.CANCELLED
    assert planner.frozen() == {}
    assert len(planner.mails("plan_cancelled")) == 1
    assert {line.state for line in planner.view(plan).instalments} == {queries.InstalmentState.VOID}


def test_a_plan_in_default_whose_money_is_disputed_meanwhile_is_not_resumed_but_offered_anew(planner):
    plan = planner.agree("F-1")
    planner.do(running.put_in_default, plan)
    with transaction() as session:
        invoice_id = planner.counter.invoices["F-1"]
        freeze(session, invoice_id=invoice_id, kind=FreezeKind.DISPUTE, minor=10_000, reason="", by=STAFF)

    with pytest.raises(Conflict) as refusal:
        planner.do(running.resume, plan, first_on=clock.today())
    assert refusal.value.code == "plan.changed"
    assert planner.plan(plan).status is S.IN_DEFAULT
    assert planner.frozen() == {}
    new = planner.do(service.change, plan, terms=planner.wish(), answer="", attempt="anew")
    assert planner.accept(new).total_minor == 20_000
    assert planner.plan(plan).status is S.CANCELLED


def test_an_instalment_is_announced_once_reminded_once_and_then_the_clause_applies(planner):
    plan = planner.agree()
    due = planner.view(plan).instalments[0].due_on

    acts = {}
    for _ in range(40):
        planner.counter.days(1)
        for act in planner.follow():
            acts[act] = clock.today()

    assert acts["coming"] == due - timedelta(days=3)
    assert acts["late"] == due + timedelta(days=1)
    assert acts["defaulted"] == due + timedelta(days=1 + 7 + 1)
    assert len(planner.mails("instalment_coming")) == len(planner.mails("instalment_late")) == 1
    assert planner.plan(plan).status is S.IN_DEFAULT
    (mail,) = planner.mails("plan_defaulted")
    assert "600,01" in mail.text_body


def test_looking_twice_on_a_day_says_everything_once(planner):
    planner.agree()
    planner.counter.days(21)
    assert planner.follow() == ["late"]
    assert planner.follow() == []
    assert len(planner.mails("instalment_late")) == 1


def test_an_instalment_paid_within_the_grace_saves_the_plan(planner):
    plan = planner.agree()
    planner.counter.days(21)
    assert planner.follow() == ["late"]
    with reading() as session:
        parts = progress.parts_for_instalment(session, plan.id)
    step = planner.counter.pay_by_card(*parts, attempt=progress.payment_attempt(plan.id, "card-1"))
    planner.counter.twins.pay(step.url)
    planner.counter.deliver()

    assert "defaulted" not in planner.live(15)
    assert planner.plan(plan).status is S.ACTIVE


def test_a_payment_on_its_way_is_not_missed(planner):
    plan = planner.agree()
    mandate = planner.counter.give_mandate()
    planner.counter.days(20)
    with reading() as session:
        parts = progress.parts_for_instalment(session, plan.id)
    planner.counter.pay_by_debit(mandate, *parts, attempt=progress.payment_attempt(plan.id, "debit-1"))
    planner.counter.days(1)

    assert planner.follow() == []
    assert planner.view(plan).instalments[0].state is InstalmentState.UNDER_WAY


def test_the_command_tells_what_it_would_do_and_keeps_nothing(planner):
    planner.agree()
    planner.counter.days(21)

    answer = CliRunner().invoke(plans, ["run", "--dry-run", "--json"])
    told = json.loads(answer.output)
    assert (told["dry_run"], told["counts"]) == (True, {"late": 1})
    assert planner.mails("instalment_late") == []

    answer = CliRunner().invoke(plans, ["run"])
    assert "late" in answer.output
    assert len(planner.mails("instalment_late")) == 1


def test_verify_names_a_plan_whose_sums_do_not_fit(planner):
    plan = planner.agree()
    assert planner.differences() == []
    with transaction() as session:
        row = session.scalars(select(PlanInstalment).where(PlanInstalment.plan_id == plan.id)).first()
        row.settled_minor = 7
    (difference,) = planner.differences()
    assert plan.reference in difference


def test_verify_names_a_freeze_that_outlived_its_plan(planner):

    plan = planner.agree()
    with transaction() as session:
        session.get_one(Plan, plan.id).status = S.CANCELLED
    found = sorted(planner.differences())
    assert found == [
        f"plan freezes: {plan.reference} should be 0, is 60001 EUR",
        f"steps of a plan: {plan.reference} should be 0, is 1",  # nobody took the step that leads there
    ]


def unsent(planner, *kinds):
    """What of the mails written would be dropped now, by kind, if none had left."""
    with reading() as session:
        written = session.scalars(select(Message).where(Message.kind.in_(kinds)).order_by(Message.id)).all()
        why = look(session, written)
        return [(each.kind, why.get(each.id, "")) for each in written]


def test_mails_of_a_plan_that_moved_on_meanwhile_do_not_leave_with_days_that_no_longer_hold(planner):
    plan = planner.agree(first_on=clock.today() + timedelta(days=10))
    assert unsent(planner, "plan_accepted") == [("plan_accepted", "")]
    planner.do(running.pause, plan, reason="")
    assert unsent(planner, "plan_accepted", "plan_paused") == [("plan_accepted", MOVED_ON), ("plan_paused", "")]
    planner.do(running.resume, plan, first_on=clock.today() + timedelta(days=30))
    planner.do(running.pause, plan, reason="again")
    planner.do(running.resume, plan, first_on=clock.today() + timedelta(days=40))
    assert unsent(planner, "plan_accepted", "plan_paused", "plan_resumed") == [
        ("plan_accepted", MOVED_ON),
        ("plan_paused", MOVED_ON),
        ("plan_resumed", MOVED_ON),
        ("plan_paused", MOVED_ON),
        ("plan_resumed", ""),
    ]


def test_a_mail_about_an_instalment_that_was_paid_or_moved_does_not_leave(planner):
    plan = planner.agree(first_on=clock.today() + timedelta(days=3))
    planner.follow()
    assert unsent(planner, "instalment_coming") == [("instalment_coming", "")]
    _parts, step = planner.pay(plan)
    planner.counter.twins.pay(step.url)
    planner.counter.deliver()
    assert unsent(planner, "instalment_coming") == [("instalment_coming", "its instalment is paid")]
    planner.do(running.pause, plan, reason="")
    assert unsent(planner, "instalment_coming") == [("instalment_coming", MOVED_ON)]
