"""The twins' answers against what the providers publish: the SDKs' own types, and their example objects."""

from __future__ import annotations

import json
import types
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, ForwardRef, Literal, Union, get_args, get_origin

import gocardless_pro.resources
import pytest
import stripe
from stripe._list_object import ListObject
from stripe._stripe_object import StripeObject, UntypedStripeObject

from payments.twins.gocardless_twin.billing import FLOW_FLAGS
from tests.payments.twins.conftest import Cards, Debits

# Stripe ---------------------------------------------------------------------------------------------------------------

STRIPE_KINDS = {
    "customer": stripe.Customer,
    "checkout.session": stripe.checkout.Session,
    "payment_intent": stripe.PaymentIntent,
    "payment_method": stripe.PaymentMethod,
    "charge": stripe.Charge,
    "refund": stripe.Refund,
    "dispute": stripe.Dispute,
    "event": stripe.Event,
    "balance_transaction": stripe.BalanceTransaction,
    "payout": stripe.Payout,
}
EXPANDABLE_ONLY = {"charge": {"refunds"}}
"""In the examples because they were expanded there."""


def _resolve(hint: Any) -> Any:
    if isinstance(hint, ForwardRef | str):
        name = hint if isinstance(hint, str) else hint.__forward_arg__
        name = name.removesuffix("Resource")
        return getattr(stripe, name, None) or getattr(stripe.test_helpers, name)
    return hint


def faults_in(value: Any, hint: Any, at: str) -> list[str]:
    """Where a JSON value departs from one of the SDK's annotations; enumerations are meant strictly."""
    hint = _resolve(hint)
    origin, parts = get_origin(hint), get_args(hint)
    if hint is Any or origin is ClassVar:
        return []
    if origin in {Union, types.UnionType}:
        return _in_union(value, parts, at)
    if origin is Literal:
        return [] if value in parts else [f"{at}: {value!r} is none of {parts}"]
    if origin in {list, ListObject}:
        many = value if origin is list else value["data"]
        return [fault for one in many for fault in faults_in(one, parts[0], f"{at}[]")]
    if (origin or hint) in {UntypedStripeObject, dict}:
        return [] if isinstance(value, dict) else [f"{at}: no object"]
    if isinstance(hint, type) and issubclass(hint, StripeObject):
        return _in_object(value, hint, at)
    # A decimal travels as text; the SDK makes a Decimal of it.
    right = isinstance(value, hint | str if hint is Decimal else hint) and not (hint is int and isinstance(value, bool))
    return [] if right else [f"{at}: {value!r} is no {hint.__name__}"]


def _in_union(value: Any, parts: tuple[Any, ...], at: str) -> list[str]:
    if value is None:
        return [] if type(None) in parts else [f"{at}: null"]
    words = [part for part in parts if get_origin(part) is Literal]
    if words:
        return faults_in(value, words[0], at)
    if isinstance(value, str) and str in parts:
        return []
    if isinstance(value, dict) and value.get("object") in STRIPE_KINDS:
        names = {getattr(part, "__forward_arg__", "").removesuffix("Resource") for part in parts}
        kind = STRIPE_KINDS[value["object"]]
        return _in_object(value, kind, at) if kind.__name__ in names else [f"{at}: a {kind.__name__} has no place here"]
    found = [faults_in(value, part, at) for part in parts if part is not type(None)]
    return min(found, key=len)


def _in_object(value: Any, kind: type, at: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{at}: {value!r} is no object"]
    hints = {
        name: hint for base in reversed(kind.__mro__) for name, hint in vars(base).get("__annotations__", {}).items()
    }
    hints = {
        name: hint for name, hint in hints.items() if not name.startswith("_") and get_origin(hint) is not ClassVar
    }
    found = [f"{at}.{name}: not a field of {kind.__name__}" for name in value if name not in hints]
    for name, hint in hints.items():
        may_be_absent = type(None) in get_args(hint)
        if name in value:
            found += faults_in(value[name], hint, f"{at}.{name}")
        elif not may_be_absent:
            found.append(f"{at}.{name}: missing")
    return found


def _a_life_at_stripe(cards: Cards) -> None:
    """Something of everything."""
    customer = cards.client.v1.customers.create(
        {"email": "d@example.com", "name": "Dora", "address": {"city": "Rennes", "country": "FR"}}
    )
    cards.open(customer=customer.id)
    for card in ("success", "mastercard", "chargeback", "inquiry", "refund_fails", "refund_later"):
        intent = cards.paid(card=card)
        if card != "chargeback":
            cards.client.v1.refunds.create(
                {"payment_intent": intent.id, "amount": 100, "reason": "requested_by_customer"}
            )
    for card, challenge in (("declined", None), ("insufficient", None), ("expired", None), ("challenge", "fail")):
        session = cards.open(customer_email="d@example.com", custom_text={"submit": {"message": "Merci"}})
        cards.twins.pay(session.id, card, **({"challenge": challenge} if challenge else {}))
        cards.client.v1.checkout.sessions.expire(session.id)
    cards.twins.pay(cards.open().id, "challenge")
    cards.twins.pay(cards.open().id, "challenge", challenge="leave")
    cards.twins.advance(1)
    dispute = cards.client.v1.disputes.list().data[-1]
    cards.client.v1.disputes.update(dispute.id, {"evidence": {"uncategorized_text": "winning_evidence"}})
    cards.twins.advance(15)


def test_every_stripe_object_is_what_the_sdk_says(cards: Cards):
    _a_life_at_stripe(cards)
    found: list[str] = []
    for kind, cls in STRIPE_KINDS.items():
        objects = cards.twins.objects("stripe", kind)
        assert objects, kind
        for one in objects:
            found += faults_in(one, cls, kind)
    for event in cards.twins.objects("stripe", "event"):
        subject = event["data"]["object"]
        found += faults_in(subject, STRIPE_KINDS[subject["object"]], f"event.{event['type']}")
    assert sorted(set(found)) == []


def test_expanded_and_listed_answers_are_what_the_sdk_says(cards: Cards):
    _a_life_at_stripe(cards)
    paths = ["data.payment_intent.latest_charge.balance_transaction", "data.line_items"]
    sessions = cards.client.v1.checkout.sessions.list({"limit": 100, "expand": paths})
    found = [fault for one in sessions.data for fault in faults_in(one.to_dict(), stripe.checkout.Session, "session")]
    charges = cards.client.v1.charges.list({"limit": 100, "expand": ["data.refunds", "data.payment_intent"]})
    found += [fault for one in charges.data for fault in faults_in(one.to_dict(), stripe.Charge, "charge")]
    found += faults_in(cards.client.v1.balance.retrieve().to_dict(), stripe.Balance, "balance")
    assert sorted(set(found)) == []


@cache
def _stripe_examples(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "stripe" / "fixtures3.json").read_text())["resources"])


@pytest.mark.real_files
def test_stripe_objects_have_every_field_of_stripes_examples(cards: Cards, real_files: Path):
    _a_life_at_stripe(cards)
    for kind in STRIPE_KINDS:
        example = _stripe_examples(real_files)[kind]
        for one in cards.twins.objects("stripe", kind):
            assert set(example) - EXPANDABLE_ONLY.get(kind, set()) - set(one) == set(), kind
            assert _other_types(one, example, kind) == []


def _other_types(ours: Any, example: Any, at: str) -> list[str]:
    """Where both have a value of another JSON type."""
    if ours is None or example is None:
        return []
    if isinstance(ours, dict) and isinstance(example, dict):
        return [
            fault
            for name in ours
            if name in example
            for fault in _other_types(ours[name], example[name], f"{at}.{name}")
        ]
    if isinstance(ours, list) and isinstance(example, list):
        return [fault for one in ours for fault in _other_types(one, example[0], at)] if example else []
    return [] if type(ours) is type(example) else [f"{at}: {ours!r} where the example has {example!r}"]


# GoCardless -----------------------------------------------------------------------------------------------------------

GOCARDLESS_KINDS = {
    "billing_requests": "BillingRequest",
    "billing_request_flows": "BillingRequestFlow",
    "creditors": "Creditor",
    "customer_bank_accounts": "CustomerBankAccount",
    "customers": "Customer",
    "events": "Event",
    "mandates": "Mandate",
    "payments": "Payment",
    "payouts": "Payout",
    "refunds": "Refund",
}
STATUSES = {
    "payments": {
        "pending_customer_approval",
        "pending_submission",
        "submitted",
        "confirmed",
        "paid_out",
        "cancelled",
        "customer_approval_denied",
        "failed",
        "charged_back",
    },
    "mandates": {
        "pending_customer_approval",
        "pending_submission",
        "submitted",
        "active",
        "suspended_by_payer",
        "failed",
        "cancelled",
        "expired",
        "consumed",
        "blocked",
    },
    "refunds": {"created", "pending_submission", "submitted", "paid", "cancelled", "bounced", "funds_returned"},
    "payouts": {"pending", "paid", "bounced"},
    "billing_requests": {"pending", "ready_to_fulfil", "fulfilling", "fulfilled", "cancelled"},
}


def _a_life_at_gocardless(debits: Debits) -> None:
    """Something of everything."""
    for iban in ("success", "insufficient_funds", "account_closed", "refunded_by_bank", "late_failure_after_payout"):
        payment = debits.pay(debits.mandate(iban), 20_000, description="F-1", reference="F-1")
        if iban == "success":
            good = payment
    debits.flow(lock_bank_account=True, skip_success_screen=True)
    debits.client.payments.cancel(debits.pay(debits.mandate()).id)
    debits.twins.advance(bank_days=6)
    debits.client.refunds.create(
        params={"amount": 500, "total_amount_confirmation": 500, "links": {"payment": good.id}}
    )
    debits.pay(debits.mandate(), 90_000)
    debits.twins.advance(bank_days=10)


def test_every_gocardless_object_has_the_fields_of_the_sdk_and_no_other(debits: Debits):
    _a_life_at_gocardless(debits)
    for kind, name in GOCARDLESS_KINDS.items():
        cls = getattr(gocardless_pro.resources, name)
        fields = {field for field, value in vars(cls).items() if isinstance(value, property)}
        objects = debits.twins.objects("gocardless", kind)
        assert objects, kind
        for one in objects:
            assert set(one) == fields, kind
            if kind in STATUSES:
                assert one["status"] in STATUSES[kind]
            for field, value in one.items():
                nested = getattr(cls, "".join(part.title() for part in field.split("_")), None)
                if isinstance(value, dict) and isinstance(nested, type):
                    known = {inner for inner, prop in vars(nested).items() if isinstance(prop, property)}
                    assert set(value) <= known, f"{kind}.{field}"


@cache
def _gocardless_example(folder: Path, kind: str) -> dict[str, Any]:
    answers = json.loads((folder / "gocardless" / f"{kind}.json").read_text())
    body = (answers.get("get") or answers.get("create") or answers["list"])["body"][kind]
    return dict(body[0] if isinstance(body, list) else body)


@pytest.mark.real_files
def test_gocardless_objects_have_every_field_of_gocardless_examples(debits: Debits, real_files: Path):
    _a_life_at_gocardless(debits)
    for kind in GOCARDLESS_KINDS:
        example = _gocardless_example(real_files, kind)
        for one in debits.twins.objects("gocardless", kind):
            assert set(one) == set(example), kind
            assert set(one.get("links") or {}) <= set(example.get("links") or {}), kind
            assert _other_types(one, example, kind) == []


@pytest.mark.real_files
def test_payout_items_and_list_envelopes_have_the_published_shape(debits: Debits, real_files: Path):
    _a_life_at_gocardless(debits)
    example = json.loads((real_files / "gocardless" / "payout_items.json").read_text())["list"]["body"]
    payout = debits.client.payouts.list().records[0]
    answer = debits.client.payout_items.list(params={"payout": payout.id})
    body = answer.api_response.body
    assert set(body) == {"payout_items", "meta"}
    assert set(body["meta"]) == {"cursors", "limit"}
    assert set(body["meta"]["cursors"]) == {"before", "after"}
    for item in body["payout_items"]:
        assert set(item) == set(example["payout_items"][0])
        assert _other_types(item, example["payout_items"][0], "item") == []


@pytest.mark.real_files
def test_gocardless_errors_have_the_published_shape(debits: Debits, real_files: Path):
    from gocardless_pro import errors

    mandate = debits.mandate()
    debits.pay(mandate, key="k")
    provoked = {
        "idempotent_creation_conflict_error": lambda: debits.pay(mandate, key="k"),
        "validation_failed_error": lambda: debits.pay(mandate, 0),
        "invalid_state_error": lambda: debits.client.mandates.reinstate(mandate),
    }
    for name, provoke in provoked.items():
        example = json.loads((real_files / "gocardless" / f"{name}.json").read_text())["error"]
        with pytest.raises(errors.ApiError) as refused:
            provoke()
        ours = refused.value.error
        assert set(ours) == set(example)
        assert (ours["code"], ours["type"]) == (example["code"], example["type"])
        assert set(ours["errors"][0]) == set(example["errors"][0])


@pytest.mark.real_files
def test_webhook_events_have_every_field_of_the_published_body(debits: Debits, real_files: Path):
    debits.pay(debits.mandate())
    example = json.loads((real_files / "gocardless" / "webhook_body.json").read_text())["events"][0]
    for event in debits.twins.objects("gocardless", "events"):
        assert set(example) <= set(event)
        assert set(example["details"]) <= set(event["details"])
        assert _other_types(event, example, "event") == []


def test_every_flow_flag_is_a_field_of_the_sdk():
    cls = gocardless_pro.resources.BillingRequestFlow
    assert all(isinstance(vars(cls).get(flag), property) for flag in FLOW_FLAGS)
