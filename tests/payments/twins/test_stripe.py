"""Stripe's twin, driven by the real SDK over HTTP."""

from __future__ import annotations

import pytest
import requests
import stripe

from tests.payments.twins.conftest import Cards, stripe_client


def test_a_session_has_no_payment_intent_before_somebody_tries_to_pay(cards: Cards):
    session = cards.open()

    assert (session.status, session.payment_status, session.payment_intent) == ("open", "unpaid", None)
    assert session.url == f"{cards.twins.url}/c/pay/{session.id}"
    assert session.expires_at - session.created == 24 * 3600
    assert session.payment_method_types == ["card"]


def test_a_paid_session_leads_to_its_charge_and_its_fee(cards: Cards):
    session = cards.open(12_345)
    done = cards.twins.pay(session.url)

    session = cards.client.v1.checkout.sessions.retrieve(
        session.id, {"expand": ["payment_intent.latest_charge.balance_transaction", "line_items"]}
    )
    charge = session.payment_intent.latest_charge
    assert done["redirect"] == f"https://portal.example/done?session={session.id}"
    assert (session.status, session.payment_status, session.url) == ("complete", "paid", None)
    assert session.payment_intent.status == "succeeded"
    assert session.payment_intent.metadata["attempt_id"] == "attempt-1"
    assert (charge.status, charge.amount, charge.metadata["attempt_id"]) == ("succeeded", 12_345, "attempt-1")
    assert (charge.balance_transaction.fee, charge.balance_transaction.net) == (210, 12_135)
    assert session.line_items.data[0].description == "F-2026-001"
    assert cards.event_types() == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "checkout.session.completed",
    ]


@pytest.mark.parametrize(
    ("card", "code"),
    [("declined", "generic_decline"), ("insufficient", "insufficient_funds"), ("expired", "expired_card")],
)
def test_a_declined_card_leaves_the_session_open_for_another(cards: Cards, card: str, code: str):
    session = cards.open()

    assert cards.twins.pay(session.id, card)["code"] == code
    intent = cards.client.v1.payment_intents.retrieve(
        cards.client.v1.checkout.sessions.retrieve(session.id).payment_intent, {"expand": ["latest_charge"]}
    )
    assert intent.status == "requires_payment_method"
    assert intent.last_payment_error.type == "card_error"
    assert (intent.latest_charge.status, intent.latest_charge.paid) == ("failed", False)
    assert cards.event_types() == ["payment_intent.created", "charge.failed", "payment_intent.payment_failed"]

    assert cards.twins.pay(session.id)["outcome"] == "paid"
    assert cards.client.v1.payment_intents.retrieve(intent.id).status == "succeeded"


def test_a_challenge_is_completed_or_failed(cards: Cards):
    failed, passed, left = cards.open(), cards.open(), cards.open()

    assert cards.twins.pay(failed.id, "challenge", challenge="fail")["outcome"] == "declined"
    assert cards.twins.pay(passed.id, "challenge")["outcome"] == "paid"
    assert cards.twins.pay(left.id, "challenge", challenge="leave")["outcome"] == "challenge"

    failed = cards.client.v1.checkout.sessions.retrieve(failed.id, {"expand": ["payment_intent"]})
    passed = cards.client.v1.checkout.sessions.retrieve(passed.id, {"expand": ["payment_intent.latest_charge"]})
    left = cards.client.v1.checkout.sessions.retrieve(left.id, {"expand": ["payment_intent"]})
    assert (failed.status, failed.payment_intent.status) == ("open", "requires_payment_method")
    assert failed.payment_intent.last_payment_error.code == "payment_intent_authentication_failure"
    secure = passed.payment_intent.latest_charge.payment_method_details.card.three_d_secure
    assert (passed.status, secure.result) == ("complete", "authenticated")
    assert (left.status, left.payment_intent.status) == ("open", "requires_action")


def test_a_session_can_be_paid_once_only(cards: Cards):
    session = cards.open()
    cards.twins.pay(session.id)

    again = requests.post(f"{cards.twins.url}/_twin/pay", json={"session": session.id, "card": "success"}, timeout=10)

    assert (again.status_code, again.json()["outcome"]) == (409, "closed")
    assert len(cards.twins.objects("stripe", "charge")) == 1


def test_an_expired_session_takes_no_money_and_cancels_its_intent(cards: Cards):
    session = cards.open()
    cards.twins.pay(session.id, "declined")

    expired = cards.client.v1.checkout.sessions.expire(session.id)

    assert (expired.status, expired.url) == ("expired", None)
    assert cards.client.v1.payment_intents.retrieve(expired.payment_intent).status == "canceled"
    assert cards.event_types()[-2:] == ["payment_intent.canceled", "checkout.session.expired"]
    with pytest.raises(stripe.InvalidRequestError, match="status of `expired`"):
        cards.client.v1.checkout.sessions.expire(session.id)
    with pytest.raises(AssertionError, match="closed"):
        cards.twins.pay(session.id)


def test_a_session_expires_by_itself(cards: Cards):
    now = cards.twins.now()["now"]
    session = cards.open(expires_at=now + 31 * 60)

    cards.twins.advance(seconds=30 * 60)
    assert cards.client.v1.checkout.sessions.retrieve(session.id).status == "open"
    cards.twins.advance(seconds=2 * 60)
    assert cards.client.v1.checkout.sessions.retrieve(session.id).status == "expired"
    event = cards.client.v1.events.list({"type": "checkout.session.expired"}).data[0]
    assert event.created == session.expires_at


@pytest.mark.parametrize("minutes", [29, 24 * 60 + 2])
def test_a_session_lives_between_half_an_hour_and_a_day(cards: Cards, minutes: int):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        cards.open(expires_at=cards.twins.now()["now"] + minutes * 60)
    assert refused.value.param == "expires_at"


def test_what_the_sdk_does_not_know_is_refused(cards: Cards):
    for odd, param in (
        ({"payment_method_types": ["card"]}, "payment_method_types"),
        ({"payment_intent_data": {"metadatas": {}, "colour": "blue"}}, "payment_intent_data[colour]"),
    ):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            cards.open(**odd)
        assert (refused.value.code, refused.value.param, refused.value.http_status) == ("parameter_unknown", param, 400)
    with pytest.raises(stripe.InvalidRequestError, match="must be one of"):
        cards.open(locale="klingon")
    with pytest.raises(stripe.InvalidRequestError, match="Invalid integer"):
        cards.open(expires_at="tomorrow")
    with pytest.raises(stripe.InvalidRequestError) as refused:
        cards.open(49)
    assert refused.value.code == "amount_too_small"


def test_an_unknown_id_is_missing_and_a_wrong_key_is_nobody(cards: Cards):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        cards.client.v1.charges.retrieve("ch_nothing")
    assert (refused.value.code, refused.value.http_status) == ("resource_missing", 404)
    stranger = stripe.StripeClient("sk_test_other", base_addresses={"api": cards.twins.url})
    with pytest.raises(stripe.AuthenticationError):
        stranger.v1.charges.list()


def test_a_payment_intent_made_by_checkout_is_not_cancelled_directly(cards: Cards):
    session = cards.open()
    cards.twins.pay(session.id, "declined")
    intent = cards.client.v1.checkout.sessions.retrieve(session.id).payment_intent
    with pytest.raises(stripe.InvalidRequestError, match="expire the Checkout Session"):
        cards.client.v1.payment_intents.cancel(intent)


def test_refunds_in_part_never_exceed_what_was_paid(cards: Cards):
    intent = cards.paid(10_000)

    first = cards.client.v1.refunds.create(
        {"payment_intent": intent.id, "amount": 4_000, "metadata": {"refund_id": "1"}}
    )
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded amount"):
        cards.client.v1.refunds.create({"charge": intent.latest_charge.id, "amount": 6_001})
    cards.client.v1.refunds.create({"charge": intent.latest_charge.id})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        cards.client.v1.refunds.create({"payment_intent": intent.id})

    charge = cards.client.v1.charges.retrieve(intent.latest_charge.id, {"expand": ["refunds"]})
    assert (first.status, first.charge) == ("succeeded", charge.id)
    assert (charge.amount_refunded, charge.refunded, len(charge.refunds.data)) == (10_000, True, 2)
    assert refused.value.code == "charge_already_refunded"
    assert cards.event_types().count("charge.refunded") == 2


def test_a_refund_may_fail_later_and_counts_no_longer(cards: Cards):
    intent = cards.paid(10_000, "refund_fails")
    refund = cards.client.v1.refunds.create({"payment_intent": intent.id})
    assert refund.status == "succeeded"

    cards.twins.advance(1)

    refund = cards.client.v1.refunds.retrieve(refund.id)
    charge = cards.client.v1.charges.retrieve(intent.latest_charge.id)
    assert (refund.status, refund.failure_reason) == ("failed", "expired_or_canceled_card")
    assert (charge.amount_refunded, charge.refunded) == (0, False)
    assert "refund.failed" in cards.event_types()


def test_a_refund_may_succeed_later(cards: Cards):
    intent = cards.paid(card="refund_later")
    refund = cards.client.v1.refunds.create({"payment_intent": intent.id})
    assert refund.status == "pending"
    cards.twins.advance(1)
    assert cards.client.v1.refunds.retrieve(refund.id).status == "succeeded"
    assert "refund.updated" in cards.event_types()


def test_the_chargeback_card_is_charged_back_the_next_day(cards: Cards):
    intent = cards.paid(10_000, "chargeback")

    cards.twins.advance(1)

    dispute = cards.client.v1.disputes.list({"payment_intent": intent.id}).data[0]
    assert (dispute.status, dispute.amount, dispute.reason) == ("needs_response", 10_000, "fraudulent")
    assert [line.net for line in dispute.balance_transactions] == [-12_000]
    assert cards.client.v1.charges.retrieve(intent.latest_charge.id).disputed
    assert cards.event_types()[-2:] == ["charge.dispute.created", "charge.dispute.funds_withdrawn"]
    with pytest.raises(stripe.InvalidRequestError) as refused:
        cards.client.v1.refunds.create({"payment_intent": intent.id})
    assert refused.value.code == "charge_disputed"


def test_a_chargeback_is_won_with_winning_evidence_and_lost_without_an_answer(cards: Cards):
    won, lost = cards.paid(card="chargeback"), cards.paid(card="chargeback")
    cards.twins.advance(1)
    of_won = cards.client.v1.disputes.list({"payment_intent": won.id}).data[0]
    of_lost = cards.client.v1.disputes.list({"payment_intent": lost.id}).data[0]

    answered = cards.client.v1.disputes.update(of_won.id, {"evidence": {"uncategorized_text": "winning_evidence"}})
    assert answered.status == "under_review"
    cards.twins.advance(12)

    of_won, of_lost = cards.client.v1.disputes.retrieve(of_won.id), cards.client.v1.disputes.retrieve(of_lost.id)
    assert (of_won.status, of_lost.status) == ("won", "lost")
    assert sum(line.amount for line in of_won.balance_transactions) == 0
    assert cards.event_types().count("charge.dispute.funds_reinstated") == 1
    assert cards.event_types().count("charge.dispute.closed") == 2


def test_any_charge_can_be_charged_back_on_command(cards: Cards):
    intent = cards.paid(5_000)
    cards.twins.fault("chargeback", object=intent.latest_charge.id)
    dispute = cards.client.v1.disputes.list({"charge": intent.latest_charge.id}).data[0]
    cards.twins.fault("dispute_won", object=dispute.id)
    assert cards.client.v1.disputes.retrieve(dispute.id).status == "won"


def test_every_cent_of_a_payout_is_explained_by_its_balance_transactions(cards: Cards):
    first, _ = cards.paid(10_000), cards.paid(20_000)
    cards.client.v1.refunds.create({"payment_intent": first.id, "amount": 2_500})

    cards.twins.advance(2)
    assert cards.client.v1.payouts.list().data == []
    cards.twins.advance(2)

    payout = cards.client.v1.payouts.list().data[0]
    lines = cards.client.v1.balance_transactions.list({"payout": payout.id, "limit": 100}).data
    assert payout.status == "paid"
    assert payout.amount == 10_000 - 175 + 20_000 - 325 - 2_500
    assert sum(line.net for line in lines if line.type != "payout") == payout.amount
    assert sum(line.net for line in lines) == 0
    assert cards.event_types()[-1] == "payout.paid"
    balance = cards.client.v1.balance.retrieve()
    assert balance.available[0].amount + balance.pending[0].amount == 0


def test_lists_are_paged_both_ways(cards: Cards):
    made = [cards.open().id for _ in range(5)]
    sessions = cards.client.v1.checkout.sessions

    first = sessions.list({"limit": 2})
    second = sessions.list({"limit": 2, "starting_after": first.data[-1].id})
    back = sessions.list({"limit": 2, "ending_before": second.data[0].id})

    assert [session.id for session in first.data] == made[:2:-1]
    assert [session.id for session in second.data] == [made[2], made[1]]
    assert [session.id for session in back.data] == [session.id for session in first.data]
    assert (first.has_more, sessions.list({"limit": 5}).has_more) == (True, False)
    assert [session.id for session in sessions.list({"limit": 2}).auto_paging_iter()] == made[::-1]


def test_events_are_found_by_type_by_time_and_by_delivery(cards: Cards, sink):
    sink.answer = lambda _path: 500
    cards.paid()
    cards.twins.flush()
    events = cards.client.v1.events

    assert len(events.list({"types": ["charge.succeeded", "payment_intent.succeeded"]}).data) == 2
    assert len(events.list({"type": "charge.*"}).data) == 1
    assert events.list({"created": {"gt": cards.twins.now()["now"]}}).data == []
    assert len(events.list({"delivery_success": False}).data) == 4
    sink.answer = lambda _path: 200
    cards.twins.flush()
    assert events.list({"delivery_success": False}).data == []
    assert len(events.list({"delivery_success": True}).data) == 4


def test_customers_are_kept(cards: Cards):
    customer = cards.client.v1.customers.create(
        {"email": "dora@example.com", "name": "Dora", "metadata": {"debtor": "d1"}}
    )
    cards.client.v1.customers.update(customer.id, {"metadata": {"debtor": "", "tier": "1"}})
    found = cards.client.v1.customers.list({"email": "dora@example.com"}).data[0]
    assert (found.id, found.metadata.to_dict()) == (customer.id, {"tier": "1"})
    assert cards.open(customer=customer.id).customer == customer.id
    with pytest.raises(stripe.InvalidRequestError, match="No such customer"):
        cards.open(customer="cus_nobody")


def test_expansion_refuses_what_cannot_be_expanded(cards: Cards):
    with pytest.raises(stripe.InvalidRequestError, match="cannot be expanded"):
        cards.client.v1.checkout.sessions.retrieve(cards.open().id, {"expand": ["flavour"]})
    sessions = stripe_client(cards.twins).v1.checkout.sessions.list(
        {"expand": ["data.line_items", "data.payment_intent"]}
    )
    assert sessions.data[0].line_items.data[0].quantity == 1
