"""A day in the back-office, on a desktop."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.journeys.conftest import sign_in
from tests.journeys.people import card, choose
from tests.support.browser_chromium import DESKTOP, PHONE
from tests.support.family import AGENT

pytestmark = pytest.mark.browser

FILES = Path(__file__).resolve().parents[1] / "data" / "imports"


def test_a_transfer_is_recorded_and_allocated_by_hand(family, desk):
    account = family.open_account("Brasserie Tanguy", [(-25, "300.00"), (-10, "200.00"), (5, "100.00")])
    first, second, _third = account.invoices
    desk.until("Age of what is open", "What needs a person")
    desk.shot("today")
    desk.page.locator("input[data-global-search]").fill("brasserie tanguy")
    desk.page.keyboard.press("Enter")
    desk.page.wait_for_url(re.compile("/search|/debtors/"))
    if str(account.id) not in desk.page.url:
        desk.shot("search")
        desk.page.locator(f"main a[href$='/debtors/{account.id}']").first.click()
    desk.until(account.code, "€600.00", "Story")
    desk.shot("debtor")
    desk.go(f"{family.desk}/debtors/{account.id}/receipts/new")
    desk.page.locator("input[name=amount]").fill("250.00")
    desk.page.locator("input[name=memo]").fill("VIR BRASSERIE TANGUY")
    desk.page.locator("input[name=means][value=transfer]").check()
    desk.page.locator("input[name=spread][value=by_hand]").check()
    for number, minor in ((first, "100.00"), (second, "150.00")):
        desk.page.locator(f"input[name='part-{account.invoices[number]}']").fill(minor)
    desk.press("Look at how it is spread")
    desk.until("It settles 2 invoices")
    desk.shot("spread")
    desk.press("Record")
    desk.page.wait_for_url(lambda url: "/receipts/new" not in url)
    desk.shot("recorded")

    desk.go(f"{family.desk}/debtors/{account.id}")
    desk.until("€350.00")
    desk.shot("debtor-after")
    desk.go(f"{family.desk}/invoices/{account.invoices[second]}")
    desk.until(second, "€50.00")
    desk.shot("invoice")


def test_the_page_of_a_payment_shows_each_transition(family, desk, visits):
    phone = visits("phone", size=PHONE)
    account = family.open_account("Transitions SARL", [(-2, "333.00")])
    choose(phone, family, account)
    phone.press("Continue")
    phone.page.wait_for_url("**/c/pay/**")
    card(phone.page, "4242 4242 4242 4242")
    phone.until("Thank you")
    desk.go(f"{family.desk}/payments")
    desk.until("€333.00")
    desk.shot("payments")
    desk.page.locator("main tr", has_text="€333.00").locator("a").first.click()
    desk.until("€333.00", "Being prepared", "With the provider", "Confirmed")
    desk.shot("payment")
    for name in ("webhooks", "outbox", "audit"):
        desk.go(f"{family.desk}/system/{name}")
        desk.until("")
        desk.shot(f"system-{name}")
    desk.go(f"{family.desk}/system")
    desk.shot("system")


def test_a_file_is_read_looked_at_and_imported_with_its_certificate(family, desk):
    desk.go(f"{family.desk}/imports")
    desk.shot("imports")
    desk.page.locator("input[type=file]").set_input_files(FILES / "faults.csv")
    desk.press("Read the file")
    desk.until("cannot be imported like this", "31/02/2026", within_ms=40_000)
    desk.shot("faults")
    desk.go(f"{family.desk}/imports")
    desk.page.locator("input[type=file]").set_input_files(FILES / "balance-agee.csv")
    desk.press("Read the file")
    said = desk.until("Nothing is written yet", "€780.50", within_ms=40_000)
    assert "CPAUL" in said
    desk.shot("preview")
    desk.press("Import")
    desk.until("the certificate holds", within_ms=40_000)
    desk.shot("certificate")
    desk.go(f"{family.desk}/debtors?q=Atelier+Dora")
    desk.until("CDORA")
    desk.shot("debtors")


def test_the_reminder_run_gives_a_reason_for_every_debtor(family, desk):
    family.calm()
    desk.go(f"{family.desk}/reminders")
    desk.shot("runs")
    desk.page.locator("main table a").first.click()
    desk.until("Decisions")
    desk.shot("decisions")
    run = desk.page.url.partition("?")[0]
    for debtor in ("Librairie Vidal", "Nadia Benali Conseil"):  # by name: other journeys have debtors on the first page
        desk.go(f"{run}?q={debtor}")
        desk.until(debtor, "1 decision")
    desk.go(f"{family.desk}/reminders/try-out")
    desk.shot("try-out")
    desk.go(f"{family.desk}/collections/try-out")
    desk.shot("collections")
    desk.go(f"{family.desk}/messages")
    desk.page.locator("main table a").first.click()
    desk.page.locator("h1").wait_for()
    desk.shot("message")


def test_a_link_is_sent_from_the_debtors_page_and_the_person_enters(family, desk, visits):
    account = family.open_account("Lien Envoyé", [(-3, "150.00")])
    desk.go(f"{family.desk}/debtors/{account.id}")
    desk.page.locator("details", has=desk.page.locator("form[action$='/links']")).last.locator("summary").click()
    desk.page.locator("form[action$='/links'] button[type=submit]").first.click()
    desk.page.wait_for_load_state()
    desk.shot("sent")
    found = re.search(r"http://\S+/l/[\w-]+", family.mail(account.email, "")["text"])
    assert found
    phone = visits("phone", size=PHONE)
    phone.enter(found[0])
    phone.until("€150.00")


def test_an_agent_does_not_see_what_is_not_hers(family, visits):
    desk = visits(size=DESKTOP)
    sign_in(desk, family, AGENT)
    desk.shot("today")
    desk.go(f"{family.desk}/staff")
    said = desk.text()
    assert "charles@" not in said
    desk.shot("refused")
