"""Idempotency keys, as each original keeps them."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
import stripe
from gocardless_pro import errors

from tests.payments.twins.conftest import Cards, Debits, stripe_client


def _raw(cards: Cards, path: str, key: str, **fields: Any) -> requests.Response:
    headers = {"Authorization": f"Bearer {cards.twins.stripe_key}", "Idempotency-Key": key}
    return requests.post(f"{cards.twins.url}/v1/{path}", data=fields, headers=headers, timeout=30)


def test_a_repeated_request_gets_the_first_answer_and_does_nothing_again(cards: Cards):
    first, second = cards.open(key="k-1"), cards.open(key="k-1")

    assert second.to_dict() == first.to_dict()
    assert "idempotent-replayed" not in {name.lower() for name in first.last_response.headers}
    assert second.last_response.headers["Idempotent-Replayed"] == "true"
    assert len(cards.twins.objects("stripe", "checkout.session")) == 1


def test_the_first_answer_is_replayed_even_when_the_world_has_moved_on(cards: Cards):
    session = cards.open(key="k-1")
    cards.twins.pay(session.id)
    assert cards.open(key="k-1").status == "open"


def test_other_parameters_under_the_same_key_are_an_error(cards: Cards):
    cards.open(1_000, key="k-1")
    with pytest.raises(stripe.IdempotencyError) as refused:
        cards.open(2_000, key="k-1")
    assert refused.value.http_status == 400
    intent = cards.paid()
    with pytest.raises(stripe.IdempotencyError):
        cards.client.v1.refunds.create({"payment_intent": intent.id}, {"idempotency_key": "k-1"})


def test_a_refusal_is_kept_under_its_key_once_execution_began(cards: Cards):
    intent = cards.paid(1_000)
    refused = _raw(cards, "refunds", "k-1", payment_intent=intent.id, amount=2_000)
    again = _raw(cards, "refunds", "k-1", payment_intent=intent.id, amount=2_000)
    corrected = _raw(cards, "refunds", "k-1", payment_intent=intent.id, amount=500)

    assert (refused.status_code, again.status_code) == (400, 400)
    assert again.json() == refused.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert corrected.json()["error"]["type"] == "idempotency_error"


def test_a_request_that_never_began_may_be_corrected_under_its_key(cards: Cards):
    intent = cards.paid(1_000)
    assert _raw(cards, "refunds", "k-1", payment_intent=intent.id, colour="blue").status_code == 400
    assert _raw(cards, "refunds", "k-1", payment_intent=intent.id).status_code == 200


@pytest.mark.parametrize("when", ["before the work", "after the work"])
def test_a_500_is_replayed_as_a_500(cards: Cards, when: str):
    after_commit = when == "after the work"
    cards.twins.fault("status", provider="stripe", status=500, after_commit=after_commit)
    for _ in range(2):
        with pytest.raises(stripe.APIError) as broken:
            cards.open(key="k-1")
        assert broken.value.http_status == 500
    assert len(cards.twins.objects("stripe", "checkout.session")) == int(after_commit)
    assert cards.open(key="k-2").status == "open"


@pytest.mark.parametrize("status", [429, 503])
def test_a_rate_limit_is_not_kept(cards: Cards, status: int):
    cards.twins.fault("status", provider="stripe", status=status)
    with pytest.raises(stripe.StripeError):
        cards.open(key="k-1")
    assert cards.open(key="k-1").status == "open"


def test_a_key_is_free_again_after_a_day(cards: Cards):
    first = cards.open(key="k-1")
    cards.twins.advance(seconds=24 * 3600 - 60)
    assert cards.open(key="k-1").id == first.id
    cards.twins.advance(seconds=120)
    assert cards.open(key="k-1").id != first.id


def test_a_second_request_while_the_first_runs_is_a_conflict(cards: Cards):
    intent = cards.paid(1_000)
    cards.twins.fault("slow", provider="stripe", match="POST /v1/refunds", seconds=1.5)

    def refund() -> requests.Response:
        return _raw(cards, "refunds", "k-1", payment_intent=intent.id, amount=400)

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(refund)
        while cards.twins.faults()[0]["hits"] == 0:
            time.sleep(0.02)
        time.sleep(0.2)
        second = refund()

    assert first.result().status_code == 200
    assert (second.status_code, second.json()["error"]["code"]) == (409, "idempotency_key_in_use")
    assert refund().headers["Idempotent-Replayed"] == "true"
    assert len(cards.twins.objects("stripe", "refund")) == 1


def test_the_sdk_retries_a_cut_connection_without_paying_twice(cards: Cards):
    intent = cards.paid(1_000)
    cards.twins.fault("cut_after_commit", provider="stripe", match="POST /v1/refunds")
    patient = stripe_client(cards.twins, retries=2)

    refund = patient.v1.refunds.create({"payment_intent": intent.id, "amount": 400}, {"idempotency_key": "k-1"})

    assert refund.amount == 400
    assert refund.last_response.headers["Idempotent-Replayed"] == "true"
    assert len(cards.twins.objects("stripe", "refund")) == 1


def test_gocardless_answers_a_repeat_with_the_existing_resource(debits: Debits):
    mandate = debits.mandate()
    payment = debits.pay(mandate, 1_000, key="k-1")
    for amount in (1_000, 2_000):
        with pytest.raises(errors.IdempotentCreationConflictError) as conflict:
            debits.pay(mandate, amount, key="k-1")
        assert (conflict.value.code, conflict.value.conflicting_resource_id) == (409, payment.id)
    assert len(debits.twins.objects("gocardless", "payments")) == 1


def test_a_gocardless_refusal_leaves_its_key_free(debits: Debits):
    mandate = debits.mandate()
    with pytest.raises(errors.ValidationFailedError):
        debits.pay(mandate, 0, key="k-1")
    assert debits.pay(mandate, 1_000, key="k-1").amount == 1_000


def test_the_gocardless_sdk_retries_a_cut_connection_and_meets_its_own_payment(debits: Debits):
    mandate = debits.mandate()
    debits.twins.fault("cut_after_commit", provider="gocardless", match="POST /payments")
    with pytest.raises(errors.IdempotentCreationConflictError) as conflict:
        debits.pay(mandate, 1_000, key="k-1")
    only = debits.twins.objects("gocardless", "payments")
    assert [one["id"] for one in only] == [conflict.value.conflicting_resource_id]


def test_a_key_can_turn_out_to_belong_to_another_amount(debits: Debits):
    mandate = debits.mandate()
    debits.twins.fault("wrong_amount", provider="gocardless", match="POST /payments")
    with pytest.raises(errors.IdempotentCreationConflictError) as conflict:
        debits.pay(mandate, 1_000, key="k-1")
    assert debits.client.payments.get(conflict.value.conflicting_resource_id).amount == 1_100


def test_sixteen_at_once_make_one_payment_per_key(debits: Debits):
    mandate = debits.mandate()

    def pay(number: int) -> str:
        try:
            return str(debits.pay(mandate, 1_000, key=f"k-{number % 4}").id)
        except errors.IdempotentCreationConflictError as conflict:
            return str(conflict.conflicting_resource_id)

    with ThreadPoolExecutor(16) as pool:
        ids = list(pool.map(pay, range(32)))
    assert len(set(ids)) == 4
    assert len(debits.twins.objects("gocardless", "payments")) == 4
