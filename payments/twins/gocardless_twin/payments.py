"""SEPA Core debits on their way: created on day 0, submitted +1, charged +3, confirmed +4, paid out +6 bank days.

What the debtor's bank does is in `banks`. A debit that fails or is charged back reverses the money once, with `failed` or
`charged_back`; if it had been paid out, a later payout is lower and says so with `late_failure_settled` or
`chargeback_settled`, which moves nothing again.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from payments.twins.bank_days import add_bank_days, roll_forward
from payments.twins.clock import bank_day, iso, moment_of
from payments.twins.gocardless_twin import banks, mandates
from payments.twins.gocardless_twin.errors import GoCardlessRefusal
from payments.twins.gocardless_twin.events import announce
from payments.twins.store import Due, Json, Transaction
from payments.twins.world import new_id

MOST_RETRIES = 3


def create(transaction: Transaction, params: Json) -> Json:
    """A debit under a mandate, on the day asked for (rolled forward to a bank day) or as soon as possible."""
    row = transaction.row("gocardless", params["links"]["mandate"], "mandates")
    if row is None:
        raise GoCardlessRefusal.usage("Link not found: mandate", "link_not_found", status=404)
    mandate = row.body
    if mandate["status"] not in mandates.MAY_COLLECT:
        raise GoCardlessRefusal.state("Mandate is failed, cancelled or expired", "mandate_is_inactive")
    if params["currency"] != "EUR":
        raise GoCardlessRefusal.invalid("payments", currency="must match the mandate's scheme (EUR for sepa_core)")
    charge_date = _charge_date(transaction, params.get("charge_date"))
    payment = {
        "id": new_id("PM"),
        "amount": params["amount"],
        "amount_refunded": 0,
        "app_fee": None,
        "charge_date": charge_date.isoformat(),
        "created_at": iso(transaction.at),
        "currency": params["currency"],
        "description": params.get("description"),
        "faster_ach": None,
        "fx": {"estimated_exchange_rate": None, "exchange_rate": None, "fx_amount": None, "fx_currency": "EUR"},
        "links": {"creditor": mandate["links"]["creditor"], "mandate": mandate["id"]},
        "metadata": params.get("metadata") or {},
        "reference": params.get("reference"),
        "retry_if_possible": bool(params.get("retry_if_possible", False)),
        "scheme": "sepa_core",
        "status": "pending_submission",
    }
    transaction.add("gocardless", "payments", payment, {"attempts": 1, "payable_at": None, "debt": None})
    _schedule(transaction, payment["id"], charge_date)
    announce(
        transaction,
        "payments",
        "created",
        payment,
        cause="payment_created",
        description="Payment created via the API.",
        origin="api",
    )
    return payment


def _charge_date(transaction: Transaction, wanted: str | None) -> date:
    earliest = date.fromisoformat(mandates.next_possible_charge_date(transaction))
    if wanted is None:
        return earliest
    try:
        day = date.fromisoformat(wanted)
    except ValueError:
        raise GoCardlessRefusal.invalid("payments", charge_date="must be a date (YYYY-MM-DD)") from None
    if day < earliest:
        raise GoCardlessRefusal.invalid(
            "payments", charge_date=f"must be on or after mandate's next_possible_charge_date ({earliest.isoformat()})"
        )
    return roll_forward(day)


def _schedule(transaction: Transaction, payment_id: str, charge_date: date) -> None:
    submitted = moment_of(add_bank_days(charge_date, -2), after=2)
    transaction.schedule(submitted, "gocardless.payment_submitted", payment_id)
    transaction.schedule(moment_of(add_bank_days(charge_date, 1), after=3), "gocardless.payment_charged", payment_id)


def cancel(transaction: Transaction, payment_id: str, metadata: Json | None = None) -> Json:
    """Stop a debit that has not left yet; refused in every other state."""
    payment = transaction.body("gocardless", payment_id)
    if payment["status"] != "pending_submission":
        raise GoCardlessRefusal.state(
            "This payment cannot be cancelled: it has been submitted or has ended", "cancellation_failed"
        )
    if metadata:
        transaction.change("gocardless", payment_id, metadata=payment["metadata"] | metadata)
    return cancelled(transaction, payment_id, cause="payment_cancelled", origin="api")


def cancelled(transaction: Transaction, payment_id: str, *, cause: str, origin: str) -> Json:
    transaction.unschedule(payment_id)
    payment = transaction.change("gocardless", payment_id, status="cancelled")
    announce(
        transaction,
        "payments",
        "cancelled",
        payment,
        cause=cause,
        description="The payment was cancelled because its mandate ended."
        if cause == "mandate_cancelled"
        else "The payment was cancelled at your request.",
        origin=origin,
    )
    return payment


def retry(transaction: Transaction, payment_id: str, params: Json) -> Json:
    """Present a failed debit again, at most three times and only while its mandate lives."""
    row = transaction.row("gocardless", payment_id, "payments")
    if row is None:
        raise GoCardlessRefusal.not_found()
    payment = row.body
    if payment["status"] != "failed":
        raise GoCardlessRefusal.state("Payment has not failed", "retry_failed")
    if row.hidden["attempts"] > MOST_RETRIES:
        raise GoCardlessRefusal.state("Payment has already been retried three times", "retry_failed")
    if transaction.body("gocardless", payment["links"]["mandate"])["status"] not in mandates.MAY_COLLECT:
        raise GoCardlessRefusal.state("Mandate is failed, cancelled or expired", "mandate_is_inactive")
    charge_date = _charge_date(transaction, params.get("charge_date"))
    links = {name: value for name, value in payment["links"].items() if name != "payout"}
    payment = transaction.change(
        "gocardless",
        payment_id,
        charge_date=charge_date.isoformat(),
        links=links,
        metadata=payment["metadata"] | (params.get("metadata") or {}),
        status="pending_submission",
    )
    transaction.note("gocardless", payment_id, attempts=row.hidden["attempts"] + 1, payable_at=None)
    _schedule(transaction, payment_id, charge_date)
    announce(
        transaction,
        "payments",
        "resubmission_requested",
        payment,
        cause="payment_retried",
        description="The payment is being retried at your request.",
        origin="api",
    )
    return payment


def submit(transaction: Transaction, payment_id: str) -> Json:
    payment = transaction.change("gocardless", payment_id, status="submitted")
    announce(
        transaction,
        "payments",
        "submitted",
        payment,
        cause="payment_submitted",
        description="The payment has been submitted to the banks.",
    )
    return payment


def submit_by_itself(transaction: Transaction, due: Due) -> None:
    """It leaves for the bank."""
    if transaction.body("gocardless", due.subject)["status"] == "pending_submission":
        submit(transaction, due.subject)


def confirm(transaction: Transaction, payment_id: str) -> Json:
    """The bank has not objected: the money is there, though it may still go back."""
    payment = transaction.change("gocardless", payment_id, status="confirmed")
    payable_at = moment_of(add_bank_days(bank_day(transaction.at), 2), after=8)
    transaction.note("gocardless", payment_id, payable_at=payable_at)
    creditor = payment["links"]["creditor"]
    if not transaction.is_scheduled("gocardless.payout_run", creditor, payable_at):
        transaction.schedule(payable_at, "gocardless.payout_run", creditor)
    announce(
        transaction,
        "payments",
        "confirmed",
        payment,
        cause="payment_confirmed",
        description="Enough time has passed since the payment was submitted for the banks to return an error, so this"
        " payment is now confirmed.",
    )
    return payment


def _fate(transaction: Transaction, payment: Json) -> banks.Fate:
    return mandates.fate(transaction, transaction.body("gocardless", payment["links"]["mandate"]))


def reach_bank(transaction: Transaction, due: Due) -> None:
    """The day after the charge date: the debtor's bank has paid or sent it back."""
    row = transaction.row("gocardless", due.subject)
    if row is None or row.body["status"] != "submitted":
        return
    fate = _fate(transaction, row.body)
    if fate.when == "charge" and not (fate.once and row.hidden["attempts"] > 1):
        _return_as(transaction, due.subject, fate)
        return
    confirm(transaction, due.subject)
    if fate.when == "confirmed":
        returned = moment_of(add_bank_days(bank_day(transaction.at), 1), after=4)
        transaction.schedule(returned, "gocardless.payment_returned", due.subject)


def return_by_itself(transaction: Transaction, due: Due) -> None:
    """The bank takes confirmed or paid-out money back."""
    payment = transaction.body("gocardless", due.subject)
    if payment["status"] in {"confirmed", "paid_out"}:
        _return_as(transaction, due.subject, _fate(transaction, payment))


def _return_as(transaction: Transaction, payment_id: str, fate: banks.Fate) -> None:
    payment = take_back(transaction, payment_id, action=fate.action, cause=fate.cause, reason_code=fate.reason_code)
    mandate = transaction.body("gocardless", payment["links"]["mandate"])
    if fate.mandate and mandate["status"] in mandates.MAY_COLLECT:
        mandates.end(
            transaction,
            mandate["id"],
            status=fate.mandate,
            cause=fate.cause,
            origin="bank",
            reason_code=fate.reason_code,
        )


def take_back(transaction: Transaction, payment_id: str, *, action: str, cause: str, reason_code: str) -> Json:
    """Fail or charge back a debit. Paid-out money becomes a debt that a later payout settles."""
    before = transaction.body("gocardless", payment_id)["status"]
    transaction.unschedule(payment_id)
    payment = transaction.change("gocardless", payment_id, status=action)
    transaction.note("gocardless", payment_id, payable_at=None)
    if before == "paid_out":
        transaction.note("gocardless", payment_id, debt=action)
        settled = moment_of(add_bank_days(bank_day(transaction.at), 1), after=8)
        transaction.schedule(settled, "gocardless.payout_run", payment["links"]["creditor"])
    announce(
        transaction,
        "payments",
        action,
        payment,
        cause=cause,
        description=banks.DESCRIPTIONS.get(cause, "The payment was returned by the customer's bank."),
        origin="bank",
        reason_code=reason_code,
        will_attempt_retry=False if action == "failed" else None,
        links=_mandate_link(payment),
    )
    return payment


def _mandate_link(payment: Json) -> dict[str, str]:
    return {"mandate": payment["links"]["mandate"]}


def _late_failure(transaction: Transaction, payment_id: str, code: str) -> Json:
    _must_be(transaction, payment_id, "confirmed", "paid_out")
    return _take_back_as(transaction, payment_id, "failed", code or "AM04")


def _failure(transaction: Transaction, payment_id: str, code: str) -> Json:
    _must_be(transaction, payment_id, "pending_submission", "submitted")
    if transaction.body("gocardless", payment_id)["status"] == "pending_submission":
        submit(transaction, payment_id)
    return _take_back_as(transaction, payment_id, "failed", code or "AM04")


def _chargeback(transaction: Transaction, payment_id: str, code: str) -> Json:
    _must_be(transaction, payment_id, "confirmed", "paid_out")
    return _take_back_as(transaction, payment_id, "charged_back", code or "MD06")


def _take_back_as(transaction: Transaction, payment_id: str, action: str, code: str) -> Json:
    cause = banks.CAUSES.get(code, "other")
    if (action, code) == ("charged_back", "MD01"):
        cause = "authorisation_disputed"
    return take_back(transaction, payment_id, action=action, cause=cause, reason_code=code)


def _chargeback_cancelled(transaction: Transaction, payment_id: str, _code: str) -> Json:
    """The bank gives it back to us."""
    _must_be(transaction, payment_id, "charged_back")
    hidden = transaction.hidden("gocardless", payment_id)
    paid_out = "payout" in transaction.body("gocardless", payment_id)["links"]
    if hidden["debt"] == "charged_back" and paid_out:
        transaction.note("gocardless", payment_id, debt=None)
        status = "paid_out"
    else:
        payable_at = moment_of(add_bank_days(bank_day(transaction.at), 2), after=8)
        transaction.note("gocardless", payment_id, payable_at=payable_at)
        creditor = transaction.body("gocardless", payment_id)["links"]["creditor"]
        transaction.schedule(payable_at, "gocardless.payout_run", creditor)
        status = "confirmed"
    payment = transaction.change("gocardless", payment_id, status=status)
    announce(
        transaction,
        "payments",
        "chargeback_cancelled",
        payment,
        cause="payment_confirmed",
        description="The customer's bank cancelled the chargeback.",
        origin="bank",
    )
    return payment


def _must_be(transaction: Transaction, payment_id: str, *statuses: str) -> None:
    status = transaction.body("gocardless", payment_id)["status"]
    if status not in statuses:
        raise GoCardlessRefusal.state(f"The payment is {status}, not {' or '.join(statuses)}", "invalid_state")


BEFALLS: dict[str, Callable[[Transaction, str, str], Json]] = {
    "late_failure": _late_failure,
    "failure": _failure,
    "chargeback": _chargeback,
    "chargeback_cancelled": _chargeback_cancelled,
}
