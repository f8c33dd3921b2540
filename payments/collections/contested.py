"""What became of payments that were under way over money when it was contested: for the debtor and for staff."""

from __future__ import annotations

import enum
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from payments.collections.models import Collection
from payments.collections.tell import LEFT_MARKS
from payments.frozen import STOPPED
from payments.models import Means, Payment, PaymentAllocation
from payments.status import IN_FLIGHT, PaymentStatus
from shared.invoices.models import Invoice
from shared.kit.db import among
from shared.kit.money import Money


class Fate(enum.Enum):
    """What became of a payment over contested money."""

    UNDER_WAY = "under_way"
    """The debtor started it himself: it goes on unless he stops it."""
    STOPPING = "stopping"
    STOPPED = "stopped"
    LEFT = "left"
    """It had left for the bank: it will be debited."""


@dataclass(frozen=True, slots=True)
class Touching:
    """A payment that was under way over an invoice when it was contested."""

    payment_id: uuid.UUID
    reference: str
    means: Means
    money: Money
    charge_on: date | None
    numbers: tuple[str, ...]
    is_automatic: bool
    fate: Fate


def touching(
    session: Session, debtor_id: uuid.UUID, invoice_ids: Sequence[uuid.UUID], *, since: datetime
) -> list[Touching]:
    """Payments over these invoices that were under way when they were contested (`since`), and what became of them."""
    mine = select(PaymentAllocation.payment_id).where(among(PaymentAllocation.invoice_id, invoice_ids))
    rows = session.execute(
        select(Payment, Collection.reason)
        .outerjoin(Collection, Collection.payment_id == Payment.id)
        .where(Payment.debtor_id == debtor_id, Payment.id.in_(mine), Payment.created_at <= since)
        .where(or_(Payment.status.in_(IN_FLIGHT), Collection.reason.in_((STOPPED, *LEFT_MARKS))))
        .where(Payment.status != PaymentStatus.FAILED)  # the bank gave nothing, and another message says so
        .order_by(Payment.id)
    ).all()
    return [
        Touching(
            payment_id=payment.id,
            reference=payment.reference,
            means=payment.means,
            money=Money(payment.amount_minor, payment.currency),
            charge_on=payment.charge_on,
            numbers=_numbers(session, payment.id),
            is_automatic=payment.contact_id is None,
            fate=_fate(payment, reason or ""),
        )
        for payment, reason in rows
    ]


def _fate(payment: Payment, reason: str) -> Fate:
    if reason in LEFT_MARKS:
        return Fate.LEFT
    if reason == STOPPED:
        return Fate.STOPPING if payment.status in IN_FLIGHT else Fate.STOPPED
    if payment.means is Means.DEBIT and payment.contact_id is None and payment.status is not PaymentStatus.CANCELLED:
        return Fate.STOPPING
    return Fate.UNDER_WAY


def _numbers(session: Session, payment_id: uuid.UUID) -> tuple[str, ...]:
    rows = session.execute(
        select(Invoice.number, Invoice.due_on)
        .join(PaymentAllocation, PaymentAllocation.invoice_id == Invoice.id)
        .where(PaymentAllocation.payment_id == payment_id)
        .order_by(Invoice.due_on, Invoice.number)
    )
    return tuple(row.number for row in rows)
