"""Payouts: what was confirmed two bank days ago, less fees, less what went back meanwhile.

Items are given to a tenth of a cent; the payout is their sum, rounded once, as at the original.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from payments.twins.bank_days import add_bank_days
from payments.twins.clock import bank_day, iso, moment_of
from payments.twins.gocardless_twin import refunds
from payments.twins.gocardless_twin.banks import fate_of
from payments.twins.gocardless_twin.events import announce
from payments.twins.store import Due, Json, Row, Transaction
from payments.twins.world import new_id

TENTH = Decimal("0.1")


def fee(amount: int) -> Decimal:
    """1 % and 20 cents, at most 4 euros, in minor units to one decimal."""
    return min((Decimal(amount) / 100).quantize(TENTH, ROUND_HALF_UP) + 20, Decimal(400))


def _rounded(minor: Decimal) -> int:
    return int(minor.quantize(Decimal(1), ROUND_HALF_UP))


def run_payout(transaction: Transaction, due: Due) -> None:
    """Everything due to one creditor in one payout; a total that is not positive waits for the next run."""
    pay_out(transaction, due.subject)


def pay_out(
    transaction: Transaction, creditor_id: str, *, only: str | None = None, even_negative: bool = False
) -> Json | None:
    """Make a payout now. `only` names the single payment it is about (scenario simulators)."""
    paid, debts, refunded = _what_is_due(transaction, creditor_id, only)
    fees = sum((fee(row.body["amount"]) for row in paid), Decimal(0))
    gone = sum(row.body["amount"] for row in debts) + sum(row.body["amount"] for row in refunded)
    total = _rounded(sum(row.body["amount"] for row in paid) - fees - gone)
    if not (paid or debts or refunded) or (total <= 0 and not even_negative):
        return None
    arrival = add_bank_days(bank_day(transaction.at), 1)
    payout: Json = {
        "id": new_id("PO"),
        "amount": total,
        "arrival_date": arrival.isoformat(),
        "created_at": iso(transaction.at),
        "currency": "EUR",
        "deducted_fees": _rounded(fees),
        "fx": {"estimated_exchange_rate": None, "exchange_rate": None, "fx_amount": None, "fx_currency": "EUR"},
        "links": {"creditor": creditor_id, "creditor_bank_account": "BA0000TWIN0001"},
        "metadata": {},
        "payout_type": "merchant",
        "reference": new_id("GUICHET-", 6),
        "status": "pending",
        "tax_currency": None,
    }
    items = [item for row in paid for item in _paid_items(row)]
    items += [_item(f"payment_{row.body['status']}", -row.body["amount"], row) for row in debts]
    items += [_item("payment_refunded", -row.body["amount"], row) for row in refunded]
    transaction.add("gocardless", "payouts", payout, {"items": items})
    transaction.schedule(moment_of(arrival, after=9), "gocardless.payout_paid", payout["id"])
    for row in paid:
        _mark_paid_out(transaction, row, payout["id"])
    for row in debts:
        _settle(transaction, row, payout["id"])
    for row in refunded:
        transaction.note("gocardless", row.id, settled=True)
        refunds.say(transaction, row.body, "refund_settled", payout=payout["id"])
    return payout


def _what_is_due(
    transaction: Transaction, creditor_id: str, only: str | None
) -> tuple[list[Row], list[Row], list[Row]]:
    mine = {"$.links.creditor": creditor_id} | ({"$.id": only} if only else {})
    latest = 2**62 if only else transaction.at
    paid = transaction.find(
        "gocardless",
        "payments",
        mine | {"$.status": "confirmed"},
        hidden={"$.payable_at": ("<=", latest)},
        oldest_first=True,
    )
    debts = transaction.find(
        "gocardless", "payments", mine, hidden={"$.debt": ["failed", "charged_back"]}, oldest_first=True
    )
    about = {"$.status": "paid"} | ({"$.id": only} if only else {})
    refunded = transaction.find(
        "gocardless", "refunds", about, hidden={"$.settled": 0, "$.creditor": creditor_id}, oldest_first=True
    )
    return paid, debts, refunded


def _paid_items(row: Row) -> list[Json]:
    amount = row.body["amount"]
    return [_item("payment_paid_out", amount, row), _item("gocardless_fee", -fee(amount), row)]


def _item(kind: str, amount: Decimal | int, row: Row) -> Json:
    links = (
        {"payment": row.id} if row.kind == "payments" else {"payment": row.body["links"]["payment"], "refund": row.id}
    )
    links["mandate"] = row.body["links"]["mandate"]
    return {"amount": f"{amount:.1f}", "links": links, "taxes": [], "type": kind}


def _mark_paid_out(transaction: Transaction, row: Row, payout_id: str) -> None:
    links = row.body["links"] | {"payout": payout_id}
    payment = transaction.change("gocardless", row.id, status="paid_out", links=links)
    transaction.note("gocardless", row.id, payable_at=None)
    announce(
        transaction,
        "payments",
        "paid_out",
        payment,
        cause="payment_paid_out",
        description="The payment has been paid out by GoCardless.",
        links={"payout": payout_id},
    )
    mandate = transaction.body("gocardless", payment["links"]["mandate"])
    iban = transaction.hidden("gocardless", mandate["links"]["customer_bank_account"])["iban"]
    _let_bank_react(transaction, payment, iban)


def _let_bank_react(transaction: Transaction, payment: Json, iban: str) -> None:
    if fate_of(iban).when == "paid_out":
        day = add_bank_days(bank_day(transaction.at), 2)
        transaction.schedule(moment_of(day, after=4), "gocardless.payment_returned", payment["id"])


def _settle(transaction: Transaction, row: Row, payout_id: str) -> None:
    transaction.note("gocardless", row.id, debt=None, settled=row.hidden["debt"])
    action = "late_failure_settled" if row.hidden["debt"] == "failed" else "chargeback_settled"
    announce(
        transaction,
        "payments",
        action,
        row.body,
        cause=action,
        description="The amount has been deducted from a payout.",
        links={"payout": payout_id},
    )


def pay_payout(transaction: Transaction, due: Due) -> None:
    """The payout arrives at the creditor's bank."""
    payout = transaction.body("gocardless", due.subject)
    if payout["status"] == "pending":
        mark_paid(transaction, due.subject)


def mark_paid(transaction: Transaction, payout_id: str) -> Json:
    payout = transaction.change("gocardless", payout_id, status="paid")
    announce(
        transaction,
        "payouts",
        "paid",
        payout,
        cause="payout_paid",
        description="GoCardless has transferred the payout to the creditor's bank account.",
    )
    return payout


def bounce(transaction: Transaction, payout_id: str) -> Json:
    """The creditor's bank sends the payout back."""
    payout = transaction.change("gocardless", payout_id, status="bounced")
    announce(
        transaction,
        "payouts",
        "bounced",
        payout,
        cause="payout_bounced",
        description="The payout was returned by your bank.",
        origin="bank",
    )
    return payout


def try_again(transaction: Transaction, payout_id: str) -> Json:
    """A payout that bounced is sent again, to another account perhaps: the same object is paid once more."""
    arrival = add_bank_days(bank_day(transaction.at), 1)
    payout = transaction.change("gocardless", payout_id, status="pending", arrival_date=arrival.isoformat())
    transaction.schedule(moment_of(arrival, after=9), "gocardless.payout_paid", payout_id)
    return payout


def befall(transaction: Transaction, kind: str, payout_id: str) -> Json:
    """`payout_fails` or `payout_retried`; raises LookupError for a payout that does not stand there."""
    status = transaction.body("gocardless", payout_id)["status"]
    if kind == "payout_fails" and status == "paid":
        return bounce(transaction, payout_id)
    if kind == "payout_retried" and status == "bounced":
        return try_again(transaction, payout_id)
    raise LookupError(f"{kind} cannot befall a payout that is {status}")
