"""Stripe's events: an event holds the object as it was at that moment."""

from __future__ import annotations

import copy
from typing import Any

from stripe._api_version import _ApiVersion

from payments.twins.store import Json, Transaction
from payments.twins.stripe_twin.ids import new_stripe_id

API_VERSION = _ApiVersion.CURRENT
"""The version the SDK pins; a webhook endpoint created beside it would have the same."""


def announce(transaction: Transaction, kind: str, subject: Json, previous: dict[str, Any] | None = None) -> Json:
    """Store an event about an object and let it leave when the transaction commits."""
    data: Json = {"object": copy.deepcopy(subject)}
    if previous is not None:
        data["previous_attributes"] = previous
    event = {
        "id": new_stripe_id("evt"),
        "object": "event",
        "api_version": API_VERSION,
        "created": transaction.at,
        "data": data,
        "livemode": False,
        "pending_webhooks": 1,
        "request": {
            "id": transaction.origin.get("id"),
            "idempotency_key": transaction.origin.get("idempotency_key"),
        },
        "type": kind,
    }
    transaction.add("stripe", "event", event)
    transaction.news.append(("stripe", event))
    return event
