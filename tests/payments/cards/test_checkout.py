"""Paying by card, from the press of the button to the settled invoice."""

from __future__ import annotations

import pytest

from payments.cards import checkout
from payments.status import PaymentStatus as S
from shared.kit.errors import Conflict


def test_a_card_payment_is_begun_paid_and_confirmed(counter):
    counter.open_account()

    step = counter.pay_by_card(counter.part("F-1", 12_000))
    assert (step.state, counter.amounts("F-1")) == (S.SUBMITTED, [(12_000, 12_000)])

    counter.twins.pay(step.url)
    counter.deliver()

    assert counter.payment(step.payment_id).status is S.CONFIRMED
    assert counter.amounts("F-1", "F-2") == [(0, 0), (8_000, 0)]


def test_a_declined_card_leaves_the_page_open_and_says_why(counter):
    counter.open_account()
    step = counter.pay_by_card(counter.part("F-1", 12_000))

    counter.twins.pay(step.url, "declined")
    counter.deliver()

    payment = counter.payment(step.payment_id)
    assert (payment.status, payment.failure_code) == (S.SUBMITTED, "generic_decline")
    counter.twins.pay(step.url)
    counter.deliver()
    assert counter.payment(step.payment_id).status is S.CONFIRMED


def test_a_challenge_is_asked_and_passed(counter):
    counter.open_account()
    step = counter.pay_by_card(counter.part("F-1", 12_000))

    counter.twins.pay(step.url, "challenge", challenge="leave")
    counter.deliver()
    assert counter.payment(step.payment_id).status is S.ACTION_NEEDED

    counter.twins.pay(step.url, "challenge", challenge="complete")
    counter.deliver()
    assert counter.payment(step.payment_id).status is S.CONFIRMED


def test_the_browser_that_returns_is_no_witness_the_provider_is(counter):
    counter.open_account()
    step = counter.pay_by_card(counter.part("F-1", 12_000))
    assert checkout.look(step.payment_id, counter.debtor_id) is S.SUBMITTED

    counter.twins.pay(step.url)

    assert checkout.look(step.payment_id, counter.debtor_id) is S.CONFIRMED
    counter.deliver()
    assert counter.payment(step.payment_id).status is S.CONFIRMED


def test_a_second_tab_is_offered_the_same_page(counter):
    counter.open_account()
    first = counter.pay_by_card(counter.part("F-1", 12_000))

    second = counter.pay_by_card(counter.part("F-1", 12_000))

    assert second == first
    assert len(counter.payments()) == 1
    assert len(counter.twins.objects("stripe", "checkout.session")) == 1


def test_other_money_of_the_same_invoice_is_told_what_is_under_way(counter):
    counter.open_account()
    first = counter.pay_by_card(counter.part("F-1", 12_000))

    with pytest.raises(Conflict) as refusal:
        counter.pay_by_card(counter.part("F-1", 5_000))

    assert refusal.value.code == "payment.under_way"
    assert (refusal.value.facts["payment_id"], refusal.value.facts["minor"]) == (first.payment_id, 12_000)


def test_two_parts_of_one_invoice_are_two_payments(counter):
    counter.open_account()

    one = counter.pay_by_card(counter.part("F-1", 5_000))
    two = counter.pay_by_card(counter.part("F-1", 7_000))

    assert one.payment_id != two.payment_id
    assert counter.amounts("F-1") == [(12_000, 12_000)]


def test_an_abandoned_page_is_closed_and_its_money_free(counter):
    counter.open_account()
    step = counter.pay_by_card(counter.part("F-1", 12_000))

    assert checkout.abandon(step.payment_id, counter.debtor_id, counter.by) is S.CANCELLED

    assert counter.twins.objects("stripe", "checkout.session")[0]["status"] == "expired"
    assert counter.amounts("F-1") == [(12_000, 0)]
    counter.deliver()
    assert counter.payment(step.payment_id).status is S.CANCELLED


def test_abandoning_what_was_paid_meanwhile_confirms_it(counter):
    counter.open_account()
    step = counter.pay_by_card(counter.part("F-1", 12_000))
    counter.twins.pay(step.url)

    assert checkout.abandon(step.payment_id, counter.debtor_id, counter.by) is S.CONFIRMED


def test_a_page_that_nobody_used_expires(counter):
    counter.open_account()
    step = counter.pay_by_card(counter.part("F-1", 12_000))

    counter.twins.advance(seconds=3000)
    counter.deliver()

    assert counter.payment(step.payment_id).status is S.EXPIRED
    assert counter.amounts("F-1") == [(12_000, 0)]


def test_a_chargeback_reopens_and_winning_it_settles_again(counter):
    counter.open_account()
    step = counter.pay_by_card(counter.part("F-1", 12_000))
    counter.twins.pay(step.url)
    counter.deliver()

    counter.twins.fault("chargeback", object=counter.payment(step.payment_id).provider_reference)
    counter.deliver()
    assert counter.payment(step.payment_id).status is S.CHARGED_BACK
    assert counter.amounts("F-1") == [(12_000, 0)]

    dispute = counter.twins.objects("stripe", "dispute")[0]
    counter.twins.fault("dispute_won", object=dispute["id"])
    counter.deliver()
    assert counter.payment(step.payment_id).status is S.CONFIRMED
    assert counter.amounts("F-1") == [(0, 0)]


@pytest.mark.parametrize("kind", ["cut_after_commit", "reset_before", "malformed_body"])
def test_no_answer_is_not_a_no_and_pressing_again_finds_the_same_page(counter, kind):
    counter.open_account()
    counter.twins.fault(kind, provider="stripe", match="POST /v1/checkout/sessions", times=2)

    step = counter.pay_by_card(counter.part("F-1", 12_000), attempt="a")
    assert (step.url, step.state, counter.amounts("F-1")) == (None, S.CREATED, [(12_000, 12_000)])

    again = counter.pay_by_card(counter.part("F-1", 12_000), attempt="a")
    assert (again.payment_id, again.state) == (step.payment_id, S.SUBMITTED)
    assert len(counter.twins.objects("stripe", "checkout.session")) == 1


@pytest.mark.parametrize("first", ["card", "debit"])
def test_a_form_sent_again_with_another_means_leads_to_what_is_under_way(counter, first):
    counter.open_account()
    mandate_id = counter.give_mandate()
    part = counter.part("F-1", 12_000)
    acts = {
        "card": lambda: counter.pay_by_card(part, attempt="b"),
        "debit": lambda: counter.pay_by_debit(mandate_id, part, attempt="b"),
    }
    acts.pop(first)()
    for other in acts.values():
        with pytest.raises(Conflict) as conflict:
            other()
        assert conflict.value.code == "payment.under_way"
    assert [(one.means.value, one.amount_minor) for one in counter.payments()] == [(first, 12_000)]
