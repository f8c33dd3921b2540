"""What people do in several journeys."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Page

from tests.support.browser_chromium import Visit
from tests.support.family import Account, DemoFamily


def choose(visit: Visit, family: DemoFamily, account: Account) -> None:
    """Through the link to the choice of means for everything that is open."""
    visit.enter(family.link(account))
    visit.press(re.compile(r"^Pay €"))
    visit.until("How would you like to pay?")


def card(page: Page, number: str) -> None:
    """Type a card on the twin's Checkout page and press its button."""
    page.locator("#number").fill(number)
    page.locator("#expiry").fill("12 / 39")
    page.locator("#cvc").fill("123")
    page.locator("#name").fill("Dora Vasseur")
    page.locator("main form button.wide").click()


def outcome(family: DemoFamily, minor: int) -> list[str]:
    """What became of the intents of this amount that took money or tried to, as Stripe's twin holds them."""
    intents = family.twins.objects("stripe", "payment_intent")
    return [intent["status"] for intent in intents if intent["amount"] == minor and intent["latest_charge"]]


def prove(visit: Visit, family: DemoFamily, account: Account) -> None:
    """From the page that asks for a code to the page behind it: the code comes by mail."""
    visit.until("code")
    seen = max((mail["id"] for mail in family.twins.inbox(account.email)), default=0)
    visit.press("Send me a code")
    visit.page.locator("input[name=code]").wait_for()
    mail = family.mail(account.email, "code", beyond=seen)
    found = re.search(r"\b\d{4}\s?\d{4}\b", mail["text"])
    assert found, mail["text"]
    visit.page.locator("input[name=code]").fill(found[0])
    visit.shot("code")
    visit.press("Go on")
    visit.page.wait_for_url(lambda url: "/code" not in url)


def sign(visit: Visit, iban: str) -> None:
    """Type the payer's details on the twin's mandate page, and sign."""
    page = visit.page
    page.wait_for_url("**/billing/**")
    for name, value in {"address_line1": "3 rue des Halles", "postal_code": "35000", "city": "Rennes"}.items():
        page.locator(f"#{name}").fill(value)
    if not page.locator("#company_name").input_value():
        page.locator("#company_name").fill("Dora Vasseur")
    page.locator("#iban").fill(iban)
    visit.shot("mandate-details")
    page.locator("main form button.wide").click()
    page.wait_for_url("**/confirm*")
    visit.shot("mandate-sign")
    page.locator("main form button.wide").click()
    page.wait_for_url("**/mandate/*/return*")


def give_mandate(visit: Visit, family: DemoFamily, account: Account, iban: str) -> None:
    """From any portal page that leads to a new mandate: prove, read, agree, sign."""
    prove(visit, family, account)
    visit.until("What you sign")
    visit.shot("mandate-text")
    visit.page.locator("input[name=agree]").check()
    visit.press("Continue")
    sign(visit, iban)
    visit.until("Your mandate is signed")
    visit.shot("mandate-signed")


def objects(family: DemoFamily, kind: str, **facts: Any) -> list[dict[str, Any]]:
    """GoCardless's objects of a kind with these facts, as its twin holds them."""
    found = family.twins.objects("gocardless", kind)
    return [one for one in found if all(one.get(name) == value for name, value in facts.items())]
