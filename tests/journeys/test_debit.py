"""Paying by SEPA direct debit: the mandate, three bank days, a late failure, automatic payment on the due date."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from payments.twins.gocardless_twin.banks import BY_NAME
from tests.journeys.people import choose, give_mandate, objects
from tests.support.browser_chromium import Visit
from tests.support.family import Account, DemoFamily

pytestmark = pytest.mark.browser


def _pay_by_debit(phone: Visit, family: DemoFamily, account: Account, fate: str, amount: str) -> None:
    """From the account to a debit on its way, with a mandate given in between."""
    choose(phone, family, account)
    phone.page.get_by_role("radio", name=re.compile("Direct debit")).check()
    phone.press("Continue")
    give_mandate(phone, family, account, BY_NAME[fate].iban)
    phone.press("Go on to pay")
    phone.until("How would you like to pay?")
    phone.page.get_by_role("radio", name=re.compile("Direct debit")).check()
    phone.shot("choose-with-mandate")
    phone.press("Continue")
    phone.until("on its way", amount, "Your account is debited on")
    phone.shot("debit-on-its-way")


def test_a_mandate_is_given_and_a_debit_is_confirmed_after_three_bank_days(family, phone):
    account = family.open_account("Solenn Mahé", [(-4, "660.00")])
    _pay_by_debit(phone, family, account, "success", "€660.00")
    assert "Thank you" not in phone.text()
    family.mail(account.email, "SEPA mandate")
    phone.go(family.url)
    said = phone.until("€0.00", "On its way", "€660.00")
    assert "Pay €" not in said, "what is on its way cannot be paid twice"
    phone.shot("account-held")
    days = 0
    while objects(family, "payments", amount=66_000)[0]["status"] not in {"confirmed", "paid_out"}:
        days += 1
        assert days <= 6
        family.days(1, bank=True)

    mail = family.mail(account.email, "has gone through")
    assert "660.00" in mail["text"]
    phone.enter(family.link(account))
    phone.until("Nothing to pay")
    phone.shot("account-paid")
    phone.go(f"{family.url}/payments")
    phone.until("€660.00", "Paid")
    phone.page.locator("main a[href*='/payments/']").first.click()
    phone.until("€660.00", "Direct debit")
    phone.shot("payment")
    assert days >= 3


def test_a_debit_that_fails_late_opens_the_invoice_again(family, phone):
    account = family.open_account("Retour Tardif", [(-4, "370.00")])
    _pay_by_debit(phone, family, account, "late_failure", "€370.00")
    family.days(5, bank=True)

    mail = family.mail(account.email, "returned by your bank")
    assert "370.00" in mail["text"]
    phone.enter(family.link(account))
    phone.until("To pay", "€370.00", "late")
    phone.shot("account-open-again")
    phone.page.locator(f"main a[href*='{next(iter(account.invoices.values()))}']").first.click()
    phone.until("What happened", "€370.00")
    phone.shot("invoice-story")
    phone.go(f"{family.url}/payments")
    phone.until("€370.00")
    phone.shot("payments")
    phone.page.locator("main a[href*='/payments/']").first.click()
    phone.until("not enough money in the account")
    phone.shot("payment-returned")


def test_an_invoice_is_debited_by_itself_on_its_due_date(family, phone):
    account = family.open_account("Ponctuelle SARL", [(16, "288.00"), (17, "2400.00")])
    phone.enter(family.link(account))
    phone.go(f"{family.url}/mandate")
    phone.until("No mandate yet")
    phone.shot("no-mandate")
    phone.press("Set up direct debit")
    give_mandate(phone, family, account, BY_NAME["success"].iban)
    phone.press("Switch on automatic payment")
    phone.until("Automatic payment")
    phone.page.locator("input[name=autopay][value=on]").check()
    phone.page.locator("input[name=maximum]").fill("1 000,00")
    phone.shot("autopay")
    phone.press("Save")
    phone.until("Automatic payment is on", "€1,000.00")
    phone.shot("mandate")
    due_on = family.today() + timedelta(days=16)
    family.days(3)

    notice = family.mail(account.email, "will debit your account on")
    assert "288.00" in notice["text"]
    assert "2,400" not in notice["text"], "above the maximum"
    phone.go(f"{family.twins.url}/inbox/{notice['id']}")
    phone.shot("notice-mail")
    phone.enter(family.link(account))
    phone.until("Coming up", "planned", "€288.00")
    phone.shot("account-announced")
    assert objects(family, "payments", amount=28_800) == []
    family.twins.advance(3, deliver=True)
    family.calm()
    while family.today() < due_on + timedelta(days=5) and not _is_confirmed(family):
        family.days(1)

    (debit,) = objects(family, "payments", amount=28_800)
    assert debit["status"] in {"confirmed", "paid_out"}
    assert debit["charge_date"] >= due_on.isoformat()
    assert objects(family, "payments", amount=240_000) == []
    family.mail(account.email, "has gone through")
    phone.enter(family.link(account))
    phone.until("€2,400.00")
    phone.shot("account-debited")
    phone.go(f"{family.url}/payments")
    phone.until("€288.00", "Paid")
    phone.shot("payments")


def _is_confirmed(family: DemoFamily) -> bool:
    return any(one["status"] in {"confirmed", "paid_out"} for one in objects(family, "payments", amount=28_800))
