"""Paying a plan from the portal: what is due, all the rest, in two tabs, by each means; by mandate with a signature first."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from payments.models import Means
from payments.plans.models import Plan, PlanInstalment
from payments.plans.status import PlanStatus
from payments.receipts.service import record_receipt, undo_receipt
from payments.reconcile.verify import verify
from shared.debtors.models import Debtor
from shared.invoices.models import Invoice, InvoiceKind
from shared.kit import clock
from shared.kit.db import reading, transaction
from shared.ledger import service as ledger
from shared.ledger.models import Account
from tests.portal.conftest import rows
from tests.portal.shop import Shop
from tests.support.browser import Browser, Page
from tests.support.people import SYSTEM, an_invoice


def plan() -> Plan:
    return next(one for one in rows(Plan) if one.status is not PlanStatus.DECLINED)  # type: ignore[no-any-return]


@pytest.fixture
def browser(shop: Shop) -> Browser:
    """Dora, with a plan of F-1 and F-2: 50.00 today, then 75.00 twice."""
    browser = shop.enter(is_verified=True)
    page = browser.open("/plans/new")
    page = page.submit("Show the schedule", first="50", first_on="2031-03-11", means="self").submit("Propose this plan")
    page.submit("Agree to the plan", agree="y")
    return browser


def due(browser: Browser) -> Page:
    return browser.open(f"/plans/{plan().id}").follow("Pay the instalment due: €50.00")


def begin(page: Page, means: str = "card") -> str:
    """Press Continue; the address of the provider's page."""
    answer = page.browser.send(page.form_of("Continue"), page.address, follow=False, means=means)
    assert answer.status == 303, answer.text
    return answer.response.headers["Location"]


def settled() -> list[int]:
    return [row.settled_minor for row in sorted(rows(PlanInstalment), key=lambda row: row.position)]


def test_the_instalment_due_is_paid_by_card_although_its_invoice_is_frozen(shop: Shop, browser: Browser) -> None:
    page = due(browser)
    assert page.heading == "Pay €50.00"
    assert "for your payment plan PLN-" in page.text
    assert "F-1 (part)" in page.text
    shop.counter.twins.pay(begin(page))
    done = browser.open(f"/pay/{shop.counter.payments()[0].id}/return")
    shop.counter.deliver()

    assert done.heading == "Thank you"
    assert settled() == [5_000, 0, 0]
    assert shop.counter.amounts("F-1", "F-2") == [(7_000, 0), (8_000, 0)]
    page = browser.open(f"/plans/{plan().id}")
    assert "€50.00 paid" in page.text
    assert "Pay the instalment due" not in page.text


def test_all_the_rest_completes_the_plan(shop: Shop, browser: Browser) -> None:
    page = browser.open(f"/plans/{plan().id}").follow("Pay all the rest: €200.00")
    shop.counter.twins.pay(begin(page))
    browser.open(f"/pay/{shop.counter.payments()[0].id}/return")
    shop.counter.deliver()

    assert settled() == [5_000, 7_500, 7_500]
    assert browser.open(f"/plans/{plan().id}").heading == "Your plan is paid. Thank you."
    assert shop.counter.amounts("F-1", "F-2") == [(0, 0), (0, 0)]


def test_two_tabs_begin_one_payment(shop: Shop, browser: Browser) -> None:
    first, second = due(browser), due(browser)

    assert begin(first) == begin(second)
    assert len(shop.counter.payments()) == 1


def test_a_tab_that_shows_what_is_paid_already_begins_nothing(shop: Shop, browser: Browser) -> None:
    first, second = due(browser), due(browser)
    shop.counter.twins.pay(begin(first))
    browser.open(f"/pay/{shop.counter.payments()[0].id}/return")
    shop.counter.deliver()
    late = second.submit("Continue", means="card")

    assert late.status == 409
    assert "Something has changed since you looked." in late.text
    assert len(shop.counter.payments()) == 1


def test_another_means_for_what_is_under_way_leads_to_that_payment(shop: Shop, browser: Browser) -> None:
    shop.counter.give_mandate()
    first, second = due(browser), due(browser)
    begin(first)
    answer = second.submit("Continue", means="debit")

    assert answer.status == 409
    assert answer.heading == "A payment is already under way"
    assert len(shop.counter.payments()) == 1


def test_what_was_given_up_can_be_paid_again(shop: Shop, browser: Browser) -> None:
    begin(due(browser))
    payment = shop.counter.payments()[0]
    page = browser.open(f"/pay/{payment.id}/stopped").submit("Pay in another way")

    assert page.heading == "Your payment plan"
    begin(page.follow("Pay the instalment due: €50.00"))
    assert len(shop.counter.payments()) == 2


def test_a_debit_pays_the_instalment(shop: Shop, browser: Browser) -> None:
    shop.counter.give_mandate()
    page = due(browser).submit("Continue", means="debit")

    assert page.heading == "Your direct debit is on its way"
    assert "On its way" in browser.open(f"/plans/{plan().id}").text


def test_a_transfer_carries_the_plans_reference(shop: Shop, browser: Browser) -> None:
    page = due(browser).submit("Continue", means="transfer")

    assert page.heading == "Transfer €50.00"
    assert f"411DORA {plan().reference}" in page.text


def test_a_plan_by_mandate_leads_to_a_signature_and_back(shop: Shop) -> None:
    browser = shop.enter(is_verified=True)
    page = browser.open("/plans/new").submit("Show the schedule", means="debit", count=2)
    assert "A direct debit mandate is needed first." in page.text
    page = page.submit("Propose this plan")
    assert page.heading == "Set up direct debit"
    answer = browser.send(page.form_of("Continue"), page.address, follow=False, agree="y")
    shop.counter.twins.authorise(answer.response.headers["Location"], "success", email=shop.email)
    from payments.models import Mandate

    page = browser.open(f"/mandate/{rows(Mandate)[-1].id}/return").follow("Go on")
    assert page.heading == "Pay in instalments"
    assert "We can agree to this at once." in page.text
    page = page.submit("Propose this plan")
    assert "are the notice that comes before each debit" in page.text
    assert "debited on" not in page.text  # its first day leaves the notice: each is debited on its own day
    page = page.submit("Agree to the plan", agree="y")
    assert page.heading == "Your payment plan"
    assert plan().by_mandate
    assert "is debited around" in page.text


def test_a_plan_of_somebody_else_cannot_be_paid(shop: Shop, browser: Browser) -> None:
    for what in ("00000000-0000-0000-0000-000000000007", "nonsense", ""):
        assert browser.open(f"/pay?what=plan&plan={what}&part=due").status == 404


# With credit -------------------------------------------------------------------------------------------------------------


def give_credit(shop: Shop, *, minor: int = 0, note: int = 0) -> None:
    with transaction() as session:
        debtor = session.get_one(Debtor, shop.counter.debtor_id)
        if minor:
            when = ledger.Occasion(at=clock.now(), value_on=clock.today())
            ledger.settle_directly(session, debtor, account=Account.BANK, minor=minor, parts=[], occasion=when)
        if note:
            an_invoice(session, debtor, "AV-1", note, kind=InvoiceKind.CREDIT_NOTE)


def test_credit_is_used_for_the_instalment_due_and_the_rest_of_it_is_offered(shop: Shop, browser: Browser) -> None:
    give_credit(shop, minor=1_500, note=2_000)
    page = due(browser)
    assert "You have a credit of €35.00." in page.text

    page = page.submit("Use my credit first")

    assert page.heading == "Pay €15.00"
    assert "€35.00 of your credit has been used." in page.text
    assert settled() == [3_500, 0, 0]
    assert [row.credited_minor for row in rows(PlanInstalment)] == [0, 0, 0]
    assert verify(with_providers=False).is_clean


def test_credit_that_covers_the_instalment_due_leads_back_to_the_plan(shop: Shop, browser: Browser) -> None:
    give_credit(shop, minor=9_000)
    page = due(browser).submit("Use my credit first")

    assert page.heading == "Your payment plan"
    assert "€50.00 of your credit has been used." in page.text
    assert settled() == [5_000, 0, 0]
    assert shop.counter.amounts("F-1", "F-2") == [(7_000, 0), (8_000, 0)]


def test_credit_is_used_once_for_what_was_shown(shop: Shop, browser: Browser) -> None:
    give_credit(shop, minor=9_000)
    first, second = due(browser), due(browser)
    first.submit("Use my credit first")
    answer = second.submit("Use my credit first")

    assert answer.status == 409
    assert settled() == [5_000, 0, 0]


def test_credit_whose_money_goes_back_opens_the_instalment_and_freezes_it_again_at_once(
    shop: Shop, browser: Browser
) -> None:
    with transaction() as session:
        receipt = record_receipt(
            session,
            debtor=session.get_one(Debtor, shop.counter.debtor_id),
            means=Means.TRANSFER,
            minor=5_000,
            received_on=clock.today(),
            memo="",
            parts=[],
            attempt="by hand",
            by=SYSTEM,
        ).id
    due(browser).submit("Use my credit first")
    assert settled() == [5_000, 0, 0]

    with transaction() as session:
        undo_receipt(session, payment_id=receipt, reason="a mistake", by=SYSTEM)

    assert settled() == [0, 0, 0]
    with reading() as session:
        assert [each.collectable_minor for each in session.scalars(select(Invoice))] == [0, 0]
    assert verify(with_providers=False).is_clean
