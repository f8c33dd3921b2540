"""Billing requests for SEPA mandates, their actions, and the flows that lead a payer through the hosted page."""

from __future__ import annotations

from typing import Any

from payments.twins.clock import DAY, iso
from payments.twins.gocardless_twin import customers, mandates
from payments.twins.gocardless_twin.errors import GoCardlessRefusal
from payments.twins.gocardless_twin.events import announce
from payments.twins.store import Json, Transaction
from payments.twins.world import new_id

NEEDED_OF_CUSTOMER = ("email",)
NEEDED_OF_BILLING = ("address_line1", "city", "postal_code", "country_code")


def create(transaction: Transaction, params: Json) -> Json:
    """A request for one SEPA mandate."""
    wanted = params.get("mandate_request")
    if not wanted:
        raise GoCardlessRefusal.invalid("billing_requests", mandate_request="is required by the twin")
    if wanted.get("scheme", "sepa_core") != "sepa_core" or wanted.get("currency", "EUR") != "EUR":
        raise GoCardlessRefusal.invalid(
            "billing_requests", **{"mandate_request.scheme": "the twin speaks sepa_core only"}
        )
    links = params.get("links") or {}
    creditor_id = customers.creditor_for(transaction, links)
    customer_id = links.get("customer")
    if customer_id is None:
        customer_id = customers.create_customer(transaction, {})["id"]
    elif transaction.row("gocardless", customer_id, "customers") is None:
        raise GoCardlessRefusal.usage("Link not found: customer", "link_not_found", status=404)
    request: Json = {
        "id": new_id("BRQ"),
        "created_at": iso(transaction.at),
        "fallback_enabled": bool(params.get("fallback_enabled", False)),
        "fallback_occurred": False,
        "instalment_schedule_request": None,
        "links": {
            "creditor": creditor_id,
            "customer": customer_id,
            "customer_billing_detail": new_id("CBD"),
            "mandate_request": new_id("MRQ"),
            "organisation": "OR0000TWIN0001",
        },
        "mandate_request": {
            "authorisation_source": wanted.get("authorisation_source", "web"),
            "consent_type": None,
            "constraints": None,
            "currency": "EUR",
            "description": wanted.get("description"),
            "funds_settlement": "managed",
            "links": {},
            "metadata": wanted.get("metadata") or {},
            "payer_requested_dual_signature": False,
            "scheme": "sepa_core",
            "sweeping": False,
            "verify": wanted.get("verify", "recommended"),
        },
        "metadata": params.get("metadata") or {},
        "payment_context_code": None,
        "payment_purpose_code": None,
        "payment_request": None,
        "purpose_code": params.get("purpose_code"),
        "status": "pending",
        "subscription_request": None,
    }
    known = transaction.body("gocardless", customer_id)
    hidden: Json = {
        "reference": wanted.get("reference"),
        "billing": {name: known.get(name) for name in customers.BILLING_FIELDS},
        "confirmed": False,
    }
    transaction.add("gocardless", "billing_requests", request, hidden)
    _say(transaction, request, "created", "This billing request has been created.", origin="api")
    account_id = links.get("customer_bank_account")
    if account_id is not None:
        if transaction.row("gocardless", account_id, "customer_bank_accounts") is None:
            raise GoCardlessRefusal.usage("Link not found: customer_bank_account", "link_not_found", status=404)
        _link(transaction, request["id"], customer_bank_account=account_id)
    return show(transaction, transaction.body("gocardless", request["id"]))


def _say(transaction: Transaction, request: Json, action: str, description: str, *, origin: str, **links: str) -> None:
    announce(
        transaction,
        "billing_requests",
        action,
        request,
        cause=f"billing_request_{action}",
        description=description,
        origin=origin,
        links=links or None,
    )


def _link(transaction: Transaction, request_id: str, **links: str) -> Json:
    request = transaction.body("gocardless", request_id)
    return transaction.change("gocardless", request_id, links=request["links"] | links)


def _missing(look: Transaction, request: Json) -> dict[str, list[str]]:
    customer = look.body("gocardless", request["links"]["customer"])
    billing = look.hidden("gocardless", request["id"])["billing"]
    of_customer = [name for name in NEEDED_OF_CUSTOMER if not customer.get(name)]
    if not (customer.get("company_name") or (customer.get("given_name") and customer.get("family_name"))):
        of_customer.append("company_name" if customer.get("company_name") == "" else "given_name")
    return {
        "customer": of_customer,
        "customer_billing_detail": [name for name in NEEDED_OF_BILLING if not billing.get(name)],
    }


def _actions(look: Transaction, request: Json) -> list[Json]:
    missing = _missing(look, request)
    hidden = look.hidden("gocardless", request["id"])
    details = not any(missing.values())
    account = "customer_bank_account" in request["links"]

    def action(kind: str, *, done: bool, requires: list[str]) -> Json:
        return {
            "completes_actions": [],
            "required": True,
            "requires_actions": requires,
            "status": "completed" if done else "pending",
            "type": kind,
        }

    collect = action("collect_customer_details", done=details, requires=[])
    collect["collect_customer_details"] = {"default_country_code": "FR", "incomplete_fields": missing}
    return [
        collect,
        action("collect_bank_account", done=account, requires=["collect_customer_details"])
        | {"available_currencies": ["EUR"]},
        action(
            "confirm_payer_details",
            done=hidden["confirmed"],
            requires=["collect_customer_details", "collect_bank_account"],
        ),
    ]


def show(look: Transaction, request: Json) -> Json:
    """A billing request with its actions and resources as they stand."""
    customer = look.body("gocardless", request["links"]["customer"])
    person = [
        "id",
        "company_name",
        "created_at",
        "email",
        "family_name",
        "given_name",
        "language",
        "metadata",
        "phone_number",
    ]
    billing = look.hidden("gocardless", request["id"])["billing"]
    resources: Json = {
        "customer": {name: customer[name] for name in person},
        "customer_billing_detail": billing
        | {
            "created_at": request["created_at"],
            "id": request["links"]["customer_billing_detail"],
            "schemes": ["sepa_core"],
        },
    }
    account_id = request["links"].get("customer_bank_account")
    if account_id:
        account = look.body("gocardless", account_id)
        resources["customer_bank_account"] = {n: v for n, v in account.items() if n != "trusted_recipient"}
    return request | {"actions": _actions(look, request), "resources": resources}


def _open(transaction: Transaction, request_id: str) -> Json:
    row = transaction.row("gocardless", request_id, "billing_requests")
    if row is None:
        raise GoCardlessRefusal.not_found()
    if row.body["status"] not in {"pending", "ready_to_fulfil"}:
        raise GoCardlessRefusal.state(
            f"This billing request is {row.body['status']}; nothing more can be done to it",
            "billing_request_action_not_allowed",
        )
    return row.body


def _done(transaction: Transaction, request_id: str, action: str) -> Json:
    request = transaction.body("gocardless", request_id)
    complete = all(one["status"] == "completed" for one in _actions(transaction, request))
    request = transaction.change("gocardless", request_id, status="ready_to_fulfil" if complete else "pending")
    event = "payer_details_confirmed" if action == "confirm_payer_details" else action
    _say(transaction, request, event, f"The action {action} is complete.", origin="payer")
    return show(transaction, request)


def collect_customer_details(transaction: Transaction, request_id: str, params: Json) -> Json:
    """Name, address and mail of the payer."""
    request = _open(transaction, request_id)
    given = {name: value for name, value in (params.get("customer") or {}).items() if value}
    billing = {name: value for name, value in (params.get("customer_billing_detail") or {}).items() if value}
    transaction.change("gocardless", request["links"]["customer"], **given, **_without(billing, "ip_address"))
    known = transaction.hidden("gocardless", request_id)["billing"]
    transaction.note("gocardless", request_id, billing=known | billing, confirmed=False)
    return _done(transaction, request_id, "collect_customer_details")


def _without(mapping: Json, *names: str) -> Json:
    return {name: value for name, value in mapping.items() if name not in names}


def collect_bank_account(transaction: Transaction, request_id: str, params: Json) -> Json:
    """The payer's IBAN."""
    request = _open(transaction, request_id)
    customer_id = request["links"]["customer"]
    holder = params.get("account_holder_name") or holder_name(transaction.body("gocardless", customer_id))
    try:
        account = customers.create_bank_account(
            transaction,
            {
                "iban": params.get("iban"),
                "account_holder_name": holder,
                "metadata": params.get("metadata"),
                "links": {"customer": customer_id},
            },
        )["id"]
    except GoCardlessRefusal as refusal:
        if refusal.status != 409:
            raise
        account = str(refusal.errors[0]["links"]["customer_bank_account"])
    _link(transaction, request_id, customer_bank_account=account)
    transaction.note("gocardless", request_id, confirmed=False)
    return _done(transaction, request_id, "collect_bank_account")


def holder_name(customer: Json) -> str:
    person = f"{customer.get('given_name') or ''} {customer.get('family_name') or ''}".strip()
    return customer.get("company_name") or person or "Titulaire"


def confirm_payer_details(transaction: Transaction, request_id: str, _params: Json) -> Json:
    """The payer has read everything and agrees."""
    request = _open(transaction, request_id)
    for one in _actions(transaction, request)[:2]:
        if one["status"] != "completed":
            raise GoCardlessRefusal.state(
                f"{one['type']} must be completed first", "billing_request_action_requirements_not_met"
            )
    transaction.note("gocardless", request_id, confirmed=True)
    return _done(transaction, request_id, "confirm_payer_details")


def fulfil(transaction: Transaction, request_id: str, params: Json) -> Json:
    """Make the mandate."""
    request = _open(transaction, request_id)
    if request["status"] != "ready_to_fulfil":
        raise GoCardlessRefusal.state(
            "The billing request is not ready to fulfil", "billing_request_not_ready_to_fulfil"
        )
    if params.get("metadata"):
        transaction.change("gocardless", request_id, metadata=request["metadata"] | params["metadata"])
    mandate = mandates.create(
        transaction,
        bank_account=transaction.body("gocardless", request["links"]["customer_bank_account"]),
        creditor_id=request["links"]["creditor"],
        metadata=request["mandate_request"]["metadata"],
        reference=transaction.hidden("gocardless", request_id)["reference"],
        source=request["mandate_request"]["authorisation_source"],
        origin="customer",
    )
    _link(transaction, request_id, mandate_request_mandate=mandate["id"])
    request = transaction.change(
        "gocardless",
        request_id,
        mandate_request=request["mandate_request"] | {"links": {"mandate": mandate["id"]}},
        status="fulfilled",
    )
    _say(
        transaction,
        request,
        "fulfilled",
        "This billing request has been fulfilled, and the resources have been created.",
        origin="payer",
        mandate_request_mandate=mandate["id"],
    )
    return show(transaction, request)


def cancel(transaction: Transaction, request_id: str, _params: Json) -> Json:
    """Nobody shall complete it any more."""
    _open(transaction, request_id)
    request = transaction.change("gocardless", request_id, status="cancelled")
    _say(transaction, request, "cancelled", "This billing request was cancelled.", origin="api")
    return show(transaction, request)


FLOW_FLAGS = {
    "auto_fulfil": True,
    "customer_details_captured": False,
    "lock_bank_account": False,
    "lock_currency": False,
    "lock_customer_details": False,
    "show_redirect_buttons": False,
    "show_success_redirect_button": False,
    "skip_success_screen": False,
}
FLOW_DAYS = 7


def create_flow(transaction: Transaction, params: Json, public_url: str) -> Json:
    """A link to the hosted page, good for seven days."""
    _open(transaction, params["links"]["billing_request"])
    id_ = new_id("BRF")
    prefilled: dict[str, Any] = params.get("prefilled_customer") or {}
    names = [name for name in customers.CUSTOMER_FIELDS if name not in {"language", "phone_number"}]
    flow: Json = {name: params.get(name, default) for name, default in FLOW_FLAGS.items()}
    flow |= {
        "id": id_,
        "authorisation_url": f"{public_url}/billing/{id_}",
        "created_at": iso(transaction.at),
        "exit_uri": params.get("exit_uri"),
        "expires_at": iso(transaction.at + FLOW_DAYS * DAY),
        "language": params.get("language"),
        "links": {"billing_request": params["links"]["billing_request"]},
        "prefilled_bank_account": params.get("prefilled_bank_account") or {"account_type": None},
        "prefilled_customer": {name: prefilled.get(name) for name in names},
        "redirect_uri": params.get("redirect_uri"),
        "session_token": None,
    }
    _say(
        transaction,
        transaction.body("gocardless", params["links"]["billing_request"]),
        "flow_created",
        "A billing request flow has been created against this billing request.",
        origin="api",
        billing_request_flow=id_,
    )
    return transaction.add("gocardless", "billing_request_flows", flow)
