"""Nightly: what differs from the provider is asked about again, and what still differs is told to staff."""

from __future__ import annotations

import logging

from sqlalchemy import select

from payments.follow import follow
from payments.gateways.choose import providers_in_use
from payments.models import Payment, Refund
from payments.payouts.take import take_payouts
from payments.reconcile.proof import Difference, Proof
from payments.reconcile.verify import verify
from shared.kit.db import reading
from shared.kit.errors import DomainError

log = logging.getLogger(__name__)


def mend() -> Proof:
    """Compare everything, follow each payment that differs, book what payout is missing, compare again.

    What remains is logged for the operator.
    """
    proof = verify()
    for difference in proof.differences:
        _follow(difference)
    for provider in providers_in_use():
        if any(one.check.startswith(f"{provider.value} payout") for one in proof.differences):
            take_payouts(provider, however_old=True)
    if proof.is_clean:
        return proof
    again = verify()
    for difference in again.differences:
        log.error("the books differ: %s", difference)
    return again


def _follow(difference: Difference) -> None:
    with reading() as session:
        payment_id = session.scalar(select(Payment.id).where(Payment.provider_reference == difference.subject))
        if payment_id is None:
            refund = select(Refund.payment_id).where(Refund.provider_reference == difference.subject)
            payment_id = session.scalar(refund)
    if payment_id is None:
        return
    try:
        follow(payment_id)
    except DomainError as error:
        log.warning("could not mend %s: %s", difference.subject, error.code)
    except Exception:
        log.exception("could not mend %s: the others go on", difference.subject)
