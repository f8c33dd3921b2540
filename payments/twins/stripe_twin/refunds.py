"""Refunds: whole or in part, never more than was paid; some succeed later, some fail."""

from __future__ import annotations

from payments.twins.clock import start_of_day_after
from payments.twins.store import Due, Json, Transaction
from payments.twins.stripe_twin import balance, shapes
from payments.twins.stripe_twin.errors import StripeRefusal
from payments.twins.stripe_twin.events import announce


def create(transaction: Transaction, params: Json) -> Json:
    """Refund a charge, named itself or by its PaymentIntent."""
    charge = _charge(transaction, params)
    left = charge["amount"] - charge["amount_refunded"]
    amount = params.get("amount", left)
    if charge["status"] != "succeeded":
        raise StripeRefusal(f"Charge {charge['id']} has not been paid; it cannot be refunded.", param="charge")
    if charge["disputed"] and not _is_refundable(transaction, charge):
        raise StripeRefusal(
            f"Charge {charge['id']} has been charged back; cannot issue a refund.", code="charge_disputed"
        )
    if left == 0:
        raise StripeRefusal(
            f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded", param="charge"
        )
    if amount < 1:
        raise StripeRefusal("Invalid positive integer", param="amount", code="parameter_invalid_integer")
    if amount > left:
        raise StripeRefusal(
            f"Refund amount ({_money(amount, charge)}) is greater than unrefunded amount on charge"
            f" ({_money(left, charge)})",
            param="amount",
        )
    fate = transaction.hidden("stripe", charge["id"])["fate"]
    refund = shapes.refund(
        charge=charge,
        amount=amount,
        params=params,
        at=transaction.at,
        status="pending" if fate == "refund_later" else "succeeded",
    )
    line = balance.book(
        transaction,
        kind="refund",
        amount=-amount,
        currency=charge["currency"],
        source=refund["id"],
        what="REFUND FOR CHARGE",
        available_at_once=True,
    )
    refund["balance_transaction"] = line["id"]
    transaction.add("stripe", "refund", refund)
    refunded = charge["amount_refunded"] + amount
    charge = transaction.change("stripe", charge["id"], amount_refunded=refunded, refunded=refunded == charge["amount"])
    announce(transaction, "refund.created", refund)
    announce(transaction, "charge.refunded", charge, {"amount_refunded": refunded - amount})
    action = {"refund_later": "stripe.refund_succeeds", "refund_fails": "stripe.refund_fails"}.get(fate)
    transaction.schedule(start_of_day_after(transaction.at) + 2, action or "stripe.refund_reference", refund["id"])
    return refund


def _charge(transaction: Transaction, params: Json) -> Json:
    if ("charge" in params) == ("payment_intent" in params):
        raise StripeRefusal.invalid("One of the following params should be provided: charge or payment_intent.")
    if "charge" in params:
        row = transaction.row("stripe", params["charge"], "charge")
        if row is None:
            raise StripeRefusal.no_such("charge", params["charge"], param="charge")
        return row.body
    row = transaction.row("stripe", params["payment_intent"], "payment_intent")
    if row is None:
        raise StripeRefusal.no_such("payment_intent", params["payment_intent"], param="payment_intent")
    if row.body["status"] != "succeeded":
        raise StripeRefusal(
            f"This PaymentIntent ({row.id}) does not have a successful charge to refund.",
            code="payment_intent_unexpected_state",
            param="payment_intent",
        )
    return transaction.body("stripe", row.body["latest_charge"])


def _is_refundable(transaction: Transaction, charge: Json) -> bool:
    disputes = transaction.find("stripe", "dispute", {"$.charge": charge["id"]})
    return all(row.body["is_charge_refundable"] for row in disputes)


def _money(amount: int, charge: Json) -> str:
    return f"{amount // 100}.{amount % 100:02d} {charge['currency'].upper()}"


def reach_bank(transaction: Transaction, due: Due) -> None:
    """The acquirer's reference becomes known: an update that changes no money."""
    refund = transaction.body("stripe", due.subject)
    details = {
        "card": {
            "reference": "74" + refund["id"][-21:].upper(),
            "reference_status": "available",
            "reference_type": "acquirer_reference_number",
            "type": "refund",
        },
        "type": "card",
    }
    refund = transaction.change("stripe", due.subject, destination_details=details)
    _announce_update(transaction, refund)


def succeed(transaction: Transaction, due: Due) -> None:
    """A pending refund succeeds."""
    _announce_update(transaction, transaction.change("stripe", due.subject, status="succeeded"))


def fail(transaction: Transaction, due: Due) -> None:
    """A refund comes back: the money returns to the balance, the charge counts it no longer."""
    refund = transaction.body("stripe", due.subject)
    if refund["status"] not in {"pending", "succeeded"}:
        return
    line = balance.book(
        transaction,
        kind="refund_failure",
        amount=refund["amount"],
        currency=refund["currency"],
        source=refund["id"],
        what="REFUND FAILURE",
        available_at_once=True,
    )
    refund = transaction.change(
        "stripe",
        refund["id"],
        status="failed",
        failure_reason="expired_or_canceled_card",
        failure_balance_transaction=line["id"],
    )
    charge = transaction.body("stripe", refund["charge"])
    transaction.change(
        "stripe", charge["id"], amount_refunded=charge["amount_refunded"] - refund["amount"], refunded=False
    )
    announce(transaction, "refund.failed", refund)
    _announce_update(transaction, refund)


def _announce_update(transaction: Transaction, refund: Json) -> None:
    announce(transaction, "refund.updated", refund)
    announce(transaction, "charge.refund.updated", refund)
