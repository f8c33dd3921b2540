"""Contested payments as both doors show them."""

from __future__ import annotations

import uuid
from collections.abc import Collection as Some
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from payments.chargebacks.models import Chargeback, ChargebackPart, ChargebackTransition
from payments.chargebacks.rules import FREEZES, ChargebackKind, ChargebackState
from payments.labels import why_for_staff
from payments.models import Payment
from shared.invoices.models import Invoice
from shared.kit.db import among
from shared.kit.money import Money


@dataclass(frozen=True, slots=True)
class ChargebackLine:
    """One contested payment."""

    id: uuid.UUID
    debtor_id: uuid.UUID
    debtor_name: str
    payment_id: uuid.UUID
    payment_reference: str
    reference: str
    kind: ChargebackKind
    state: ChargebackState
    code: str
    why: str
    provider_reference: str | None
    amount: Money
    answer_by: datetime | None
    due_on: date
    outcome_note: str
    wished_by_id: uuid.UUID | None
    wished_by_name: str
    assigned_to: uuid.UUID | None
    assigned_name: str
    created_at: datetime
    ended_at: datetime | None

    @property
    def is_live(self) -> bool:
        return self.state in FREEZES

    @property
    def is_to_decide(self) -> bool:
        return self.state is ChargebackState.TO_DECIDE

    @property
    def waits_for_us(self) -> bool:
        """Whether somebody must act before its day."""
        return self.state in (ChargebackState.OPEN, ChargebackState.TO_DECIDE)


@dataclass(frozen=True, slots=True)
class PartLine:
    """So much of one invoice."""

    invoice_id: uuid.UUID
    number: str
    due_on: date
    amount: Money
    open: Money


def line(row: Chargeback, debtor_name: str, payment_reference: str) -> ChargebackLine:
    """A row with the names that people know."""
    return ChargebackLine(
        id=row.id,
        debtor_id=row.debtor_id,
        debtor_name=debtor_name,
        payment_id=row.payment_id,
        payment_reference=payment_reference,
        reference=row.reference,
        kind=row.kind,
        state=row.state,
        code=row.code,
        why=str(why_for_staff(row.code)),
        provider_reference=row.provider_reference,
        amount=Money(row.amount_minor, row.currency),
        answer_by=row.answer_by,
        due_on=row.due_on,
        outcome_note=row.outcome_note,
        wished_by_id=row.wished_by_id,
        wished_by_name=row.wished_by_name,
        assigned_to=row.assigned_to,
        assigned_name=row.assigned_name,
        created_at=row.created_at,
        ended_at=row.ended_at,
    )


def parts_of(session: Session, chargeback_id: uuid.UUID) -> list[PartLine]:
    """What it opened again, the oldest due first."""
    rows = session.execute(
        select(ChargebackPart.amount_minor, Invoice)
        .join(Invoice, Invoice.id == ChargebackPart.invoice_id)
        .where(ChargebackPart.chargeback_id == chargeback_id)
        .order_by(Invoice.due_on, Invoice.id)
    ).all()
    return [
        PartLine(
            invoice.id,
            invoice.number,
            invoice.due_on,
            Money(minor, invoice.currency),
            Money(invoice.open_minor, invoice.currency),
        )
        for minor, invoice in rows
    ]


def steps_of(session: Session, chargeback_id: uuid.UUID) -> Sequence[ChargebackTransition]:
    """Every step and note, in order."""
    return session.scalars(
        select(ChargebackTransition)
        .where(ChargebackTransition.chargeback_id == chargeback_id)
        .order_by(ChargebackTransition.step)
    ).all()


def of_payment(session: Session, payment_id: uuid.UUID) -> ChargebackLine | None:
    """The latest case of a payment, for the pages that show it."""
    row = session.execute(
        select(Chargeback, Payment.reference)
        .join(Payment, Payment.id == Chargeback.payment_id)
        .where(Chargeback.payment_id == payment_id)
        .order_by(Chargeback.opened_step.desc())
        .limit(1)
    ).one_or_none()
    return line(row[0], "", row[1]) if row else None


def is_contested(session: Session, payment_id: uuid.UUID) -> bool:
    """Whether a live case freezes what a payment had settled."""
    live = select(Chargeback.id).where(Chargeback.payment_id == payment_id, Chargeback.state.in_(FREEZES))
    return session.scalar(live.limit(1)) is not None


def contested_minor(session: Session, invoice_ids: Some[uuid.UUID]) -> dict[uuid.UUID, int]:
    """Invoice → what live cases freeze of it, in minor units."""
    rows = session.execute(
        select(ChargebackPart.invoice_id, ChargebackPart.amount_minor)
        .join(Chargeback, Chargeback.id == ChargebackPart.chargeback_id)
        .where(among(ChargebackPart.invoice_id, invoice_ids), Chargeback.state.in_(FREEZES))
    )
    found: dict[uuid.UUID, int] = {}
    for row in rows:
        found[row.invoice_id] = found.get(row.invoice_id, 0) + row.amount_minor
    return found
