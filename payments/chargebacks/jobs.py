"""What the clock and the news ask of contested payments. Loading this module lets their cases follow the payments."""

from __future__ import annotations

import uuid
from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from payments import returns as _staff  # noqa: F401 - staff hear of each step from here on
from payments.chargebacks import service
from payments.chargebacks.models import Chargeback, ChargebackPart
from payments.chargebacks.rules import WARN_DAYS, ChargebackState
from payments.models import Payment, PaymentAllocation
from payments.status import PaymentStatus
from shared.company.queries import todays
from shared.invoices.models import Invoice
from shared.kit.db import among, reading, retrying, transaction
from shared.kit.each import act_on_each
from shared.kit.jobs import duty, job, on

C = ChargebackState


@duty(every=timedelta(minutes=30))
@job("chargebacks.watch", exclusive=True, timeout_s=900)
def watch(_payload: dict[str, Any]) -> None:
    """Open what has no case, close what was paid or credited otherwise, and warn of deadlines.

    Safe to run twice: each is looked at under its lock.
    """
    with reading() as session:
        caseless = _without_case(session)
        paid = _paid(session, None)
        near = [
            chargeback_id
            for company_id, today in todays(session).items()
            for chargeback_id in session.scalars(
                select(Chargeback.id)
                .where(Chargeback.company_id == company_id, Chargeback.state.in_((C.OPEN, C.TO_DECIDE)))
                .where(Chargeback.due_on <= today + timedelta(days=WARN_DAYS))
                .where(Chargeback.warned_on.is_distinct_from(Chargeback.due_on))
                .order_by(Chargeback.id)
            )
        ]
    acts = (
        [partial(_open, each) for each in caseless]
        + [partial(_settle, each) for each in paid]
        + [partial(_warn, each) for each in near]
    )
    act_on_each(acts, retrying)


@on("payment.confirmed")
@job("chargebacks.after_payment")
def after_payment(payload: dict[str, Any]) -> None:
    """Close what a payment has settled. Safe to run twice: what is closed stays so."""
    with reading() as session:
        found = _paid(session, uuid.UUID(payload["debtor_id"]))
    act_on_each([partial(_settle, each) for each in found], retrying)


def _paid(session: Session, debtor_id: uuid.UUID | None) -> list[uuid.UUID]:
    """Cases to decide of which nothing is open any more; of one without parts, nothing of what its payment was meant for."""
    rows = select(ChargebackPart.id).where(ChargebackPart.chargeback_id == Chargeback.id)
    still = rows.join(Invoice, Invoice.id == ChargebackPart.invoice_id).where(Invoice.open_minor > 0)
    meant = select(PaymentAllocation.id).where(PaymentAllocation.payment_id == Chargeback.payment_id)
    meant = meant.join(Invoice, Invoice.id == PaymentAllocation.invoice_id).where(Invoice.open_minor > 0)
    is_over = or_(and_(rows.exists(), ~still.exists()), and_(~rows.exists(), ~meant.exists()))
    query = select(Chargeback.id).where(Chargeback.state == C.TO_DECIDE, is_over)
    if debtor_id is not None:
        query = query.where(Chargeback.debtor_id == debtor_id)
    return list(session.scalars(query.order_by(Chargeback.id)))


def _without_case(session: Session) -> list[uuid.UUID]:
    """Payments that a bank took back before there were cases: nothing else would ever let their invoices be debited."""
    known = select(Chargeback.id).where(Chargeback.payment_id == Payment.id)
    back = (among(Payment.company_id, todays(session)), Payment.status == PaymentStatus.CHARGED_BACK)
    return list(session.scalars(select(Payment.id).where(*back, ~known.exists()).order_by(Payment.id)))


def _open(payment_id: uuid.UUID) -> None:
    with transaction() as session:
        service.open_late(session, payment_id=payment_id)


def _settle(chargeback_id: uuid.UUID) -> None:
    with transaction() as session:
        service.settle(session, chargeback_id=chargeback_id)


def _warn(chargeback_id: uuid.UUID) -> None:
    with transaction() as session:
        service.warn(session, chargeback_id=chargeback_id)
