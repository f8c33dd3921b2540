"""A mandate is given, a debit is collected, and sometimes the bank takes it back."""

from __future__ import annotations

import pytest

from payments.mandates import collect, setup
from payments.status import MandateStatus as M
from payments.status import PaymentStatus as S
from shared.kit.errors import Conflict


def test_a_mandate_is_given_on_the_providers_page(counter):
    counter.open_account()

    step = counter.ask_mandate()
    assert step.state is M.CREATED
    counter.twins.authorise(step.url, "success", email="dora@client.example")

    assert setup.look(step.mandate_id, counter.debtor_id) is M.PENDING
    counter.days(3, bank=True)
    mandate = counter.mandate(step.mandate_id)
    assert (mandate.status, mandate.iban_country) == (M.ACTIVE, "FR")
    assert mandate.scheme_reference
    assert mandate.evidence["address"] == "192.0.2.7"


def test_a_second_tab_is_led_to_the_same_mandate_page(counter):
    counter.open_account()
    assert counter.ask_mandate() == counter.ask_mandate()
    assert len(counter.twins.objects("gocardless", "billing_requests")) == 1


def test_a_debit_is_created_confirmed_and_holds_its_money_meanwhile(counter):
    counter.open_account()
    mandate = counter.give_mandate()

    payment = counter.pay_by_debit(mandate, counter.part("F-1", 12_000))
    assert (payment.status, payment.charge_on is None) == (S.SUBMITTED, False)
    assert counter.amounts("F-1") == [(12_000, 12_000)]

    counter.days(4, bank=True)
    assert counter.payment(payment.id).status is S.CONFIRMED
    assert counter.amounts("F-1") == [(0, 0)]


def test_a_late_failure_reopens_the_invoice(counter):
    counter.open_account()
    mandate = counter.give_mandate("late_failure")
    payment = counter.pay_by_debit(mandate, counter.part("F-1", 12_000))
    counter.days(4, bank=True)
    assert counter.amounts("F-1") == [(0, 0)]

    counter.days(1, bank=True)

    failed = counter.payment(payment.id)
    assert (failed.status, failed.failure_code) == (S.FAILED, "AM04")
    assert counter.amounts("F-1") == [(12_000, 0)]


def test_a_failure_frees_the_money_and_names_the_banks_reason(counter):
    counter.open_account()
    mandate = counter.give_mandate("insufficient_funds")
    payment = counter.pay_by_debit(mandate, counter.part("F-1", 12_000))

    counter.days(4, bank=True)

    failed = counter.payment(payment.id)
    assert (failed.status, failed.failure_code) == (S.FAILED, "AM04")
    assert counter.amounts("F-1") == [(12_000, 0)]


def test_card_and_debit_do_not_both_take_the_same_cent(counter):
    counter.open_account()
    mandate = counter.give_mandate()
    counter.pay_by_card(counter.part("F-1", 12_000))

    with pytest.raises(Conflict, match="already under way"):
        counter.pay_by_debit(mandate, counter.part("F-1", 12_000))

    assert counter.twins.objects("gocardless", "payments") == []


def test_a_debit_that_has_not_left_is_cancelled_for_a_card(counter):
    counter.open_account()
    mandate = counter.give_mandate()
    payment = counter.pay_by_debit(mandate, counter.part("F-1", 12_000))

    assert collect.cancel(payment.id, counter.debtor_id, counter.by) is S.CANCELLED

    assert counter.amounts("F-1") == [(12_000, 0)]
    assert counter.pay_by_card(counter.part("F-1", 12_000)).url


def test_a_debit_that_has_left_cannot_be_cancelled(counter):
    counter.open_account()
    mandate = counter.give_mandate()
    payment = counter.pay_by_debit(mandate, counter.part("F-1", 12_000))
    counter.days(2, bank=True)

    with pytest.raises(Conflict) as refusal:
        collect.cancel(payment.id, counter.debtor_id, counter.by)

    assert refusal.value.code == "payment.left"
    assert counter.amounts("F-1") == [(12_000, 12_000)]


def test_ending_a_mandate_ends_the_debits_that_have_not_left(counter):
    counter.open_account()
    mandate = counter.give_mandate()
    payment = counter.pay_by_debit(mandate, counter.part("F-1", 12_000))

    assert setup.cancel(mandate, counter.debtor_id, counter.by) is M.CANCELLED
    counter.deliver()

    assert counter.payment(payment.id).status is S.CANCELLED
    assert counter.amounts("F-1") == [(12_000, 0)]
    with pytest.raises(Conflict, match="no longer be used"):
        counter.pay_by_debit(mandate, counter.part("F-1", 12_000))


def test_a_debit_whose_answer_was_lost_is_not_made_twice(counter):
    counter.open_account()
    mandate = counter.give_mandate()
    counter.twins.fault("cut_after_commit", provider="gocardless", match="POST /payments", times=1)

    payment = counter.pay_by_debit(mandate, counter.part("F-1", 12_000))

    assert payment.status is S.SUBMITTED
    assert len(counter.twins.objects("gocardless", "payments")) == 1


def test_a_key_that_turns_out_taken_by_another_amount_is_never_accepted(counter):
    counter.open_account()
    mandate = counter.give_mandate()
    counter.twins.fault("wrong_amount", provider="gocardless", match="POST /payments")

    payment = counter.pay_by_debit(mandate, counter.part("F-1", 12_000))
    counter.deliver()

    assert (payment.status, payment.failure_code) == (S.FAILED, "wrong_amount")
    assert [one["status"] for one in counter.twins.objects("gocardless", "payments")] == ["cancelled"]
    assert counter.amounts("F-1") == [(12_000, 0)]
