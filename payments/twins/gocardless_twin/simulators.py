"""Scenario simulators: bring one resource into a state now, as `POST /scenario_simulators/<id>/actions/run` does.

Two are kinder than the originals: `mandate_activated` and `mandate_failed` work for SEPA mandates too.
"""

from __future__ import annotations

from collections.abc import Callable

from payments.twins.gocardless_twin import mandates, payments, payouts, refunds
from payments.twins.gocardless_twin.errors import GoCardlessRefusal
from payments.twins.store import Json, Transaction

WRONG_STATE = "scenario_simulator_state_invalid"


def _expect(transaction: Transaction, id_: str, kind: str, *statuses: str) -> Json:
    row = transaction.row("gocardless", id_, kind)
    if row is None:
        raise GoCardlessRefusal.usage("Link not found: resource", "link_not_found", status=404)
    if row.body["status"] not in statuses:
        raise GoCardlessRefusal.state(
            f"The resource is {row.body['status']}; this simulator starts from {' or '.join(statuses)}", WRONG_STATE
        )
    return row.body


def _submitted(transaction: Transaction, id_: str) -> None:
    _expect(transaction, id_, "payments", "pending_submission")
    transaction.unschedule(id_, "gocardless.payment_submitted")
    payments.submit(transaction, id_)


def _failed(transaction: Transaction, id_: str) -> None:
    _submitted(transaction, id_)
    payments.take_back(transaction, id_, action="failed", cause="insufficient_funds", reason_code="AM04")


def _confirmed(transaction: Transaction, id_: str) -> None:
    _submitted(transaction, id_)
    transaction.unschedule(id_)
    mandate_id = transaction.body("gocardless", id_)["links"]["mandate"]
    if transaction.body("gocardless", mandate_id)["status"] in {"pending_submission", "submitted"}:
        mandates.activate(transaction, mandate_id)
    payments.confirm(transaction, id_)


def _paid_out(transaction: Transaction, id_: str) -> None:
    _confirmed(transaction, id_)
    payouts.pay_out(transaction, transaction.body("gocardless", id_)["links"]["creditor"], only=id_, even_negative=True)
    transaction.unschedule(id_)


def _charged_back(transaction: Transaction, id_: str) -> None:
    if transaction.body("gocardless", id_)["status"] != "paid_out":
        _paid_out(transaction, id_)
    payments.take_back(transaction, id_, action="charged_back", cause="refund_requested", reason_code="MD06")


def _late_failure(transaction: Transaction, id_: str) -> None:
    if _expect(transaction, id_, "payments", "pending_submission", "paid_out")["status"] == "pending_submission":
        _paid_out(transaction, id_)
    payments.take_back(transaction, id_, action="failed", cause="insufficient_funds", reason_code="AM04")


def _settled(begin: Callable[[Transaction, str], None]) -> Callable[[Transaction, str], None]:
    def run(transaction: Transaction, id_: str) -> None:
        begin(transaction, id_)
        creditor = transaction.body("gocardless", id_)["links"]["creditor"]
        payouts.pay_out(transaction, creditor, only=id_, even_negative=True)

    return run


def _mandate_activated(transaction: Transaction, id_: str) -> None:
    _expect(transaction, id_, "mandates", "pending_submission", "submitted")
    transaction.unschedule(id_)
    mandates.activate(transaction, id_)


def _mandate_failed(transaction: Transaction, id_: str) -> None:
    _expect(transaction, id_, "mandates", "pending_submission", "submitted")
    mandates.end(transaction, id_, status="failed", cause="invalid_bank_details", origin="bank", reason_code="AC01")


def _mandate_expired(transaction: Transaction, id_: str) -> None:
    _expect(transaction, id_, "mandates", "pending_submission", "submitted", "active")
    mandates.end(transaction, id_, status="expired", cause="mandate_expired", origin="gocardless")


def _refund(status: str, *starts: str) -> Callable[[Transaction, str], None]:
    def run(transaction: Transaction, id_: str) -> None:
        _expect(transaction, id_, "refunds", *starts)
        transaction.unschedule(id_)
        refunds.move(transaction, id_, status)

    return run


def _refund_settled(transaction: Transaction, id_: str) -> None:
    refund = _expect(transaction, id_, "refunds", "created", "pending_submission", "submitted", "paid")
    transaction.unschedule(id_)
    if refund["status"] != "paid":
        refunds.move(transaction, id_, "paid")
    creditor = transaction.hidden("gocardless", id_)["creditor"]
    payouts.pay_out(transaction, creditor, only=id_, even_negative=True)


def _payout_bounced(transaction: Transaction, id_: str) -> None:
    _expect(transaction, id_, "payouts", "paid")
    payouts.bounce(transaction, id_)


SIMULATORS: dict[str, Callable[[Transaction, str], None]] = {
    "payment_submitted": _submitted,
    "payment_confirmed": _confirmed,
    "payment_paid_out": _paid_out,
    "payment_failed": _failed,
    "payment_charged_back": _charged_back,
    "payment_chargeback_settled": _settled(_charged_back),
    "payment_late_failure": _late_failure,
    "payment_late_failure_settled": _settled(_late_failure),
    "mandate_activated": _mandate_activated,
    "mandate_failed": _mandate_failed,
    "mandate_expired": _mandate_expired,
    "refund_paid": _refund("paid", "created", "pending_submission", "submitted"),
    "refund_settled": _refund_settled,
    "refund_bounced": _refund("bounced", "created", "pending_submission", "submitted", "paid"),
    "refund_returned": _refund("funds_returned", "created", "pending_submission"),
    "payout_bounced": _payout_bounced,
}


def run(transaction: Transaction, simulator: str, resource_id: str) -> Json:
    """Run one by name on one resource."""
    scenario = SIMULATORS.get(simulator)
    if scenario is None:
        raise GoCardlessRefusal.not_found()
    scenario(transaction, resource_id)
    return {"id": simulator}
