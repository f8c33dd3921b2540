"""What a debtor says and what becomes of it: a promise kept and one broken, a declared transfer found."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path

import pytest
from PIL import Image

from tests.journeys.people import card
from tests.support.browser_chromium import PHONE, Visit
from tests.support.family import Account, DemoFamily

pytestmark = [pytest.mark.browser, pytest.mark.timeout(1800)]


def promise(phone: Visit, family: DemoFamily, account: Account, days: int) -> date:
    """From the account's first page to a promise of what is late, in so many days; gives the day."""
    on = family.today() + timedelta(days=days)
    phone.enter(family.link(account))
    phone.until("Not paying now?")
    phone.shot("account")
    phone.page.get_by_role("link", name=re.compile("Say when you will pay")).first.click()
    phone.until("Tell us the day")
    phone.page.locator("input[name=promised_on]").fill(on.isoformat())
    phone.press("See first what it does")
    phone.until("You promise", "we send no reminder")
    phone.shot("what-it-does")
    phone.press("Promise to pay")
    phone.until("Your promise for", "Noted")
    phone.shot("promised")
    return on


def reminders(family: DemoFamily, account: Account) -> int:
    subjects = [mail["subject"].lower() for mail in family.twins.inbox(account.email)]
    return sum("reminder" in subject or "still unpaid" in subject for subject in subjects)


def test_a_promise_that_is_kept(family, visits):
    account = family.open_account("Parole Tenue", [(-20, "240.00"), (15, "60.00")])
    family.calm()
    phone = visits(size=PHONE)
    promise(phone, family, account, days=4)
    family.mail(account.email, "Noted: you pay")
    before = reminders(family, account)
    family.days(4)
    assert reminders(family, account) == before, "no reminder while the promise runs"
    phone.enter(family.link(account))
    phone.until("You promised €240.00")
    phone.shot("account-on-the-day")
    phone.page.get_by_role("link", name=re.compile("You promised €240.00")).click()
    phone.press("Pay now")
    phone.until("How would you like to pay?")
    phone.press("Continue")
    phone.page.wait_for_url("**/c/pay/**")
    card(phone.page, "4242 4242 4242 4242")
    phone.until("Thank you")
    family.calm()
    phone.go(f"{family.url}/promises")
    phone.until("Kept", reload=True)
    phone.shot("kept")
    assert reminders(family, account) == before


def test_a_promise_that_is_broken(family, desk, visits):
    account = family.open_account("Parole Rompue", [(-20, "1200.00")])
    family.calm()
    phone = visits("phone", size=PHONE, dark=True)
    on = promise(phone, family, account, days=2)
    desk.go(f"{family.desk}/promises?q=parole+rompue")
    desk.until("Parole Rompue", "€1,200.00", "Awaited")
    desk.shot("queue")
    desk.go(f"{family.desk}/promises/expected")
    desk.until("Expected by day", "Debits announced")
    desk.shot("expected-cash")
    desk.go(f"{family.desk}/debtors/{account.id}/receipts/new")
    desk.page.locator("input[name=amount]").fill("400.00")
    desk.press("Record")
    desk.page.wait_for_url(lambda url: "/receipts/new" not in url)
    family.calm()
    before = reminders(family, account)
    family.days((on - family.today()).days + 3)
    assert reminders(family, account) == before
    family.days(1)
    family.mail(account.email, "has not arrived")
    phone.enter(family.link(account))
    phone.go(f"{family.url}/promises")
    phone.until("Not kept", "€400.00 has arrived")
    phone.page.locator("main ul.rows a").first.click()
    phone.until("€400.00 of €1,200.00 has arrived", "reminders go on", "Still to come")
    phone.shot("broken")
    desk.go(f"{family.desk}/promises?state=broken&q=parole+rompue")
    desk.until("Parole Rompue", "€400.00")
    desk.shot("broken-queue")
    desk.page.locator("main tbody a").first.click()
    desk.until("only a part came in time", "Broken in twelve months")
    desk.shot("broken")
    desk.go(f"{family.desk}/debtors/{account.id}")
    desk.until("Promise: broken", "Broken in twelve months")
    desk.shot("debtor")
    for _ in range(4):
        if reminders(family, account) == before:
            family.days(1)
    assert reminders(family, account) > before, "a broken promise lets the reminders go on"


def proof(folder: Path) -> Path:
    """A photo of a bank's confirmation."""
    path = folder / "confirmation.jpg"
    Image.new("RGB", (640, 480), "#dfe7e6").save(path)
    return path


def test_a_declared_transfer_is_found_by_staff_and_the_debtor_sees_it(family, desk, visits, tmp_path):
    account = family.open_account("Virement Déclaré", [(-20, "360.00")])
    number, invoice_id = next(iter(account.invoices.items()))
    family.calm()
    phone = visits("phone", size=PHONE)
    phone.enter(family.link(account))
    phone.go(f"{family.url}/invoices/{invoice_id}")
    phone.shot("invoice")
    phone.page.get_by_role("link", name=re.compile("I have paid")).first.click()
    phone.until("Tell us of your transfer")
    phone.page.locator("input[name=paid_on]").fill((family.today() - timedelta(days=1)).isoformat())
    phone.page.locator("input[name=bank_reference]").fill("VIR VIREMENT DECLARE")
    phone.page.locator("input[type=file]").set_input_files(proof(tmp_path))
    phone.shot("form")
    phone.press("Tell us")
    phone.until("Being looked for", "confirmation.jpg")
    phone.shot("declared")
    before = reminders(family, account)

    desk.go(f"{family.desk}/declarations?q=virement+déclaré")
    desk.until("VIR VIREMENT DECLARE", "€360.00")
    desk.shot("queue")
    desk.page.locator("main tbody a").first.click()
    desk.until("Proofs", "confirmation.jpg", "It has arrived: record it")
    desk.shot("declaration")
    family.days(1)
    assert reminders(family, account) == before
    desk.press("Record and match")
    desk.until("is recorded and matched", "Matched")
    desk.shot("matched")
    family.calm()

    family.mail(account.email, "is received")
    phone.enter(family.link(account))
    phone.go(f"{family.url}/declarations")
    phone.page.locator("main ul.rows a").first.click()
    phone.until("Found", "Your transfer has arrived")
    phone.shot("found")
    phone.go(f"{family.url}/invoices/{invoice_id}")
    phone.until(number, "Your transfer was found", "Settled")
    phone.shot("settled")
    subjects = [mail["subject"] for mail in family.twins.inbox(account.email) if "transfer" in mail["subject"].lower()]
    assert subjects == [], "the receipt is the one message about it"
