"""Creditors, customers and their bank accounts."""

from __future__ import annotations

from payments.twins.clock import iso
from payments.twins.gocardless_twin.banks import read_iban
from payments.twins.gocardless_twin.errors import GoCardlessRefusal
from payments.twins.store import Json, Transaction
from payments.twins.world import new_id

CUSTOMER_FIELDS = [
    "address_line1",
    "address_line2",
    "address_line3",
    "city",
    "company_name",
    "country_code",
    "danish_identity_number",
    "email",
    "family_name",
    "given_name",
    "language",
    "phone_number",
    "postal_code",
    "region",
    "swedish_identity_number",
]
BILLING_FIELDS = [
    "address_line1",
    "address_line2",
    "address_line3",
    "city",
    "country_code",
    "danish_identity_number",
    "ip_address",
    "postal_code",
    "region",
    "swedish_identity_number",
]


def create_creditor(transaction: Transaction, params: Json) -> Json:
    """A creditor with a SEPA identifier of its own."""
    address = {name: params.get(name) for name in ("address_line1", "address_line2", "address_line3", "city", "region")}
    creditor = address | {
        "id": new_id("CR"),
        "bank_reference_prefix": "GUICHET",
        "can_create_refunds": True,
        "country_code": params.get("country_code", "FR"),
        "created_at": iso(transaction.at),
        "creditor_type": params.get("creditor_type", "company"),
        "custom_payment_pages_enabled": True,
        "fx_payout_currency": "EUR",
        "links": {"default_eur_payout_account": "BA0000TWIN0001"},
        "logo_url": None,
        "mandate_imports_enabled": False,
        "merchant_responsible_for_notifications": True,
        "name": params["name"],
        "postal_code": params.get("postal_code"),
        "scheme_identifiers": [_scheme_identifier(transaction, params)],
        "verification_status": "successful",
    }
    return transaction.add("gocardless", "creditors", creditor)


def _scheme_identifier(transaction: Transaction, params: Json) -> Json:
    return {
        "id": new_id("SU"),
        "address_line1": params.get("address_line1"),
        "address_line2": None,
        "address_line3": None,
        "can_specify_mandate_reference": True,
        "city": params.get("city"),
        "country_code": "FR",
        "created_at": iso(transaction.at),
        "currency": "EUR",
        "email": None,
        "minimum_advance_notice": 1,
        "name": params["name"],
        "phone_number": None,
        "postal_code": params.get("postal_code"),
        "reference": params.get("scheme_reference", "FR37ZZZ123456"),
        "region": None,
        "scheme": "sepa",
        "status": "active",
    }


def default_creditor(transaction: Transaction) -> Json:
    """The first creditor; there always is one."""
    return transaction.find("gocardless", "creditors", oldest_first=True, limit=1)[0].body


def creditor_for(transaction: Transaction, links: Json) -> str:
    """The creditor that a request names, or the only one."""
    wanted = links.get("creditor")
    if wanted is None:
        return str(default_creditor(transaction)["id"])
    if transaction.row("gocardless", wanted, "creditors") is None:
        raise GoCardlessRefusal.usage("Link not found: creditor", "link_not_found", status=404)
    return str(wanted)


def create_customer(transaction: Transaction, params: Json) -> Json:
    """Somebody who pays."""
    customer: Json = {name: params.get(name) for name in CUSTOMER_FIELDS}
    customer |= {
        "id": new_id("CU"),
        "created_at": iso(transaction.at),
        "language": params.get("language") or "fr",
        "metadata": params.get("metadata") or {},
    }
    return transaction.add("gocardless", "customers", customer)


def create_bank_account(transaction: Transaction, params: Json) -> Json:
    """A bank account by its IBAN; the same one twice for a customer is refused."""
    customer_id = params["links"]["customer"]
    if transaction.row("gocardless", customer_id, "customers") is None:
        raise GoCardlessRefusal.usage("Link not found: customer", "link_not_found", status=404)
    iban = read_iban(params.get("iban") or "")
    if iban is None:
        raise GoCardlessRefusal.invalid("customer_bank_accounts", iban="is invalid")
    existing = transaction.find(
        "gocardless",
        "customer_bank_accounts",
        {"$.links.customer": customer_id, "$.enabled": True},
        hidden={"$.iban": str(iban)},
        limit=1,
    )
    if existing:
        raise GoCardlessRefusal(
            "Bank account already exists",
            status=409,
            kind="validation_failed",
            errors=[
                {
                    "reason": "bank_account_exists",
                    "message": "Bank account already exists",
                    "links": {"customer_bank_account": existing[0].id},
                }
            ],
        )
    account = {
        "id": new_id("BA"),
        "account_holder_name": params["account_holder_name"].upper(),
        "account_number_ending": str(iban.account_code)[-2:],
        "account_type": None,
        "bank_account_token": None,
        "bank_name": iban.bank_name or "BANK",
        "country_code": iban.country_code,
        "created_at": iso(transaction.at),
        "currency": "EUR",
        "enabled": True,
        "links": {"customer": customer_id},
        "metadata": params.get("metadata") or {},
        "payer_name_verification_result": None,
        "trusted_recipient": False,
    }
    return transaction.add("gocardless", "customer_bank_accounts", account, {"iban": str(iban)})
