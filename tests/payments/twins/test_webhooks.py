"""Webhooks: signed, retried, and misdelivered on command."""

from __future__ import annotations

import json
import time

import gocardless_pro.webhooks
import pytest
import stripe
from gocardless_pro.errors import InvalidSignatureError

from tests.payments.twins.conftest import Cards, Debits, Sink


def _types(sink: Sink) -> list[str]:
    return [json.loads(body)["type"] for body in sink.bodies("stripe")]


def _wait_for(sink: Sink, provider: str, count: int) -> list[bytes]:
    deadline = time.monotonic() + 10
    while len(sink.bodies(provider)) < count and time.monotonic() < deadline:
        time.sleep(0.02)
    return sink.bodies(provider)


def test_stripe_events_arrive_by_themselves_with_a_signature_the_sdk_accepts(cards: Cards, sink: Sink):
    cards.paid()
    _wait_for(sink, "stripe", 4)

    for _, headers, body in sink.received:
        event = stripe.Webhook.construct_event(body, headers["Stripe-Signature"], cards.twins.stripe_webhook_secret)
        assert event.api_version == stripe.api_version
        assert event.livemode is False
        assert event.created == cards.client.v1.events.retrieve(event.id).created
        with pytest.raises(stripe.SignatureVerificationError):
            stripe.Webhook.construct_event(body, headers["Stripe-Signature"], "whsec_other")
    assert sorted(_types(sink)) == sorted(cards.event_types())


def test_a_signature_is_fresh_after_time_has_been_moved(cards: Cards, sink: Sink):
    cards.twins.advance(400)
    cards.paid()
    _wait_for(sink, "stripe", 4)
    _, headers, body = sink.received[0]
    assert stripe.Webhook.construct_event(body, headers["Stripe-Signature"], cards.twins.stripe_webhook_secret)


def test_gocardless_events_arrive_in_batches_with_a_signature_the_sdk_accepts(debits: Debits, sink: Sink):
    mandate = debits.mandate()
    debits.pay(mandate)
    _wait_for(sink, "gocardless", 4)
    debits.twins.flush()

    found = []
    for path, headers, body in sink.received:
        assert path == "/webhooks/gocardless"
        parsed = gocardless_pro.webhooks.parse_with_meta(
            body, debits.twins.gocardless_webhook_secret, headers["Webhook-Signature"]
        )
        assert parsed.webhook_id.startswith("WB")
        found.extend(event.id for event in parsed.events)
        with pytest.raises(InvalidSignatureError):
            gocardless_pro.webhooks.parse(body, "another", headers["Webhook-Signature"])
    assert sorted(found) == sorted(event["id"] for event in debits.twins.objects("gocardless", "events"))
    assert max(len(json.loads(body)["events"]) for body in sink.bodies("gocardless")) > 1


def test_a_refused_webhook_comes_again_until_it_is_taken(cards: Cards, sink: Sink):
    refusals = iter([500, 301])
    sink.answer = lambda _path: next(refusals, 200)
    cards.client.v1.checkout.sessions.expire(cards.open().id)

    bodies = _wait_for(sink, "stripe", 3)

    assert len(set(bodies)) == 1
    delivery = next(one for one in cards.twins.deliveries() if one["what"] == "checkout.session.expired")
    assert (delivery["status"], delivery["tries"]) == ("delivered", 3)


def test_a_webhook_is_given_up_after_eight_retries_and_can_be_sent_again(cards: Cards, sink: Sink):
    sink.answer = lambda _path: 500
    cards.client.v1.checkout.sessions.expire(cards.open().id)
    for _ in range(12):
        cards.twins.flush()
    delivery = cards.twins.deliveries()[0]
    assert (delivery["status"], delivery["tries"]) == ("failed", 9)
    assert len(cards.client.v1.events.list({"delivery_success": False}).data) == 1

    sink.answer = lambda _path: 200
    cards.twins.ask("POST", f"/_twin/webhooks/{delivery['seq']}/resend", json={})
    cards.twins.flush()
    assert cards.client.v1.events.list({"delivery_success": False}).data == []


def test_what_a_rolled_back_operation_announced_is_never_sent(cards: Cards, sink: Sink):
    intent = cards.paid(1_000)
    cards.twins.flush()
    before = len(sink.received)
    with pytest.raises(stripe.InvalidRequestError):
        cards.client.v1.refunds.create({"payment_intent": intent.id, "amount": 2_000})
    cards.twins.flush()
    assert len(sink.received) == before


def test_webhooks_are_doubled_dropped_and_reordered_on_command(cards: Cards, sink: Sink):
    cards.twins.fault("webhook_duplicate", match="charge.succeeded")
    cards.twins.fault("webhook_drop", match="payment_intent.created")
    cards.twins.fault("webhook_reorder", match="payment_intent.succeeded")
    cards.paid()
    _wait_for(sink, "stripe", 4)
    cards.twins.flush()

    assert _types(sink) == [
        "charge.succeeded",
        "charge.succeeded",
        "checkout.session.completed",
        "payment_intent.succeeded",
    ]
    assert "payment_intent.created" in cards.event_types()


def test_a_delayed_webhook_leaves_later(cards: Cards, sink: Sink):
    cards.twins.fault("webhook_delay", match="charge.succeeded", seconds=600)
    cards.paid()
    assert len(_wait_for(sink, "stripe", 3)) == 3
    assert "charge.succeeded" not in _types(sink)
    cards.twins.flush()
    assert _types(sink)[-1] == "charge.succeeded"


def test_moving_time_may_deliver_each_day_before_the_next(debits: Debits, sink: Sink):
    payment = debits.pay(debits.mandate())
    debits.twins.flush()
    sink.received.clear()
    debits.twins.advance(10, deliver=True)
    actions = [
        event["action"]
        for body in sink.bodies("gocardless")
        for event in json.loads(body)["events"]
        if event["links"].get("payment") == payment.id
    ]
    assert actions == ["submitted", "confirmed", "paid_out"]
