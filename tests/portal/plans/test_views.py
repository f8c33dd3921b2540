"""A plan in the browser: proposed, answered at once, agreed to, followed; and never another's."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import update

from payments.plans import service
from payments.plans.models import Plan, PlanConsent
from payments.plans.rules import Policy, Terms
from payments.plans.status import PlanStatus
from shared.access.models import PortalSession
from shared.debtors.models import Debtor, DebtorKind
from shared.invoices.models import FreezeKind, Invoice
from shared.invoices.service import freeze
from shared.kit import clock
from shared.kit.actors import Actor
from shared.kit.db import reading, transaction
from tests.portal.conftest import Dora, prove, rows
from tests.support.browser import Browser, Page
from tests.support.mailbox import Mailbox

STAFF = Actor.staff(uuid.UUID(int=5), "Inès Morel")


@pytest.fixture
def browser(enter: Callable[[Dora], Browser], dora: Dora) -> Browser:
    return enter(dora)


@pytest.fixture
def verified(browser: Browser, dora: Dora) -> Browser:
    """The code has its own tests."""
    with transaction() as session:
        session.execute(
            update(PortalSession).where(PortalSession.debtor_id == dora.debtor_id).values(verified_at=clock.now())
        )
    return browser


def grant(dora: Dora, **words: object) -> None:
    """Let the company grant something else to businesses."""
    with transaction() as session:
        service.set_policy(
            session,
            company_id=dora.company_id,
            kind=DebtorKind.BUSINESS,
            policy=Policy(**words),  # type: ignore[arg-type]
            by=STAFF,
        )


def proposed(browser: Browser, **terms: object) -> Page:
    """Fill in the form, look at the schedule as somebody without scripts does, and propose it."""
    return browser.open("/plans/new").submit("Show the schedule", **terms).submit("Propose this plan")


def plan() -> Plan:
    (found,) = rows(Plan)
    return found  # type: ignore[no-any-return]


def test_the_empty_form_proposes_everything_that_is_open_in_three_months(browser: Browser) -> None:
    page = browser.open("/plans/new")

    assert page.heading == "Pay in instalments"
    assert "€1,234.50" in page.text
    assert page.text.count("€411.50") == 3
    assert "We can agree to this at once." in page.text
    assert rows(Plan) == []


def test_the_schedule_follows_what_is_chosen(browser: Browser, dora: Dora) -> None:
    page = browser.open("/plans/new").submit(
        "Show the schedule", invoice=[dora.invoices["FA-1"]], count=4, rhythm="weekly", first="200"
    )

    assert "€380.00" in page.text
    assert page.text.count("€60.00") == 3
    assert "every week" in page.text


def test_so_much_each_time_ends_with_what_is_left(browser: Browser) -> None:
    page = browser.open("/plans/new").submit("Show the schedule", split="each", each="500")

    assert page.text.count("€500.00") == 2
    assert "€234.50" in page.text


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        ({"split": "each", "each": ""}, "Write how much you can pay each time."),
        ({"split": "each", "each": "abc"}, "This is not an amount."),
        ({"first": "-5"}, "The amount must be more than zero."),
        ({"first_on": "tomorrow"}, "This is not a day."),
        ({"first_on": ""}, "Choose a day."),
        ({"invoice": []}, "Choose at least one invoice."),
    ],
)
def test_what_cannot_be_read_is_said_beside_the_field(browser: Browser, terms: dict[str, object], said: str) -> None:
    page = browser.open("/plans/new").submit("Show the schedule", **terms)

    assert said in page.text
    assert "Fill in the form above to see the schedule." in page.text
    assert page.submit("Propose this plan").status == 422
    assert rows(Plan) == []


def test_the_live_part_is_a_fragment_with_the_same_schedule(browser: Browser) -> None:
    page = browser.open("/plans/preview?count=2&split=count&rhythm=monthly&means=self&first_on=2099-01-01")

    assert b"<html" not in page.content
    assert "€617.25" in page.content.decode()
    assert "We cannot agree to this by ourselves" in page.content.decode()


def test_an_accepted_proposal_leads_to_the_agreement(browser: Browser) -> None:
    page = proposed(browser)

    assert "/code" in page.address, "an agreement asks for a code"
    assert plan().status is PlanStatus.OFFERED
    page = browser.open(f"/plans/{plan().id}")
    assert page.heading == "We agree"
    assert "Go on to agree" in page.text


def test_the_whole_way_with_a_code(mail: Mailbox, portal: Flask, dora: Dora) -> None:
    from tests.portal.conftest import sign_in

    browser = sign_in(portal, dora)
    page = prove(proposed(browser), mail)

    assert page.heading == "Agree to the plan"
    assert "one thousand two hundred" in page.text
    assert "three" not in page.submit("Agree to the plan").heading
    page = page.submit("Agree to the plan", agree="y")
    assert page.heading == "Your payment plan"
    (consent,) = rows(PlanConsent)
    assert consent.user_agent == "Firefox Linux"
    assert consent.verified_at is not None
    assert consent.session_id is not None
    assert plan().status is PlanStatus.ACTIVE
    paper = browser.open(f"/plans/{plan().id}/pdf")
    assert paper.content.startswith(b"%PDF")
    assert paper.response.headers["Content-Disposition"].startswith("attachment")


def test_without_the_box_nothing_is_agreed(verified: Browser) -> None:
    page = proposed(verified).submit("Agree to the plan")

    assert page.status == 422
    assert "Tick this box to agree to the plan." in page.text
    assert plan().status is PlanStatus.OFFERED


def test_what_changed_meanwhile_is_read_again_before_it_is_agreed(verified: Browser, dora: Dora) -> None:
    page = proposed(verified)
    with transaction() as session:
        freeze(
            session,
            invoice_id=dora.invoices["FA-1"],
            kind=FreezeKind.LEGAL_HOLD,
            minor=38_000,
            reason="test",
            by=STAFF,
        )
    page = page.submit("Agree to the plan", agree="y")

    assert page.status == 409
    assert "Something has changed since you looked." in page.text
    assert "€854.50" in page.text
    assert plan().status is PlanStatus.OFFERED
    assert page.submit("Agree to the plan", agree="y").heading == "Your payment plan"


def test_a_counter_offer_is_taken_with_one_button(verified: Browser, dora: Dora) -> None:
    grant(dora, longest_months=3)
    page = proposed(verified, count=10)

    assert page.heading == "Our offer"
    assert "A plan lasts at most 3 months." in page.text
    page = page.follow("Take this offer")
    assert page.heading == "Agree to the plan"
    assert page.submit("Agree to the plan", agree="y").heading == "Your payment plan"


def test_whoever_prefers_his_own_terms_asks_a_person(browser: Browser, dora: Dora) -> None:
    grant(dora, longest_months=3)
    page = proposed(browser, count=10).submit("I would like a person to look at my own terms")

    assert page.heading == "We are looking at your proposal"
    assert "Somebody decides by" in page.text
    assert plan().status is PlanStatus.NEEDS_PERSON


def test_a_refusal_says_why_and_what_would_be_possible(browser: Browser, dora: Dora) -> None:
    grant(dora, is_offered=False)
    page = proposed(browser)

    assert page.heading == "We could not agree to this"
    assert "Please write or call us" in page.text
    assert plan().status is PlanStatus.DECLINED


def test_a_large_sum_is_decided_by_a_person_and_can_be_taken_back(browser: Browser, dora: Dora) -> None:
    grant(dora, largest_total_minor=50_000)
    page = proposed(browser, message="Our best customer pays late.")

    assert "A sum as large as this" in browser.open("/plans/new").text
    assert page.heading == "We are looking at your proposal"
    page = page.submit("Take my proposal back")
    assert page.heading == "This proposal was taken back"
    assert plan().status is PlanStatus.CANCELLED


def test_the_offer_of_a_person_is_not_excused_with_the_policy(browser: Browser, dora: Dora) -> None:
    grant(dora, largest_total_minor=50_000)
    proposed(browser)
    with transaction() as session:
        terms = Terms(first_on=clock.today() + timedelta(days=10), count=2)
        service.offer(session, plan_id=plan().id, terms=terms, answer="In two parts we can.", by=STAFF)

    page = browser.open(f"/plans/{plan().id}")

    assert page.heading == "Our offer"
    assert "In two parts we can." in page.text
    assert "A sum as large as this" not in page.text


def test_the_same_form_twice_is_one_plan(browser: Browser) -> None:
    form = browser.open("/plans/new")
    form.submit("Propose this plan")
    form.submit("Propose this plan")

    assert len(rows(Plan)) == 1


def test_disputed_money_is_not_part_of_a_plan(browser: Browser, dora: Dora) -> None:
    with transaction() as session:
        freeze(
            session,
            invoice_id=dora.invoices["FA-3"],
            kind=FreezeKind.DISPUTE,
            minor=73_000,
            reason="test",
            by=STAFF,
        )

    assert "FA-3" not in browser.open("/plans/new").text


def test_what_is_settled_leads_back_to_the_account(enter: Callable[[Dora], Browser], octave: Dora) -> None:
    page = enter(octave).open("/plans/new")

    assert page.heading == "Your account"
    assert "Nothing is left to pay by instalments." in page.text


def test_invoices_of_others_are_not_found(enter: Callable[[Dora], Browser], dora: Dora, octave: Dora) -> None:
    browser = enter(octave)
    theirs = dora.invoices["FA-1"]

    for path in ("/plans/new", "/plans/preview"):
        assert browser.open(f"{path}?invoice={theirs}").status == 404
        assert browser.open(f"{path}?invoice=nonsense").status == 404


def test_an_ended_offer_can_no_longer_be_agreed_to(
    verified: Browser, enter: Callable[[Dora], Browser], dora: Dora, frozen: clock.FrozenClock
) -> None:
    late = proposed(verified).form_of("Agree to the plan")
    frozen.advance(days=8)
    again = enter(dora)
    with transaction() as session:
        session.execute(update(PortalSession).values(verified_at=clock.now()))
    late.fields["csrf_token"] = (
        again.open(f"/plans/{plan().id}/accept").form_of("Agree to the plan").fields["csrf_token"]
    )
    page = again.send(late, "/", agree="y")

    assert "This offer has ended." in page.text
    assert rows(PlanConsent) == []


def test_an_agreed_plan_shows_what_comes_next_and_freezes_its_invoices(verified: Browser, dora: Dora) -> None:
    page = proposed(verified).submit("Agree to the plan", agree="y")

    assert "Left to pay" in page.text
    assert "0 of 3" in page.text
    assert "Pay the next instalment now" in page.text
    assert "Pay all the rest: €1,234.50" in page.text
    with reading() as session:
        assert session.get_one(Invoice, dora.invoices["FA-2"]).frozen_minor == 12_450
    assert plan().reference in verified.open("/plans").text


def test_a_debtor_of_another_kind_has_another_policy(verified: Browser, dora: Dora) -> None:
    grant(dora, is_offered=False)
    with transaction() as session:
        session.execute(update(Debtor).values(kind=DebtorKind.CONSUMER))

    assert proposed(verified).heading == "Agree to the plan"


def test_the_account_says_what_the_plan_asks_apart_from_what_is_asked_now(verified: Browser, dora: Dora) -> None:
    page = verified.open("/plans/new").submit("Show the schedule", invoice=[dora.invoices["FA-1"]])
    page.submit("Propose this plan").submit("Agree to the plan", agree="y")
    account = verified.open("/")

    assert "Pay €854.50" in account.text
    assert "In your payment plan" in account.text
    assert "0 of 3 paid" in account.text
    assert "Being clarified" not in account.text
    assert f"In plan {plan().reference}" in verified.open("/invoices").text
    invoice = verified.open(f"/invoices/{dora.invoices['FA-1']}")
    assert f"by the instalments of plan {plan().reference}" in invoice.text
    assert invoice.follow("Look at the plan").heading == "Your payment plan"


def test_with_everything_in_a_plan_nothing_is_asked_today(verified: Browser) -> None:
    proposed(verified).submit("Agree to the plan", agree="y")
    account = verified.open("/")

    assert "Nothing to pay today" in account.text
    assert "Every invoice is settled" not in account.text


def test_an_instalment_that_is_due_is_the_first_thing_on_the_account(
    verified: Browser, frozen: clock.FrozenClock
) -> None:
    proposed(verified, first_on=clock.today().isoformat()).submit("Agree to the plan", agree="y")
    page = verified.open("/").follow("Pay €411.50")

    assert page.heading == "Pay €411.50"


def test_the_selection_of_invoices_can_become_a_plan(browser: Browser, dora: Dora) -> None:
    page = browser.open("/invoices").submit("In instalments", invoice=[dora.invoices["FA-3"], dora.invoices["FA-1"]])

    assert page.heading == "Pay in instalments"
    assert "€1,110.00" in page.text
    assert "I cannot pay all of this at once" in browser.open("/pay?what=all").text
