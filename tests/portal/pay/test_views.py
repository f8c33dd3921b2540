"""Paying in the browser, with the real SDKs and the providers' twins behind."""

from __future__ import annotations

import pytest

from payments.declarations import service as declarations
from payments.declarations.service import DeclarationDraft
from payments.status import PaymentStatus
from shared.invoices.models import Invoice, InvoiceKind
from shared.kit import clock
from shared.kit.db import transaction
from shared.kit.outbox.relay import perform_due
from shared.ledger import service as ledger
from shared.ledger.models import Account
from tests.portal.shop import Shop
from tests.support.browser import Page
from tests.support.people import an_invoice

CARD, DEBIT = {"means": "card"}, {"means": "debit"}


def begin_card(shop: Shop, page: Page) -> str:
    """Press "Continue" with the card chosen; gives the provider's address."""
    answer = page.browser.send(page.form_of("Continue"), page.address, follow=False, **CARD)
    assert answer.status == 303, answer.text
    return answer.response.headers["Location"]


def back(page: Page, address: str) -> Page:
    """Where the provider sends the browser back to."""
    return page.browser.open(address.removeprefix("http://guichet.test"))


def test_everything_is_paid_by_card(shop: Shop) -> None:
    browser = shop.enter()
    page = browser.open("/").submit("Pay €200.00")
    assert page.heading == "Pay €200.00"
    assert "To Atelier des Lices, for 2 invoices." in page.text

    away = begin_card(shop, page)
    assert away.startswith(shop.counter.twins.url)
    shop.counter.twins.pay(away)
    payment = shop.counter.payments()[0]
    done = browser.open(f"/pay/{payment.id}/return")

    assert done.heading == "Thank you"
    assert "€200.00" in done.text
    assert shop.counter.amounts("F-1", "F-2") == [(0, 0), (0, 0)]
    assert browser.open("/").tree.xpath("//*[@class='empty empty-good']")
    receipt = done.follow("Download the receipt")
    assert receipt.content.startswith(b"%PDF")
    assert receipt.response.headers["Content-Disposition"].startswith("attachment")


def test_while_the_bank_is_silent_nothing_is_called_paid(shop: Shop) -> None:
    browser = shop.enter()
    begin_card(shop, browser.open("/pay?what=all"))
    payment = shop.counter.payments()[0]

    waiting = browser.open(f"/pay/{payment.id}/return")
    account = browser.open("/")

    assert waiting.heading == "We are waiting for your bank"
    assert "is not confirmed yet" in waiting.text
    assert "Paid" not in waiting.text
    assert waiting.tree.xpath("//head/noscript/meta[@http-equiv='refresh']")
    assert waiting.tree.xpath("//@data-waiting") == [f"/pay/{payment.id}/return"]
    assert "Everything that was open is on its way." in account.text
    assert "Pay €" not in account.text


def test_who_said_that_he_has_paid_is_asked_before_he_pays_again(shop: Shop) -> None:
    browser = shop.enter()
    assert "is paid already" not in browser.open("/pay?what=all").text
    draft = DeclarationDraft(
        attempt="form-1", minor=12_000, paid_on=clock.today(), parts=[shop.counter.part("F-1", 12_000)]
    )
    with transaction() as session:
        declarations.declare(session, debtor_id=shop.counter.debtor_id, draft=draft, by=shop.counter.by)

    page = browser.open("/pay?what=all")

    assert "You told us that €120.00 of this is paid already." in page.text
    mine = shop.counter.invoices["F-1"]
    assert "€10.00 of this is paid" in browser.open(f"/pay?what=these&invoice={mine}&amount-{mine}=10").text
    assert begin_card(shop, page).startswith(shop.counter.twins.url)


def test_pressing_twice_is_one_payment_at_one_address(shop: Shop) -> None:
    page = shop.enter().open("/pay?what=all")

    first, second = begin_card(shop, page), begin_card(shop, page)

    assert first == second
    assert len(shop.counter.payments()) == 1


def test_a_second_tab_is_led_to_the_page_that_is_open(shop: Shop) -> None:
    browser = shop.enter()
    one, other = browser.open("/pay?what=all"), browser.open("/pay?what=all")

    first, second = begin_card(shop, one), begin_card(shop, other)

    assert first == second
    assert len(shop.counter.payments()) == 1


def test_a_tab_that_wants_part_of_the_same_money_hears_of_the_payment_under_way(shop: Shop) -> None:
    browser = shop.enter()
    part = browser.open(f"/pay?what=these&invoice={shop.counter.invoices['F-1']}")
    begin_card(shop, browser.open("/pay?what=all"))

    answer = part.submit("Continue", **CARD)

    assert answer.status == 409
    assert len(shop.counter.payments()) == 1
    assert shop.counter.amounts("F-1", "F-2") == [(12_000, 12_000), (8_000, 8_000)]


def test_an_amount_that_changed_is_shown_anew_and_never_charged(shop: Shop) -> None:
    page = shop.enter().open("/pay?what=all")
    with transaction() as session:
        debtor = ledger.Debtor
        owed = session.get_one(debtor, shop.counter.debtor_id)
        an_invoice(session, owed, "F-3", 5_000)

    answer = page.submit("Continue", **CARD)

    assert answer.status == 409
    assert "Something has changed since you looked." in answer.text
    assert answer.heading == "Pay €250.00"
    assert shop.counter.payments() == []
    assert begin_card(shop, answer)
    assert shop.counter.payments()[0].amount_minor == 25_000


def test_coming_back_without_paying_gives_nothing_up_until_said(shop: Shop) -> None:
    browser = shop.enter()
    away = begin_card(shop, browser.open("/pay?what=all"))
    payment = shop.counter.payments()[0]

    page = browser.open(f"/pay/{payment.id}/stopped")
    assert page.heading == "You have not paid yet"
    again = browser.send(page.form_of("Continue by card"), page.address, follow=False)
    assert again.response.headers["Location"] == away
    other = page.submit("Pay in another way")

    assert other.heading == "Pay €200.00"
    assert "That payment is given up. Nothing was taken." in other.text
    assert shop.counter.payment(payment.id).status is PaymentStatus.CANCELLED
    assert shop.counter.amounts("F-1") == [(12_000, 0)]


def test_a_declined_card_says_why_and_lets_pay_again(shop: Shop) -> None:
    browser = shop.enter()
    away = begin_card(shop, browser.open("/pay?what=all"))
    shop.counter.twins.pay(away, "declined")
    payment = shop.counter.payments()[0]

    page = browser.open(f"/pay/{payment.id}/return")

    assert "Thank you" not in page.text
    assert shop.counter.amounts("F-1")[0][0] == 12_000


def test_a_part_of_each_invoice_can_be_paid(shop: Shop) -> None:
    browser = shop.enter()
    page = browser.open("/pay?what=all").follow("Pay only a part")
    one, two = shop.counter.invoices["F-1"], shop.counter.invoices["F-2"]

    page = page.submit("Continue", **{f"amount-{one}": "50,25", f"amount-{two}": ""})

    assert page.heading == "Pay €50.25"
    assert "F-1 (part)" in page.text
    away = begin_card(shop, page)
    shop.counter.twins.pay(away)
    browser.open(f"/pay/{shop.counter.payments()[0].id}/return")
    assert shop.counter.amounts("F-1", "F-2") == [(6_975, 0), (8_000, 0)]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("200", "At most €120.00 is open on this invoice."),
        ("abc", "This is not an amount"),
        ("-5", "more than zero"),
        ("", "Write at least one amount."),
    ],
)
def test_a_wrong_amount_is_said_beside_it_and_nothing_typed_is_lost(shop: Shop, typed: str, said: str) -> None:
    browser = shop.enter()
    one = shop.counter.invoices["F-1"]
    page = browser.open(f"/pay/parts?what=these&invoice={one}")

    page = page.submit("Continue", **{f"amount-{one}": typed})

    assert page.status == 422
    assert said in page.text
    if typed:
        assert page.form_of("Continue").fields[f"amount-{one}"] == typed


def test_a_transfer_shows_account_amount_reference_and_a_code(shop: Shop) -> None:
    page = shop.enter().open("/pay?what=all").submit("Continue", means="transfer")

    assert page.heading == "Transfer €200.00"
    assert "FR76 3000 6000 0112 3456 7890 189" in page.text
    assert "411DORA F-1 F-2" in page.text
    assert page.tree.xpath("//figure//*[local-name()='svg']")
    assert shop.counter.payments() == []


def test_credit_is_used_first_when_the_debtor_wants(shop: Shop) -> None:
    with transaction() as session:
        debtor = session.get_one(ledger.Debtor, shop.counter.debtor_id)
        when = ledger.Occasion(at=clock.now(), value_on=clock.today())
        ledger.settle_directly(session, debtor, account=Account.BANK, minor=1_500, parts=[], occasion=when)
        an_invoice(session, debtor, "AV-1", 4_000, kind=InvoiceKind.CREDIT_NOTE)
    browser = shop.enter()
    page = browser.open("/pay?what=all")
    assert "You have a credit of €55.00." in page.text

    page = page.submit("Use my credit first")

    assert page.heading == "Pay €145.00"
    assert "€55.00 of your credit has been used." in page.text
    assert shop.counter.amounts("F-1", "F-2", "AV-1") == [(6_500, 0), (8_000, 0), (0, 0)]


def test_credit_that_covers_everything_leaves_nothing_to_pay(shop: Shop) -> None:
    with transaction() as session:
        debtor = session.get_one(ledger.Debtor, shop.counter.debtor_id)
        an_invoice(session, debtor, "AV-1", 30_000, kind=InvoiceKind.CREDIT_NOTE)

    page = shop.enter().open("/pay?what=all").submit("Use my credit first")

    assert page.address == "/"
    assert "€200.00 of your credit has been used." in page.text
    assert shop.counter.amounts("F-1", "F-2", "AV-1") == [(0, 0), (0, 0), (10_000, 0)]


def test_credit_is_not_used_for_other_amounts_than_were_shown(shop: Shop) -> None:
    with transaction() as session:
        debtor = session.get_one(ledger.Debtor, shop.counter.debtor_id)
        an_invoice(session, debtor, "AV-1", 4_000, kind=InvoiceKind.CREDIT_NOTE)
    page = shop.enter().open("/pay?what=all")
    with transaction() as session:
        an_invoice(session, session.get_one(ledger.Debtor, shop.counter.debtor_id), "F-3", 100)

    answer = page.submit("Use my credit first")

    assert answer.status == 409
    assert shop.counter.amounts("AV-1") == [(4_000, 0)]


def test_a_debit_says_the_day_on_which_money_leaves(shop: Shop) -> None:
    shop.counter.give_mandate()
    page = shop.enter().open("/pay?what=all")
    assert "From the account ending in" in page.text

    page = page.submit("Continue", **DEBIT)

    payment = shop.counter.payments()[0]
    assert page.heading == "Your direct debit is on its way"
    assert "Your account is debited on" in page.text
    assert "It counts as paid once your bank has confirmed it." in page.text
    assert payment.charge_on is not None
    assert shop.counter.amounts("F-1") == [(12_000, 12_000)]


def test_a_debit_without_a_mandate_first_leads_to_one(shop: Shop) -> None:
    page = shop.enter().open("/pay?what=all").submit("Continue", **DEBIT)

    assert page.heading == "Please prove that it is you"
    assert "mandate" in page.form_of("Send me a code").fields["next"]


def test_a_debit_that_has_not_left_can_be_given_up(shop: Shop) -> None:
    shop.counter.give_mandate()
    browser = shop.enter()
    browser.open("/pay?what=all").submit("Continue", **DEBIT)
    payment = shop.counter.payments()[0]

    page = browser.open(f"/payments/{payment.id}").submit("Give it up")

    assert page.heading == "Pay €200.00"
    assert shop.counter.payment(payment.id).status is PaymentStatus.CANCELLED
    assert shop.counter.amounts("F-1") == [(12_000, 0)]


def test_a_debit_that_comes_back_reopens_the_invoice_and_says_why(shop: Shop) -> None:
    shop.counter.give_mandate("insufficient_funds")
    browser = shop.enter()
    browser.open("/pay?what=all").submit("Continue", **DEBIT)
    shop.counter.days(6, bank=True)
    browser = shop.enter()
    payment = shop.counter.payments()[0]

    shown = browser.open(f"/payments/{payment.id}")
    account = browser.open("/")

    assert payment.status is PaymentStatus.FAILED
    assert "not enough money in the account" in shown.text
    assert account.form_of("Pay €200.00")
    assert shown.follow("Pay again").heading == "Pay €200.00"


def test_a_provider_that_does_not_answer_leaves_a_payment_that_can_be_tried_again(shop: Shop) -> None:
    browser = shop.enter()
    page = browser.open("/pay?what=all")
    shop.counter.twins.fault("status", provider="stripe", match="POST /v1/checkout/sessions", status=500, times=20)

    answer = page.submit("Continue", **CARD)

    assert answer.heading == "We are opening the payment page"
    assert "We are waiting for your bank" not in answer.text
    shop.counter.twins.clear_faults()
    assert len(shop.counter.payments()) == 1
    again = browser.send(answer.form_of("Try again"), answer.address, follow=False)
    assert again.status == 303


def test_a_page_that_was_opened_for_the_debtor_is_offered_to_him(shop: Shop) -> None:
    browser = shop.enter()
    page = browser.open("/pay?what=all")
    shop.counter.twins.fault("reset_before", provider="stripe", match="POST /v1/checkout/sessions", times=20)
    waits = page.submit("Continue", **CARD)
    assert b'<noscript><meta http-equiv="refresh"' in waits.content
    shop.counter.twins.clear_faults()
    perform_due()
    opened = browser.open(waits.address)

    assert opened.heading == "The payment page is open"
    assert "Nothing has been taken yet." in opened.text
    assert browser.send(opened.form_of("Continue by card"), opened.address, follow=False).status == 303


def test_amounts_a_card_cannot_take_are_not_offered(shop: Shop) -> None:
    from shared.company.models import Company

    with transaction() as session:
        session.query(Company).update({"card_maximum_minor": 10_000})
    page = shop.enter().open("/pay?what=all")

    assert "Cards are taken up to €100.00." in page.text
    assert page.tree.xpath("//input[@value='card']/@disabled")
    forced = page.submit("Continue", **CARD)
    assert forced.status == 403
    assert "The largest card payment is €100.00." in forced.text
    assert shop.counter.payments() == []


def test_without_a_choice_of_means_nothing_begins(shop: Shop) -> None:
    page = shop.enter().open("/pay?what=all").submit("Continue", means="")

    assert page.status == 422
    assert "Choose how you would like to pay." in page.text


def test_what_is_frozen_is_not_part_of_everything(shop: Shop) -> None:
    with transaction() as session:
        session.query(Invoice).filter_by(number="F-1").update({"frozen_minor": 12_000})

    page = shop.enter().open("/")

    assert page.form_of("Pay €80.00")
    assert "Being clarified" in page.text


def test_somebody_elses_payment_is_not_there(shop: Shop) -> None:
    import uuid

    browser = shop.enter()

    for path in ("return", "stopped"):
        assert browser.open(f"/pay/{uuid.uuid4()}/{path}").status == 404


def test_what_a_bank_contests_is_seen_and_offered_to_nobody(shop: Shop) -> None:
    """F-1 was paid by card and taken back; F-2 (80.00) is owed as before."""
    browser = shop.enter()
    mine = shop.counter.invoices["F-1"]
    url = begin_card(shop, browser.open(f"/pay?what=these&invoice={mine}"))
    shop.counter.twins.pay(url)
    shop.counter.deliver()
    shop.counter.twins.advance(seconds=2)
    shop.counter.twins.fault("chargeback", object=shop.counter.payments()[0].provider_reference)
    shop.counter.deliver()

    home = browser.open("/")
    assert "Pay €80.00" in home.text
    assert "Pay €200.00" not in home.text
    assert "Contested by your bank" in home.text
    assert browser.open("/pay?what=all").heading == "Pay €80.00"
    sheet = browser.open(f"/invoices/{mine}")
    assert "Contested by your bank" in sheet.text
    assert "Pay it all the same" in sheet.text
    assert "Pay €120.00" not in sheet.text
    his_own = browser.open(f"/pay?what=these&invoice={mine}")
    assert his_own.heading == "Pay €120.00"
    assert "Your bank has taken back a payment of €120.00 for this." in his_own.text


def test_an_account_of_which_a_bank_contests_all_has_nothing_to_pay_and_is_not_said_to_be_settled(shop: Shop) -> None:
    browser = shop.enter()
    url = begin_card(shop, browser.open("/pay?what=all"))
    shop.counter.twins.pay(url)
    shop.counter.deliver()
    shop.counter.twins.advance(seconds=2)
    shop.counter.twins.fault("chargeback", object=shop.counter.payments()[0].provider_reference)
    shop.counter.deliver()

    home = browser.open("/")
    assert "Nothing to pay for now" in home.text
    assert "Your bank has taken back a payment of yours." in home.text
    assert "Every invoice is settled" not in home.text
    assert "Pay €" not in home.text
