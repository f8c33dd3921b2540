"""My payments, in true words."""

from __future__ import annotations

from payments.models import Payment
from payments.refunds import service as refunds
from shared.kit.actors import Actor
from shared.kit.db import transaction
from tests.portal.conftest import Dora
from tests.portal.shop import Shop


def test_who_never_paid_reads_what_this_page_is_for(enter, dora: Dora) -> None:
    assert "No payment yet" in enter(dora).open("/payments").text


def test_a_payment_in_progress_is_not_called_paid_and_has_no_receipt(shop: Shop) -> None:
    shop.counter.give_mandate()
    browser = shop.enter()
    browser.open("/pay?what=all").submit("Continue", means="debit")
    payment: Payment = shop.counter.payments()[0]

    page = browser.open("/payments")
    shown = browser.open(f"/payments/{payment.id}")
    receipt = browser.open(f"/payments/{payment.id}/receipt")

    assert "On its way" in page.text
    assert "Paid" not in page.text.replace("Payments", "")
    assert "We should have received it" in shown.text
    assert "Download the receipt" not in shown.text
    assert receipt.status == 404


def test_a_debit_that_has_come_has_a_receipt_that_says_how_long_it_may_go_back(shop: Shop) -> None:
    shop.counter.give_mandate()
    browser = shop.enter()
    browser.open("/pay?what=all").submit("Continue", means="debit")
    shop.counter.days(7, bank=True)
    browser = shop.enter()

    shown = browser.open(f"/payments/{shop.counter.payments()[0].id}")
    receipt = shown.follow("Download the receipt")

    assert "Thank you: your payment has been received." in shown.text
    assert receipt.content.startswith(b"%PDF-")
    assert browser.open("/").text.count("Nothing to pay") == 1


def test_a_refund_is_told(shop: Shop) -> None:
    browser = shop.enter()
    page = browser.open("/pay?what=all")
    away = browser.send(page.form_of("Continue"), page.address, follow=False, means="card").response
    shop.counter.twins.pay(away.headers["Location"])
    shop.counter.deliver()
    payment = shop.counter.payments()[0]
    with transaction() as session:
        refunds.ask(session, payment_id=payment.id, minor=5_000, reason="broken chair", by=Actor.system("test"))
    shop.counter.deliver()

    shown = shop.enter().open(f"/payments/{payment.id}")

    assert "Refund: Refunded €50.00" in shown.text
