"""The balance: fees, when money becomes available, and the daily payout."""

from __future__ import annotations

from payments.twins.clock import start_of_day_after
from payments.twins.store import Due, Json, Transaction
from payments.twins.stripe_twin import shapes
from payments.twins.stripe_twin.events import announce

DAYS_UNTIL_AVAILABLE = 3
DISPUTE_FEE = 2_000
"""Minor units: 20.00 EUR for each chargeback."""


def card_fee(amount: int) -> int:
    """1.5 % and 25 cents, Stripe's price for cards of the European Economic Area, in minor units."""
    return (amount * 15 + 500) // 1000 + 25


def book(
    transaction: Transaction,
    *,
    kind: str,
    amount: int,
    currency: str,
    source: str,
    what: str,
    category: str | None = None,
    fee: int = 0,
    available_at_once: bool = False,
) -> Json:
    """Add a line to the balance and see to it that a payout run will find it."""
    at = transaction.at
    available_on = at if available_at_once else start_of_day_after(at, DAYS_UNTIL_AVAILABLE)
    line = shapes.balance_transaction(
        kind=kind,
        category=category or kind,
        amount=amount,
        fee=fee,
        currency=currency,
        source=source,
        at=at,
        available_on=available_on,
        what=what,
    )
    transaction.add("stripe", "balance_transaction", line, {"payout": None})
    run_at = max(available_on, start_of_day_after(at)) + 5
    if not transaction.is_scheduled("stripe.payout_run", currency, run_at):
        transaction.schedule(run_at, "stripe.payout_run", currency)
    return line


def run_payout(transaction: Transaction, due: Due) -> None:
    """Pay out everything available; a balance that is not positive waits for better days."""
    lines = transaction.find(
        "stripe",
        "balance_transaction",
        {"$.available_on": ("<=", transaction.at), "$.currency": due.subject},
        hidden={"$.payout": None},
    )
    for line in lines:
        transaction.change("stripe", line.id, status="available")
    total = sum(line.body["net"] for line in lines)
    if total <= 0:
        return
    payout = shapes.payout(
        amount=total, currency=due.subject, at=transaction.at, arrival=start_of_day_after(transaction.at)
    )
    own = shapes.balance_transaction(
        kind="payout",
        category="payout",
        amount=-total,
        fee=0,
        currency=due.subject,
        source=payout["id"],
        at=transaction.at,
        available_on=transaction.at,
        what="STRIPE PAYOUT",
    )
    payout["balance_transaction"] = own["id"]
    transaction.add("stripe", "payout", payout)
    transaction.add("stripe", "balance_transaction", own, {"payout": payout["id"]})
    for line in lines:
        transaction.note("stripe", line.id, payout=payout["id"])
    transaction.schedule(payout["arrival_date"] + 6, "stripe.payout_paid", payout["id"])
    announce(transaction, "payout.created", payout)


def pay_payout(transaction: Transaction, due: Due) -> None:
    """The payout arrives at the bank."""
    if transaction.body("stripe", due.subject)["status"] == "in_transit":
        announce(transaction, "payout.paid", transaction.change("stripe", due.subject, status="paid"))


def fail_payout(transaction: Transaction, payout_id: str) -> Json:
    """The bank sends the payout back: its amount is a line of the balance again and part of the next payout.

    Raises LookupError for a payout that has failed already.
    """
    payout = transaction.body("stripe", payout_id)
    if payout["status"] not in ("in_transit", "paid"):
        raise LookupError(f"a payout that is {payout['status']} cannot fail")
    line = book(
        transaction,
        kind="payout_failure",
        category="payout_reversal",
        amount=payout["amount"],
        currency=payout["currency"],
        source=payout_id,
        what="STRIPE PAYOUT FAILURE",
        available_at_once=True,
    )
    failed = transaction.change(
        "stripe",
        payout_id,
        status="failed",
        failure_balance_transaction=line["id"],
        failure_code="account_closed",
        failure_message="The bank account has been closed.",
    )
    announce(transaction, "payout.failed", failed)
    return failed


def state(transaction: Transaction) -> Json:
    """`GET /v1/balance`: what is available and what is not yet, per currency."""
    sums: dict[str, dict[str, int]] = {}
    for line in transaction.find("stripe", "balance_transaction", hidden={"$.payout": None}):
        bucket = "available" if line.body["available_on"] <= transaction.at else "pending"
        per = sums.setdefault(line.body["currency"], {"available": 0, "pending": 0})
        per[bucket] += line.body["net"]

    def listed(bucket: str) -> list[Json]:
        return [
            {"amount": per[bucket], "currency": currency, "source_types": {"card": per[bucket]}}
            for currency, per in (sums or {"eur": {"available": 0, "pending": 0}}).items()
        ]

    return {"object": "balance", "available": listed("available"), "livemode": False, "pending": listed("pending")}
