"""Requests as GoCardless reads them. Its SDK publishes no types; these lists follow its API reference.

The twin is stricter than the original: an unknown field is refused, so that what passes here is known to the real API.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from payments.twins.gocardless_twin import customers
from payments.twins.gocardless_twin.errors import GoCardlessRefusal
from payments.twins.store import Json

_ADDRESS = ("address_line1", "address_line2", "address_line3", "city", "country_code", "postal_code", "region")
CREATE: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "creditors": ((*_ADDRESS, "name", "creditor_type", "bank_reference_prefix", "links"), ("name",)),
    "customers": ((*customers.CUSTOMER_FIELDS, "metadata"), ()),
    "customer_bank_accounts": (
        (
            "account_holder_name",
            "account_number",
            "account_type",
            "bank_code",
            "branch_code",
            "country_code",
            "currency",
            "iban",
            "metadata",
            "links",
        ),
        ("account_holder_name", "links.customer"),
    ),
    "billing_requests": (
        ("fallback_enabled", "links", "mandate_request", "metadata", "payment_request", "purpose_code"),
        (),
    ),
    "billing_request_flows": (
        (
            "auto_fulfil",
            "customer_details_captured",
            "exit_uri",
            "language",
            "links",
            "lock_bank_account",
            "lock_currency",
            "lock_customer_details",
            "prefilled_bank_account",
            "prefilled_customer",
            "redirect_uri",
            "show_redirect_buttons",
            "show_success_redirect_button",
            "skip_success_screen",
        ),
        ("links.billing_request",),
    ),
    "payments": (
        (
            "amount",
            "app_fee",
            "charge_date",
            "currency",
            "description",
            "faster_ach",
            "links",
            "metadata",
            "psu_interaction_type",
            "reference",
            "retry_if_possible",
        ),
        ("amount", "currency", "links.mandate"),
    ),
    "refunds": (
        ("amount", "links", "metadata", "reference", "total_amount_confirmation"),
        ("amount", "links.payment"),
    ),
    "mandate_pdfs": (("links", "scheme", "iban", "language", "signature_date"), ("links.mandate",)),
}
UPDATE: dict[str, tuple[str, ...]] = {
    "customers": (*customers.CUSTOMER_FIELDS, "metadata"),
    "customer_bank_accounts": ("metadata",),
    "mandates": ("metadata",),
    "payments": ("metadata", "retry_if_possible"),
    "refunds": ("metadata",),
    "payouts": ("metadata",),
}
FILTERS: dict[str, dict[str, str]] = {
    "creditors": {},
    "customers": {},
    "customer_bank_accounts": {"customer": "$.links.customer", "enabled": "$.enabled"},
    "billing_requests": {"customer": "$.links.customer", "status": "$.status"},
    "mandates": {
        "creditor": "$.links.creditor",
        "customer": "$.links.customer",
        "customer_bank_account": "$.links.customer_bank_account",
        "reference": "$.reference",
        "scheme": "$.scheme",
        "status": "$.status",
        "mandate_type": "$.mandate_type",
    },
    "payments": {
        "creditor": "$.links.creditor",
        "currency": "$.currency",
        "mandate": "$.links.mandate",
        "status": "$.status",
        "scheme": "$.scheme",
    },
    "refunds": {"mandate": "$.links.mandate", "payment": "$.links.payment"},
    "payouts": {
        "creditor": "$.links.creditor",
        "currency": "$.currency",
        "payout_type": "$.payout_type",
        "reference": "$.reference",
        "status": "$.status",
    },
    "events": {
        "action": "$.action",
        "resource_type": "$.resource_type",
        "billing_request": "$.links.billing_request",
        "mandate": "$.links.mandate",
        "payment": "$.links.payment",
        "payout": "$.links.payout",
        "refund": "$.links.refund",
        "parent_event": "$.links.parent_event",
    },
}
RANGES: dict[str, tuple[str, ...]] = {
    "payments": ("created_at", "charge_date"),
}
SORTABLE = ("payments",)
_COMPARE = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


def check(resource: str, given: Any, allowed: Iterable[str], required: Iterable[str] = ()) -> Json:
    """A request's fields, or a refusal naming each fault."""
    if not isinstance(given, dict):
        raise GoCardlessRefusal.usage("Root element must be an object.", "invalid_document_structure")
    unknown = [name for name in given if name not in set(allowed)]
    if unknown:
        raise GoCardlessRefusal.invalid(resource, **dict.fromkeys(unknown, "is not a recognised parameter"))
    for path in required:
        value: Any = given
        for step in path.split("."):
            value = value.get(step) if isinstance(value, dict) else None
        if value in (None, ""):
            raise GoCardlessRefusal.invalid(resource, **{path: "is required"})
    _check_numbers(resource, given)
    for name in ("metadata",):
        check_metadata(resource, given.get(name))
    return given


def _check_numbers(resource: str, given: Json) -> None:
    for name in ("amount", "total_amount_confirmation"):
        value = given.get(name)
        if value is None:
            continue
        if isinstance(value, str) and value.isdecimal():
            value = given[name] = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise GoCardlessRefusal.invalid(resource, **{name: "must be a number"})
        if value < 1:
            raise GoCardlessRefusal.invalid(resource, **{name: "must be greater than 0"})
    for name, most in (("description", 100), ("reference", 140)):
        if len(str(given.get(name) or "")) > most:
            raise GoCardlessRefusal.invalid(resource, **{name: f"is too long (maximum is {most} characters)"})


def check_metadata(resource: str, metadata: Any) -> None:
    """At most 3 keys of 50 characters with values of 500, all strings."""
    if metadata is None:
        return
    if not isinstance(metadata, dict):
        raise GoCardlessRefusal.invalid(resource, metadata="must be an object")
    if len(metadata) > 3:
        raise GoCardlessRefusal.invalid(resource, metadata="must have at most 3 keys")
    for key, value in metadata.items():
        if not isinstance(value, str):
            raise GoCardlessRefusal.invalid(resource, metadata="values must be strings")
        if len(key) > 50 or len(value) > 500:
            raise GoCardlessRefusal.invalid(resource, metadata="keys have at most 50 characters, values at most 500")


def filters(resource: str, query: dict[str, str]) -> dict[str, Any]:
    """A list's query string as conditions on JSON paths; unknown filters are refused."""
    where: dict[str, Any] = {}
    known = FILTERS[resource]
    for name, value in query.items():
        if name in {"after", "before", "limit", "include", "sort_field", "sort_direction"}:
            continue
        bare, _, bound = name.partition("[")
        if bound and bound.rstrip("]") in _COMPARE and bare in RANGES.get(resource, ("created_at",)):
            where.setdefault(f"$.{bare}", []).append((_COMPARE[bound.rstrip("]")], value))
        elif name in known:
            where[known[name]] = _wanted(name, value)
        else:
            raise GoCardlessRefusal.invalid(resource, **{name: "is not a recognised parameter"})
    return where


def _wanted(name: str, value: str) -> Any:
    if name == "enabled":
        return value == "true"
    return value.split(",") if name in {"status", "action"} else value
