"""Misbehaviour on command, met by the real SDKs."""

from __future__ import annotations

import time

import pytest
import requests
import stripe
from gocardless_pro import errors

from tests.payments.twins.conftest import Cards, Debits


def test_a_connection_cut_before_leaves_nothing_behind(cards: Cards, debits: Debits):
    mandate = debits.mandate()
    cards.twins.fault("reset_before", match="POST /v1/checkout/sessions")
    cards.twins.fault("reset_before", match="POST /payments", times=3)
    with pytest.raises(stripe.APIConnectionError):
        cards.open()
    with pytest.raises(requests.exceptions.ConnectionError):
        debits.pay(mandate)
    assert cards.twins.objects("stripe", "checkout.session") == []
    assert cards.twins.objects("gocardless", "payments") == []


def test_a_connection_cut_after_the_commit_leaves_everything(cards: Cards):
    cards.twins.fault("cut_after_commit", match="POST /v1/checkout/sessions")
    with pytest.raises(stripe.APIConnectionError):
        cards.open(key="k-1")
    made = cards.twins.objects("stripe", "checkout.session")
    assert [cards.open(key="k-1").id] == [one["id"] for one in made]


def test_silence_is_longer_than_a_client_waits(debits: Debits):
    mandate = debits.mandate()
    debits.twins.fault("timeout_after_commit", match="/actions/cancel", seconds=2)
    payment = debits.pay(mandate)
    impatient = requests.post
    with pytest.raises(requests.exceptions.ReadTimeout):
        impatient(
            f"{debits.twins.url}/payments/{payment.id}/actions/cancel",
            json={},
            headers={"Authorization": f"Bearer {debits.twins.gocardless_token}", "GoCardless-Version": "2015-07-06"},
            timeout=0.5,
        )
    assert debits.status(payment) == "cancelled"


@pytest.mark.parametrize(
    ("status", "error"),
    [(500, errors.GoCardlessInternalError), (503, errors.GoCardlessInternalError), (429, errors.RateLimitError)],
)
def test_gocardless_may_be_broken_or_busy(debits: Debits, status: int, error: type[Exception]):
    mandate = debits.mandate()
    debits.twins.fault("status", provider="gocardless", status=status)
    with pytest.raises(error):
        debits.pay(mandate)
    assert debits.pay(mandate).status == "pending_submission"


def test_half_a_page_of_html_is_no_answer(cards: Cards, debits: Debits):
    mandate = debits.mandate()
    cards.twins.fault("malformed_body", provider="stripe")
    cards.twins.fault("malformed_body", match="POST /payments", times=1)
    with pytest.raises(stripe.APIError):
        cards.open()
    with pytest.raises(errors.IdempotentCreationConflictError):
        debits.pay(mandate)
    assert len(cards.twins.objects("stripe", "checkout.session")) == 1
    assert len(cards.twins.objects("gocardless", "payments")) == 1


def test_a_slow_answer_is_right_all_the_same(cards: Cards):
    cards.twins.fault("slow", provider="stripe", seconds=0.6)
    began = time.monotonic()
    assert cards.open().status == "open"
    assert time.monotonic() - began >= 0.6


def test_a_rule_strikes_as_often_as_told_and_only_where_told(cards: Cards):
    cards.twins.fault("status", match="GET /v1/charges", status=503, times=2)
    assert cards.open().status == "open"
    for _ in range(2):
        with pytest.raises(stripe.APIError):
            cards.client.v1.charges.list()
    assert cards.client.v1.charges.list().data == []
    rule = cards.twins.faults()[0]
    assert (rule["left"], rule["hits"]) == (0, 2)
    cards.twins.clear_faults()
    assert cards.twins.faults() == []


def test_a_lottery_with_a_seed_is_the_same_every_time(cards: Cards):
    def draw() -> list[bool]:
        cards.twins.clear_faults()
        cards.twins.fault("status", match="GET /v1/charges", status=503, times=0, probability=0.5, seed=7)
        outcome = []
        for _ in range(20):
            try:
                cards.client.v1.charges.list()
                outcome.append(False)
            except stripe.APIError:
                outcome.append(True)
        return outcome

    first = draw()
    assert first == draw()
    assert set(first) == {True, False}


@pytest.mark.parametrize(
    "odd", [{"kind": "earthquake"}, {"kind": "slow", "speed": 1}, {"kind": "slow", "provider": "x"}]
)
def test_an_odd_fault_is_refused(cards: Cards, odd: dict):
    answer = requests.post(f"{cards.twins.url}/_twin/faults", json=odd, timeout=5)
    assert answer.status_code == 422


def test_nothing_befalls_what_is_not_there(cards: Cards):
    for kind, subject in (("late_failure", "PM404"), ("chargeback", "ch_404"), ("late_failure", "XX1")):
        with pytest.raises(AssertionError, match="404"):
            cards.twins.fault(kind, object=subject)
