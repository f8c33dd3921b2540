"""SEPA mandates: born when a billing request is fulfilled, submitted and active within two bank days, cancelled, reinstated."""

from __future__ import annotations

from payments.twins.bank_days import add_bank_days
from payments.twins.clock import bank_day, iso, moment_of
from payments.twins.gocardless_twin import banks
from payments.twins.gocardless_twin.errors import GoCardlessRefusal
from payments.twins.gocardless_twin.events import announce
from payments.twins.store import Due, Json, Transaction
from payments.twins.world import new_id

LEAD_BANK_DAYS = 3
"""A debit created today is charged three bank days later at the earliest (SEPA Core at GoCardless)."""
MAY_COLLECT = ("pending_customer_approval", "pending_submission", "submitted", "active")


def next_possible_charge_date(look: Transaction) -> str:
    """The earliest day on which a debit created now can be charged, ISO."""
    return add_bank_days(bank_day(look.at), LEAD_BANK_DAYS).isoformat()


def show(look: Transaction, body: Json) -> Json:
    """A mandate as the API shows it: its earliest charge date moves on with time."""
    possible = next_possible_charge_date(look) if body["status"] in MAY_COLLECT else None
    return body | {"next_possible_charge_date": possible}


def create(
    transaction: Transaction,
    *,
    bank_account: Json,
    creditor_id: str,
    metadata: Json,
    reference: str | None,
    source: str,
    origin: str,
) -> Json:
    """A new mandate for a bank account; it is submitted on the next bank day and active on the one after."""
    at = transaction.at
    mandate: Json = {
        "id": new_id("MD"),
        "authorisation_source": source,
        "consent_parameters": None,
        "consent_type": None,
        "created_at": iso(at),
        "funds_settlement": "managed",
        "links": {
            "creditor": creditor_id,
            "customer": bank_account["links"]["customer"],
            "customer_bank_account": bank_account["id"],
        },
        "mandate_type": "bank_debit",
        "metadata": metadata,
        "next_possible_charge_date": None,
        "next_possible_standard_ach_charge_date": None,
        "payments_require_approval": False,
        "reference": reference or new_id("GUI-", 8),
        "scheme": "sepa_core",
        "status": "pending_submission",
        "verified_at": iso(at),
    }
    transaction.add("gocardless", "mandates", mandate)
    submitted = add_bank_days(bank_day(at), 1)
    transaction.schedule(moment_of(submitted), "gocardless.mandate_submitted", mandate["id"])
    transaction.schedule(moment_of(add_bank_days(submitted, 1)), "gocardless.mandate_active", mandate["id"])
    announce(
        transaction,
        "mandates",
        "created",
        mandate,
        cause="mandate_created",
        description="Mandate created via the API." if origin == "api" else "Mandate created by a billing request.",
        origin=origin,
    )
    return mandate


def fate(look: Transaction, mandate: Json) -> banks.Fate:
    """What the debtor's bank does with debits under this mandate."""
    hidden = look.hidden("gocardless", mandate["links"]["customer_bank_account"])
    return banks.fate_of(hidden["iban"])


def submit_by_itself(transaction: Transaction, due: Due) -> None:
    """The mandate goes to the bank, which may refuse it."""
    mandate = transaction.body("gocardless", due.subject)
    if mandate["status"] != "pending_submission":
        return
    mandate = transaction.change("gocardless", due.subject, status="submitted")
    announce(
        transaction,
        "mandates",
        "submitted",
        mandate,
        cause="mandate_submitted",
        description="The mandate has been submitted to the banks.",
    )
    bank = fate(transaction, mandate)
    if bank.when == "mandate":
        end(transaction, due.subject, status="failed", cause=bank.cause, origin="bank", reason_code=bank.reason_code)


def activate_by_itself(transaction: Transaction, due: Due) -> None:
    """The bank has accepted the mandate (or did not object)."""
    mandate = transaction.body("gocardless", due.subject)
    if mandate["status"] in {"pending_submission", "submitted"}:
        activate(transaction, due.subject)


def activate(transaction: Transaction, mandate_id: str) -> Json:
    mandate = transaction.change("gocardless", mandate_id, status="active")
    announce(
        transaction,
        "mandates",
        "active",
        mandate,
        cause="mandate_activated",
        description="The time window after submission for the banks to refuse a mandate has ended without errors.",
    )
    return mandate


def end(
    transaction: Transaction,
    mandate_id: str,
    *,
    status: str,
    cause: str,
    origin: str,
    reason_code: str | None = None,
) -> Json:
    """Cancel, fail or expire a mandate; debits that have not left yet end with it."""
    from payments.twins.gocardless_twin import payments

    transaction.unschedule(mandate_id)
    mandate = transaction.change("gocardless", mandate_id, status=status)
    announce(
        transaction,
        "mandates",
        status,
        mandate,
        cause=cause,
        description=banks.DESCRIPTIONS.get(cause, "The mandate was cancelled at your request."),
        origin=origin,
        reason_code=reason_code,
    )
    waiting = transaction.find(
        "gocardless", "payments", {"$.links.mandate": mandate_id, "$.status": "pending_submission"}, oldest_first=True
    )
    for payment in waiting:
        payments.cancelled(transaction, payment.id, cause="mandate_cancelled", origin=origin)
    return mandate


def cancel(
    transaction: Transaction, mandate_id: str, *, cause: str, origin: str, reason_code: str | None = None
) -> Json:
    """End a live mandate; refused when it has ended before."""
    mandate = transaction.body("gocardless", mandate_id)
    if mandate["status"] not in MAY_COLLECT:
        raise GoCardlessRefusal.state("Mandate cannot be cancelled", "cancellation_failed")
    return end(transaction, mandate_id, status="cancelled", cause=cause, origin=origin, reason_code=reason_code)


def reinstate(transaction: Transaction, mandate_id: str) -> Json:
    """Bring a cancelled, failed or expired mandate back; it is submitted anew."""
    mandate = transaction.body("gocardless", mandate_id)
    if mandate["status"] in MAY_COLLECT:
        raise GoCardlessRefusal.state("Mandate is already active or being submitted", "mandate_not_inactive")
    mandate = transaction.change("gocardless", mandate_id, status="pending_submission")
    submitted = add_bank_days(bank_day(transaction.at), 1)
    transaction.schedule(moment_of(submitted), "gocardless.mandate_submitted", mandate_id)
    transaction.schedule(moment_of(add_bank_days(submitted, 1)), "gocardless.mandate_active", mandate_id)
    announce(
        transaction,
        "mandates",
        "reinstated",
        mandate,
        cause="mandate_reinstated",
        description="The mandate was reinstated via the API.",
        origin="api",
    )
    return mandate
