"""Disputes, as Stripe calls chargebacks: opened by the bank, answered or not, won or lost."""

from __future__ import annotations

from payments.twins.clock import DAY, start_of_day_after
from payments.twins.store import Due, Json, Transaction
from payments.twins.stripe_twin import balance, shapes
from payments.twins.stripe_twin.errors import StripeRefusal
from payments.twins.stripe_twin.events import announce

ANSWER_WITHIN_DAYS = 9
OPEN = {"needs_response", "under_review", "warning_needs_response", "warning_under_review"}


REASONS = (
    "fraudulent",
    "unrecognized",
    "duplicate",
    "product_not_received",
    "product_unacceptable",
    "credit_not_processed",
    "subscription_canceled",
    "general",
)
"""Why a card holder contests (docs.stripe.com/disputes/categories)."""


def open_dispute(
    transaction: Transaction, charge_id: str, *, inquiry: bool = False, reason: str = "fraudulent"
) -> Json:
    """The card holder contests a charge; unless it is a mere inquiry the money leaves the balance at once."""
    row = transaction.row("stripe", charge_id, "charge")
    if row is None:
        raise StripeRefusal.no_such("charge", charge_id, param="charge")
    charge = row.body
    if charge["status"] != "succeeded" or charge["disputed"] or charge["refunded"]:
        raise StripeRefusal(f"Charge {charge_id} cannot be disputed.", param="charge")
    due_by = start_of_day_after(transaction.at, ANSWER_WITHIN_DAYS) - 1
    dispute = shapes.dispute(
        charge=charge,
        reason=reason,
        status="warning_needs_response" if inquiry else "needs_response",
        at=transaction.at,
        due_by=due_by,
    )
    transaction.add("stripe", "dispute", dispute)
    transaction.change("stripe", charge_id, disputed=True)
    transaction.schedule(due_by + DAY, "stripe.dispute_overdue", dispute["id"])
    announce(transaction, "charge.dispute.created", dispute)
    if not inquiry:
        dispute = _move_funds(transaction, dispute, -dispute["amount"], balance.DISPUTE_FEE, "Chargeback withdrawal")
        announce(transaction, "charge.dispute.funds_withdrawn", dispute)
    return dispute


def _move_funds(transaction: Transaction, dispute: Json, amount: int, fee: int, what: str) -> Json:
    line = balance.book(
        transaction,
        kind="adjustment",
        category="dispute" if amount < 0 else "dispute_reversal",
        amount=amount,
        fee=fee,
        currency=dispute["currency"],
        source=dispute["id"],
        what=f"{what} for {dispute['charge']}",
        available_at_once=True,
    )
    return transaction.change("stripe", dispute["id"], balance_transactions=[*dispute["balance_transactions"], line])


def answer(transaction: Transaction, dispute_id: str, params: Json) -> Json:
    """Take evidence. The texts `winning_evidence` and `losing_evidence` decide the next day, as in Stripe's tests."""
    dispute = _open_one(transaction, dispute_id)
    evidence = dispute["evidence"] | (params.get("evidence") or {})
    details = dispute["evidence_details"] | {"has_evidence": True}
    status = dispute["status"]
    if params.get("submit", True) and params.get("evidence"):
        details |= {"submission_count": details["submission_count"] + 1, "submission_method": "manual"}
        status = status.replace("needs_response", "under_review")
        won = evidence.get("uncategorized_text") == "winning_evidence"
        transaction.schedule(start_of_day_after(transaction.at) + 3, "stripe.dispute_decided", dispute_id, won=won)
    dispute = transaction.change(
        "stripe",
        dispute_id,
        evidence=evidence,
        evidence_details=details,
        status=status,
        metadata=dispute["metadata"] | (params.get("metadata") or {}),
    )
    announce(transaction, "charge.dispute.updated", dispute)
    return dispute


def _open_one(transaction: Transaction, dispute_id: str) -> Json:
    row = transaction.row("stripe", dispute_id, "dispute")
    if row is None:
        raise StripeRefusal.no_such("dispute", dispute_id)
    if row.body["status"] not in OPEN:
        raise StripeRefusal(f"This dispute is already closed ({row.body['status']}).")
    return row.body


def decide(transaction: Transaction, dispute_id: str, *, won: bool) -> Json:
    """Close a dispute; when won, the money comes back."""
    dispute = _open_one(transaction, dispute_id)
    transaction.unschedule(dispute_id)
    decided = "won" if won else "lost"
    status = "warning_closed" if dispute["status"].startswith("warning") else decided
    if status == "won":
        dispute = _move_funds(transaction, dispute, dispute["amount"], 0, "Chargeback reversal")
    dispute = transaction.change("stripe", dispute_id, status=status, is_charge_refundable=status == "warning_closed")
    if status == "won":
        announce(transaction, "charge.dispute.funds_reinstated", dispute)
    announce(transaction, "charge.dispute.closed", dispute)
    return dispute


def begin_by_itself(transaction: Transaction, due: Due) -> None:
    """What the card 4000 0000 0000 0259 leads to on the next day, unless the money went back before."""
    charge = transaction.body("stripe", due.subject)
    if not charge["disputed"] and not charge["refunded"]:
        open_dispute(transaction, due.subject, inquiry=bool(due.facts.get("inquiry")))


def decide_by_itself(transaction: Transaction, due: Due) -> None:
    """The bank has decided, or nobody answered in time (which loses)."""
    if transaction.body("stripe", due.subject)["status"] in OPEN:
        decide(transaction, due.subject, won=bool(due.facts.get("won")))
