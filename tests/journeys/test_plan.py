"""A plan: proposed on a phone, countered, agreed to with a code and a mandate, debited over months, broken, taken up again."""

from __future__ import annotations

import re
import uuid
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from payments.plans import queries
from payments.plans.models import Plan
from payments.plans.queries import InstalmentState, PlanView
from payments.plans.status import PlanStatus
from payments.twins.gocardless_twin.banks import BY_NAME
from shared.kit.db import reading
from tests.journeys.conftest import Visits, sign_in
from tests.journeys.people import give_mandate, objects, prove
from tests.support.browser_chromium import DESKTOP, PHONE, Visit
from tests.support.family import Account, DemoFamily

pytestmark = pytest.mark.browser


def view(family: DemoFamily, account: Account) -> PlanView:
    """The account's newest plan, as it stands."""
    with family.inside(), reading() as session:
        plan_id = session.scalars(select(Plan.id).where(Plan.debtor_id == account.id).order_by(Plan.id.desc())).first()
        assert plan_id is not None
        return queries.plan_of(session, account.id, plan_id)


def leap(family: DemoFamily, to: date) -> None:
    """Let time pass to a day in one leap: what falls due meanwhile is done on the way and caught up with at the end."""
    days = (to - family.today()).days
    assert days > 0
    family.twins.advance(days, deliver=True)
    family.calm()


def debit(family: DemoFamily, account: Account, position: int) -> dict[str, Any]:
    """Let the debit of an instalment be made in time and go through; gives it as the provider has it."""
    line = view(family, account).instalments[position - 1]
    assert line.charge_on is not None
    leap(family, line.charge_on - timedelta(days=5))
    leap(family, line.charge_on + timedelta(days=4))
    found = objects(family, "payments", amount=line.money.minor)
    assert found, "the debit was made"
    return found[-1]


def propose(phone: Visit, count: str, means: str) -> None:
    """From the account to a schedule that follows the form by itself."""
    phone.find(re.compile("Pay in several parts")).click()
    phone.until("Pay in instalments", "€1,240.00", "3 instalments")
    phone.shot("proposal-as-it-opens")
    phone.page.locator("select[name=count]").select_option(count)
    phone.page.locator(f"input[name=means][value={means}]").check()


def test_a_plan_is_proposed_countered_agreed_debited_broken_and_taken_up_again(family, phone, desk):
    account = family.open_account("Échelonnée SARL", [(-12, "900.00"), (-3, "340.00")])
    phone.enter(family.link(account))
    propose(phone, "10", "debit")
    phone.until("10 instalments", "A direct debit mandate is needed first.")
    phone.shot("mandate-needed")
    phone.press("Sign a mandate")
    give_mandate(phone, family, account, BY_NAME["success"].iban)
    phone.press("Go on with your plan")
    phone.until("10 instalments", "We cannot agree to this by ourselves", "at most 6 months")
    phone.shot("too-long")
    phone.press("Propose this plan")
    phone.until("Our offer", "A plan lasts at most 6 months.", "No fee and no interest")
    phone.shot("counter-offer")
    assert view(family, account).line.status is PlanStatus.OFFERED

    phone.press("Take this offer")
    phone.until("Agree to the plan", "acknowledges owing", "one thousand two hundred and forty", "free of charge")
    phone.shot("agreement")
    phone.page.locator("input[name=agree]").check()
    phone.press("Agree to the plan")
    phone.until("Your payment plan", "€1,240.00", "is debited around", "Download the agreement")
    phone.shot("plan-agreed")
    family.calm()
    family.mail(account.email, "plan")
    plan = view(family, account)
    assert plan.consent is not None
    assert plan.line.by_mandate
    phone.go(family.url)
    phone.until("Nothing to pay today", "In your payment plan", "€1,240.00")
    phone.shot("account")

    first = debit(family, account, 1)
    assert first["status"] in {"confirmed", "paid_out"}
    second = debit(family, account, 2)
    assert second["status"] in {"confirmed", "paid_out"}
    plan = view(family, account)
    assert [line.state for line in plan.instalments[:2]] == [InstalmentState.SETTLED] * 2
    phone.enter(family.link(account))
    phone.until("2 of 6 paid")
    phone.page.locator("main a[href*='/plans/']").first.click()
    phone.until("Your payment plan", "Paid", "To come")
    phone.shot("plan-after-two-debits")

    family.twins.fault("chargeback", object=second["id"])
    family.twins.flush()
    family.twins.advance(1, deliver=True)
    family.calm()
    assert view(family, account).instalments[1].grace_until is None, "nobody misses what a bank contests"
    _say_that_it_is_owed(desk, family)
    family.days(1)
    missed = view(family, account).instalments[1]
    assert missed.state is InstalmentState.LATE
    assert missed.grace_until is not None
    phone.page.reload()
    phone.until("has not arrived", "so that the plan can go on", "Pay the instalment due")
    phone.shot("plan-missed")
    leap(family, missed.grace_until + timedelta(days=2))
    assert view(family, account).line.status is PlanStatus.IN_DEFAULT
    phone.enter(family.link(account))
    phone.until("It has stopped", "late")
    phone.shot("account-in-default")
    phone.go(f"{family.url}/plans/{plan.line.id}")
    phone.until("An instalment was not paid, so the plan has stopped.", "is due now")
    phone.shot("plan-in-default")

    _take_up_again(desk, family, plan.line.id)
    plan = view(family, account)
    assert plan.line.status is PlanStatus.ACTIVE
    assert plan.line.late.is_zero
    phone.page.reload()
    phone.until("Your payment plan", "Under way", "is debited around")
    phone.shot("plan-resumed")


def _say_that_it_is_owed(desk: Visit, family: DemoFamily) -> None:
    """A member of staff decides what becomes of the debit that its bank gave back."""
    sign_in_again(desk, family)
    desk.go(f"{family.desk}/chargebacks")
    desk.until("Échelonnée SARL", "To decide")
    desk.page.locator("main tr", has_text="Échelonnée SARL").locator("a").first.click()
    desk.until("The money has gone back for good")
    desk.shot("contested")
    desk.page.locator("#decide textarea").fill("The desks were delivered, as you signed for.")
    desk.press("It is owed")
    desk.until("What the debtor was told")
    desk.shot("owed")
    family.calm()


def sign_in_again(desk: Visit, family: DemoFamily) -> None:
    """After months the session has ended."""
    desk.go(f"{family.desk}/me")
    if "/sign-in" in desk.page.url:
        sign_in(desk, family)


def _take_up_again(desk: Visit, family: DemoFamily, plan_id: uuid.UUID) -> None:
    """A member of staff finds it in the queue, reads its story and lets it go on."""
    sign_in_again(desk, family)
    desk.go(f"{family.desk}/plans?state=default")
    desk.until("In default", "Échelonnée SARL")
    desk.shot("queue")
    desk.go(f"{family.desk}/plans/{plan_id}")
    desk.until("Schedule and what came", "Proof of consent", "In default")
    desk.shot("plan-in-default")
    desk.page.locator("summary", has_text="Let it go on").click()
    desk.page.locator("input[name=first_on]").fill((family.today() + timedelta(days=20)).isoformat())
    desk.shot("plan-let-it-go-on")
    desk.page.locator("details[open] button[type=submit]", has_text="Let it go on").click()
    desk.until("The plan goes on.", "Running")
    desk.shot("plan-running-again")
    family.calm()


def test_a_proposal_above_the_policy_is_countered_by_a_person_and_paid_by_card(family, visits: Visits):
    phone = visits("phone", size=PHONE, dark=True)
    account = family.open_account("Grande Dette SAS", [(-20, "6400.00")])
    phone.enter(family.link(account))
    phone.find(re.compile("Pay in several parts")).click()
    phone.until("Somebody will look at this proposal.", "looked at by a person")
    phone.page.locator("textarea[name=message]").fill("Our season begins in May.")
    phone.shot("above-the-policy")
    phone.press("Propose this plan")
    phone.until("We are looking at your proposal", "Somebody decides by", "Our season begins in May.")
    phone.shot("waiting")

    desk = visits("desk", size=DESKTOP, dark=True)

    sign_in(desk, family)
    desk.until("Plans to decide")
    desk.go(f"{family.desk}/plans?state=asked")
    desk.until("Grande Dette SAS", "€6,400.00")
    desk.shot("queue")
    desk.page.locator("main a", has_text="PLN-").first.click()
    desk.until("Somebody has to decide.", "Our season begins in May.")
    desk.shot("to-decide")
    desk.press(re.compile("Make another offer"))
    desk.until("Offer terms for")
    desk.page.locator("#count").fill("4")
    desk.page.locator("#first").fill("1 000")
    desk.page.locator("#first_on").fill(family.today().isoformat())
    desk.until("€1,800.00")
    desk.page.locator("textarea[name=answer]").fill("A little at once, the rest from your season on.")
    desk.shot("offer")
    desk.press(re.compile("Make the offer"))
    desk.until("The offer is made.")
    desk.shot("offered")
    family.calm()

    phone.enter(family.link(account))
    phone.until("Our offer waits for your answer")
    phone.shot("account-with-offer")
    phone.page.locator("main a[href*='/plans/']").first.click()
    phone.until("Our offer", "A little at once", "€1,000.00")
    phone.shot("offer")
    phone.press("Take this offer")
    prove(phone, family, account)
    phone.page.locator("input[name=agree]").check()
    phone.press("Agree to the plan")
    phone.until("Pay the instalment due: €1,000.00", "Pay all the rest: €6,400.00")
    phone.shot("agreed")
    phone.press("Pay the instalment due: €1,000.00")
    phone.until("How would you like to pay?", "for your payment plan PLN-")
    phone.shot("pay-the-instalment")
