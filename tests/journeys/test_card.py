"""Paying by card on a phone, from the link in a mail to the receipt."""

from __future__ import annotations

import re

import pytest

from tests.journeys.people import card, choose, outcome
from tests.support.browser_chromium import DESKTOP

pytestmark = pytest.mark.browser


def test_a_reminder_is_opened_and_everything_is_paid_by_card(family, phone):
    account = family.open_account("Dora Vasseur", [(-14, "240.00"), (-2, "96.00"), (12, "60.00")])
    for _ in range(4):  # nobody is reminded at the week-end
        family.days(1)
        family.guichet("reminders", "run", "--company", "atelier")
        if family.twins.inbox(account.email):
            break
    family.calm()
    (mail,) = family.twins.inbox(account.email)
    assert "reminder" in mail["subject"].lower()
    phone.go(f"{family.twins.url}/inbox/{mail['id']}")
    phone.page.locator("h1").first.wait_for()
    phone.shot("mail")
    link = re.search(r"http://\S+/l/[\w-]+", mail["text"])
    assert link, mail["text"]

    phone.go(link[0])
    said = phone.text()
    assert not re.search(r"\d", said), "the landing page reveals nothing"
    assert account.name not in said
    phone.shot("landing")
    phone.press("Open my account")
    phone.until("To pay", "€396.00", "€336.00")
    phone.shot("account")
    phone.press("Pay €396.00")
    phone.until("How would you like to pay?")
    phone.shot("choose")
    phone.press("Continue")
    phone.page.wait_for_url("**/c/pay/**")
    phone.shot("checkout")
    card(phone.page, "4242 4242 4242 4242")

    phone.page.wait_for_url("**/return*")
    phone.until("Thank you", "€396.00", "Download the receipt")
    phone.shot("paid")
    receipt = family.mail(account.email, "is received")
    assert "396.00" in receipt["text"]
    phone.go(f"{family.twins.url}/inbox/{receipt['id']}")
    phone.shot("receipt-mail")
    phone.go(family.url)
    phone.until("Nothing to pay")
    phone.shot("account-paid")
    phone.go(f"{family.url}/payments")
    phone.until("€396.00", "Paid")
    phone.shot("payments")
    phone.page.locator("main a[href*='/payments/']").first.click()
    phone.until("€396.00", "J")
    phone.shot("payment")
    charges = [c for c in family.twins.objects("stripe", "charge") if c["amount"] == 39_600 and c["paid"]]
    assert len(charges) == 1


def test_the_page_that_a_browser_returns_to_is_truthful_before_the_provider_has_spoken(family, phone):
    account = family.open_account("Yann Riou", [(-2, "84.00")])
    choose(phone, family, account)
    phone.press("Continue")
    phone.page.wait_for_url("**/c/pay/**")
    phone.page.locator("a.back").click()
    phone.until("You have not paid yet", "Nothing was taken")
    phone.shot("stopped")
    address = phone.page.url.replace("/stopped", "/return")
    phone.go(address)
    said = phone.until("not confirmed yet")
    assert "Thank you" not in said
    phone.shot("waiting")
    phone.go(family.url)
    phone.until("On its way", "€84.00")
    phone.shot("account-held")
    waiting = next(s for s in family.twins.objects("stripe", "checkout.session") if s["amount_total"] == 8_400)

    phone.go(address)
    family.twins.pay(waiting["id"])

    phone.until("Thank you", "€84.00")
    phone.shot("paid-without-reload")


def test_a_card_is_declined_and_another_one_pays(family, visits):
    phone = visits(size=DESKTOP, language="fr", dark=True)
    account = family.open_account("Ferme Nicolas", [(-40, "180.00")], language="fr")
    phone.enter(family.link(account))
    phone.until("180,00")
    phone.shot("compte")
    phone.press(re.compile("^Payer"))
    phone.until("Comment souhaitez-vous payer")
    phone.shot("choisir")
    phone.press("Continuer")
    phone.page.wait_for_url("**/c/pay/**")
    card(phone.page, "4000 0000 0000 0002")
    phone.until("refusée")
    phone.shot("refusee")
    card(phone.page, "4000 0000 0000 9995")
    phone.page.locator("[role=alert]").wait_for()
    card(phone.page, "4242 4242 4242 4242")

    phone.page.wait_for_url("**/return*")
    phone.until("Merci", "180,00")
    phone.shot("payee")
    family.mail(account.email, "paiement")
    phone.go(family.url)
    phone.until("Rien à payer")
    assert outcome(family, 18_000) == ["succeeded"]


def test_a_bank_asks_for_a_challenge_and_it_is_passed(family, phone):
    account = family.open_account("Aurore Quéré", [(-1, "312.00")])
    choose(phone, family, account)
    phone.press("Continue")
    phone.page.wait_for_url("**/c/pay/**")
    card(phone.page, "4000 0025 0000 3155")
    phone.until("Your bank asks you to confirm", "€312.00")
    phone.shot("challenge")
    phone.press("Fail authentication")
    phone.until("unable to authenticate")
    phone.shot("challenge-failed")
    card(phone.page, "4000 0025 0000 3155")
    phone.until("Your bank asks you to confirm")
    phone.press("Complete authentication")

    phone.page.wait_for_url("**/return*")
    phone.until("Thank you", "€312.00")
    phone.shot("paid")
    assert outcome(family, 31_200) == ["succeeded"]


def test_two_tabs_pay_the_same_invoice_and_it_is_paid_once(family, phone):
    account = family.open_account("Deux Onglets", [(-5, "444.00")])
    choose(phone, family, account)
    other = phone.new_tab()
    other.goto(phone.page.url)
    phone.press("Continue")
    phone.page.wait_for_url("**/c/pay/**")

    phone.press("Continue", page=other)
    other.wait_for_url("**/c/pay/**")
    phone.shot("second-tab", other)
    assert other.url == phone.page.url  # the very same page of the provider: it can be paid only once
    card(phone.page, "4242 4242 4242 4242")
    phone.page.wait_for_url("**/return*")
    phone.until("Thank you", "€444.00")
    other.goto(family.url)
    phone.until("Nothing to pay", page=other)
    phone.shot("second-tab-after", other)
    assert outcome(family, 44_400) == ["succeeded"]


def test_a_part_of_an_invoice_is_paid_without_javascript(family, visits):
    phone = visits(size=DESKTOP, javascript=False)
    account = family.open_account("Sans Script", [(-8, "500.00"), (20, "70.00")])
    phone.enter(family.link(account))
    phone.go(f"{family.url}/pay/parts?what=all")
    fields: list[str] = [
        field.get_attribute("name") or "" for field in phone.page.locator("input[name^='amount-']").all()
    ]
    assert len(fields) == 2
    first = f"amount-{account.invoices[min(account.invoices)]}"
    for name in fields:
        phone.page.locator(f"input[name='{name}']").fill("125.50" if name == first else "")
    phone.shot("parts")
    phone.press("Continue")
    phone.until("Pay €125.50")
    phone.press("Continue")
    phone.page.wait_for_url("**/c/pay/**")
    card(phone.page, "4242 4242 4242 4242")
    phone.until("Thank you", "€125.50", reload=True)
    phone.go(family.url)
    phone.until("€444.50", "€374.50")
    phone.shot("account")
