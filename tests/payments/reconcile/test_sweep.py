"""The janitor asks; it never concludes from silence."""

from __future__ import annotations

import pytest

from payments.collections.pace import SILENT_IN_A_ROW
from payments.models import Provider
from payments.reconcile import sweep as janitor
from payments.reconcile.sweep import sweep
from payments.reconcile.verify import verify
from payments.status import MandateStatus
from payments.status import PaymentStatus as S

LATER = 400  # seconds: longer than a call with all its retries


@pytest.mark.parametrize("kind", ["cut_after_commit", "reset_before"])
def test_a_page_that_was_never_answered_is_found_or_opened_again(counter, kind):
    counter.open_account()
    counter.twins.fault(kind, provider="stripe", match="POST /v1/checkout/sessions", times=2)
    step = counter.pay_by_card(counter.part("F-1", 12_000))
    assert sweep().asked == 0

    counter.twins.advance(seconds=LATER)
    sweep()

    payment = counter.payment(step.payment_id)
    if kind == "cut_after_commit":
        assert (payment.status, bool(payment.checkout_url)) == (S.SUBMITTED, True)
    else:
        assert payment.status is S.EXPIRED  # too late for its own expires_at: nobody was ever on that page
        assert counter.amounts("F-1") == [(12_000, 0)]
    assert len(counter.twins.objects("stripe", "checkout.session")) == (1 if kind == "cut_after_commit" else 0)


def test_a_500_kept_under_the_key_is_looked_behind_by_listing(counter):
    counter.open_account()
    counter.twins.fault(
        "status", provider="stripe", match="POST /v1/checkout/sessions", status=500, after_commit=True, times=1
    )
    step = counter.pay_by_card(counter.part("F-1", 12_000))
    assert counter.payment(step.payment_id).status is S.CREATED

    counter.twins.advance(seconds=LATER)
    sweep()

    assert counter.payment(step.payment_id).status is S.SUBMITTED
    assert len(counter.twins.objects("stripe", "checkout.session")) == 1


def test_silence_of_days_frees_nothing(counter):
    counter.open_account()
    counter.twins.fault("status", provider="stripe", match="/v1/", status=500, times=0)
    step = counter.pay_by_card(counter.part("F-1", 12_000))
    for _ in range(3):
        counter.twins.advance(1)
        assert sweep().unanswered == 1
    assert (counter.payment(step.payment_id).status, counter.amounts("F-1")) == (S.CREATED, [(12_000, 12_000)])

    counter.twins.clear_faults()
    sweep()
    counter.twins.advance(seconds=LATER)
    sweep()

    assert counter.payment(step.payment_id).status is S.EXPIRED
    assert counter.amounts("F-1") == [(12_000, 0)]


def test_a_debit_that_was_never_answered_is_looked_for_before_it_is_asked_for_again(counter):
    counter.open_account()
    mandate = counter.give_mandate()
    counter.twins.fault("cut_after_commit", provider="gocardless", match="POST /payments", times=2)
    payment = counter.pay_by_debit(mandate, counter.part("F-1", 12_000))
    assert payment.status is S.CREATED

    counter.twins.advance(2)
    sweep()

    assert counter.payment(payment.id).status is S.SUBMITTED
    assert len(counter.twins.objects("gocardless", "payments")) == 1


def test_a_debit_that_never_was_is_given_up_when_its_key_is_old(counter):
    counter.open_account()
    mandate = counter.give_mandate()
    counter.twins.fault("reset_before", provider="gocardless", match="POST /payments", times=2)
    payment = counter.pay_by_debit(mandate, counter.part("F-1", 12_000))

    counter.twins.advance(1)
    sweep()

    found = counter.payment(payment.id)
    assert (found.status, found.failure_code) == (S.FAILED, "never_created")
    assert counter.amounts("F-1") == [(12_000, 0)]


def test_a_debit_that_never_was_is_made_while_its_key_lives(counter):
    counter.open_account()
    mandate = counter.give_mandate()
    counter.twins.fault("reset_before", provider="gocardless", match="POST /payments", times=2)
    payment = counter.pay_by_debit(mandate, counter.part("F-1", 12_000))

    counter.twins.advance(seconds=LATER)
    sweep()

    assert counter.payment(payment.id).status is S.SUBMITTED


def test_a_page_whose_news_was_lost_is_asked_about(counter):
    counter.open_account()
    step = counter.pay_by_card(counter.part("F-1", 12_000))
    counter.twins.fault("webhook_drop", provider="stripe", times=0)
    counter.twins.pay(step.url)
    counter.deliver()

    counter.twins.advance(seconds=1000)
    sweep()

    assert counter.payment(step.payment_id).status is S.CONFIRMED
    assert verify().differences == []


def test_a_mandate_whose_news_was_lost_is_asked_about(counter):
    from payments.status import MandateStatus

    counter.open_account()
    counter.twins.fault("webhook_drop", provider="gocardless", times=0)
    step = counter.ask_mandate()
    counter.twins.authorise(step.url, "success", email="dora@client.example")

    counter.twins.advance(1)
    sweep()

    assert counter.mandate(step.mandate_id).status is not MandateStatus.CREATED


def test_payouts_settle_payments_and_fees_are_booked(counter):
    from payments.models import Payout
    from payments.payouts.take import take_payouts
    from shared.kit.db import reading

    counter.open_account()
    step = counter.pay_by_card(counter.part("F-1", 12_000))
    counter.twins.pay(step.url)
    debit = counter.pay_by_debit(counter.give_mandate(), counter.part("F-2", 8_000))
    counter.days(8, bank=True)
    for provider in (Provider.STRIPE, Provider.GOCARDLESS):
        take_payouts(provider)
        assert take_payouts(provider) == 0

    with reading() as session:
        booked = {one.provider: (one.amount_minor, one.fee_minor) for one in session.query(Payout)}
    assert booked == {Provider.STRIPE: (12_000 - 205, 205), Provider.GOCARDLESS: (8_000 - 100, 100)}
    assert counter.payment(step.payment_id).status is S.SETTLED
    assert counter.payment(debit.id).status is S.SETTLED
    assert (counter.payment(step.payment_id).fee_minor, counter.payment(debit.id).fee_minor) == (205, 100)
    assert verify().differences == []


def test_a_page_that_is_never_answered_stops_no_other_payer(counter):
    counter.open_account(amounts=(12_000, 8_000))
    counter.twins.fault("webhook_drop", provider="stripe", times=0)
    poisoned = counter.pay_by_card(counter.part("F-1", 12_000))
    paid = counter.pay_by_card(counter.part("F-2", 8_000))
    counter.twins.pay(paid.url)
    session = counter.payment(poisoned.payment_id).checkout_reference
    counter.twins.fault("status", provider="stripe", match=f"GET /v1/checkout/sessions/{session}", status=500, times=0)

    counter.twins.advance(1)
    swept = sweep()

    assert (swept.asked, swept.unanswered) == (1, 1)
    assert counter.payment(paid.payment_id).status is S.CONFIRMED


def test_many_mandates_that_are_never_answered_leave_room_for_the_others(counter):
    counter.twins.fault("webhook_drop", provider="gocardless", times=0)
    asked = []
    for turn in range(SILENT_IN_A_ROW + 2):
        counter.open_account(amounts=(), code=f"411P{turn}")
        step = counter.ask_mandate()
        counter.twins.authorise(step.url, "success", email="dora@client.example")
        asked.append(step.mandate_id)
    *poisoned, last = sorted(asked)
    for each in poisoned:
        match = f"GET /billing_requests/{counter.mandate(each).billing_request_reference}"
        counter.twins.fault("status", provider="gocardless", match=match, status=500, times=0)
    counter.twins.advance(1)

    for _pass in range(60):  # each in its own order: two of seven passes go without the last one
        if counter.mandate(last).status is not MandateStatus.CREATED:
            break
        sweep()

    assert counter.mandate(last).status is not MandateStatus.CREATED


def test_an_answer_that_nobody_expected_stops_no_other(counter, monkeypatch):
    counter.open_account(amounts=(12_000, 8_000))
    counter.twins.fault("webhook_drop", provider="stripe", times=0)
    odd = counter.pay_by_card(counter.part("F-1", 12_000))
    paid = counter.pay_by_card(counter.part("F-2", 8_000))
    counter.twins.pay(paid.url)
    usual = janitor.follow

    def follow(payment_id):
        if payment_id == odd.payment_id:
            raise ZeroDivisionError("odd")
        return usual(payment_id)

    monkeypatch.setattr(janitor, "follow", follow)
    counter.twins.advance(1)

    assert sweep().contradicted == 1
    assert counter.payment(paid.payment_id).status is S.CONFIRMED
