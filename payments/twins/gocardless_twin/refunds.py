"""Refunds of debits: never more than was paid, confirmed by the running total, paid within two bank days."""

from __future__ import annotations

from payments.twins.bank_days import add_bank_days
from payments.twins.clock import bank_day, iso, moment_of
from payments.twins.gocardless_twin.errors import GoCardlessRefusal
from payments.twins.gocardless_twin.events import announce
from payments.twins.store import Due, Json, Transaction
from payments.twins.world import new_id

_DESCRIPTIONS = {
    "created": "The refund has been created.",
    "submitted": "The refund has been submitted to the banks.",
    "paid": "The refund has been paid to your customer.",
    "bounced": "The refund failed to reach your customer, the funds will be returned to you.",
    "funds_returned": "The refund was returned by your customer's bank.",
    "refund_settled": "The refund has been deducted from a payout.",
}


def create(transaction: Transaction, params: Json) -> Json:
    """Give (part of) a confirmed or paid-out debit back."""
    row = transaction.row("gocardless", params["links"]["payment"], "payments")
    if row is None:
        raise GoCardlessRefusal.usage("Link not found: payment", "link_not_found", status=404)
    payment, amount = row.body, params["amount"]
    if payment["status"] not in {"confirmed", "paid_out"}:
        raise GoCardlessRefusal.state(
            "Only a confirmed or paid out payment can be refunded", "refund_payment_invalid_state"
        )
    total = payment["amount_refunded"] + amount
    if params.get("total_amount_confirmation") != total:
        raise GoCardlessRefusal.state(
            "total_amount_confirmation must equal the total refunded, this refund included",
            "total_amount_confirmation_invalid",
        )
    if total > payment["amount"]:
        raise GoCardlessRefusal.state(
            "The refund is larger than what is left of the payment", "available_refund_amount_insufficient"
        )
    refund = {
        "id": new_id("RF"),
        "amount": amount,
        "created_at": iso(transaction.at),
        "currency": payment["currency"],
        "fx": {"estimated_exchange_rate": None, "exchange_rate": None, "fx_amount": None, "fx_currency": "EUR"},
        "links": {"mandate": payment["links"]["mandate"], "payment": payment["id"]},
        "metadata": params.get("metadata") or {},
        "reference": params.get("reference"),
        "status": "created",
    }
    hidden = {"settled": False, "creditor": payment["links"]["creditor"]}
    transaction.add("gocardless", "refunds", refund, hidden)
    transaction.change("gocardless", payment["id"], amount_refunded=total)
    announce(
        transaction,
        "refunds",
        "created",
        refund,
        cause="refund_created",
        description=_DESCRIPTIONS["created"],
        origin="api",
        links={"payment": payment["id"]},
    )
    _schedule(transaction, refund["id"], "submitted", 5)
    return refund


def _schedule(transaction: Transaction, refund_id: str, status: str, after: int) -> None:
    day = add_bank_days(bank_day(transaction.at), 1)
    transaction.schedule(moment_of(day, after=after), "gocardless.refund_moves", refund_id, status=status)


def move(transaction: Transaction, refund_id: str, status: str) -> Json:
    """`submitted`, `paid`, `bounced` or `funds_returned`; a refund that came back counts no longer."""
    refund = transaction.change("gocardless", refund_id, status=status)
    if status in {"bounced", "funds_returned"}:
        transaction.unschedule(refund_id)
        payment = transaction.body("gocardless", refund["links"]["payment"])
        transaction.change("gocardless", payment["id"], amount_refunded=payment["amount_refunded"] - refund["amount"])
    say(transaction, refund, status)
    return refund


def say(transaction: Transaction, refund: Json, action: str, **links: str) -> None:
    announce(
        transaction,
        "refunds",
        action,
        refund,
        cause=action if action.startswith("refund") else f"refund_{action}",
        description=_DESCRIPTIONS[action],
        origin="bank" if action in {"bounced", "funds_returned"} else "gocardless",
        links={"payment": refund["links"]["payment"]} | links,
    )


def move_by_itself(transaction: Transaction, due: Due) -> None:
    """One bank day later it has moved on."""
    refund = move(transaction, due.subject, due.facts["status"])
    if due.facts["status"] == "submitted":
        _schedule(transaction, refund["id"], "paid", 5)
    else:
        day = add_bank_days(bank_day(transaction.at), 1)
        creditor = transaction.hidden("gocardless", refund["id"])["creditor"]
        transaction.schedule(moment_of(day, after=8), "gocardless.payout_run", creditor)
