"""GoCardless's events: what happened to which resource, why, and on whose initiative."""

from __future__ import annotations

from payments.twins.clock import iso
from payments.twins.store import Json, Transaction
from payments.twins.world import new_id

SINGULAR = {
    "payments": "payment",
    "mandates": "mandate",
    "refunds": "refund",
    "payouts": "payout",
    "billing_requests": "billing_request",
    "creditors": "creditor",
    "customers": "customer",
}


def announce(
    transaction: Transaction,
    resource_type: str,
    action: str,
    subject: Json,
    *,
    cause: str,
    description: str,
    origin: str = "gocardless",
    reason_code: str | None = None,
    will_attempt_retry: bool | None = None,
    scheme: str | None = None,
    links: dict[str, str] | None = None,
) -> Json:
    """Store an event about a resource and let it leave when the transaction commits."""
    details: Json = {"cause": cause, "description": description, "origin": origin}
    if origin == "bank":
        details["scheme"] = scheme or "sepa_core"
    if reason_code is not None:
        details["reason_code"] = reason_code
    if will_attempt_retry is not None:
        details["will_attempt_retry"] = will_attempt_retry
    event: Json = {
        "id": new_id("EV"),
        "created_at": iso(transaction.at),
        "resource_type": resource_type,
        "action": action,
        "customer_notifications": [],
        "details": details,
        "links": {SINGULAR[resource_type]: subject["id"]} | (links or {}),
        "metadata": {},
        "resource_metadata": subject.get("metadata") or {},
        "source": {"name": "Guichet", "type": "app"} if origin == "api" else {"name": "GoCardless", "type": "gc_team"},
    }
    transaction.add("gocardless", "events", event)
    transaction.news.append(("gocardless", event))
    return event
