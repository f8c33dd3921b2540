"""Debits over money that was frozen after they were written: which they are.

A debit reserves its money when it is written; a dispute or a legal hold may freeze the same money later (a plan, promise
or declaration takes nothing that is reserved). The debit is too much when what is reserved and what is contested
together are more than what is open.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from sqlalchemy import ColumnElement, false, func, or_, select
from sqlalchemy.orm import Session

from payments.models import Means, Payment, PaymentAllocation
from payments.status import IN_FLIGHT
from shared.invoices.models import Freeze, FreezeKind, Invoice
from shared.kit.db import among
from shared.ledger import rules

STOPPED = "frozen"
LEFT = "frozen_too_late"
"""What the collection of a debit says: it was to be stopped for frozen money, or had left for the bank."""

LEFT_OTHERWISE = "left_before"
"""The same when it was to be stopped for another reason: the bank had it already."""

PAUSED = "paused"
"""The same of a debit that was announced for money which is promised, or said to be paid."""

DECLARED = "declared"
"""The same of a debit that was written already when its debtor said that he has paid."""

CONTESTED = (FreezeKind.DISPUTE, FreezeKind.LEGAL_HOLD)


def kinds(session: Session, invoice_id: uuid.UUID) -> set[FreezeKind]:
    """What freezes something of an invoice now."""
    live = select(Freeze.kind).where(Freeze.invoice_id == invoice_id, Freeze.lifted_at.is_(None))
    return set(session.scalars(live.distinct()))


def kinds_over(session: Session, payment_id: uuid.UUID) -> set[FreezeKind]:
    """What freezes something of a payment's invoices now."""
    invoices = session.scalars(select(PaymentAllocation.invoice_id).where(PaymentAllocation.payment_id == payment_id))
    return set[FreezeKind]().union(*(kinds(session, invoice_id) for invoice_id in invoices.all()))


def is_told_by_nobody(found: set[FreezeKind]) -> bool:
    """Whether a debit stopped for these is told of by us: a legal hold has no message of its own, and its ground is not said."""
    return FreezeKind.LEGAL_HOLD in found and FreezeKind.DISPUTE not in found


def contested_minor(session: Session, invoice_id: uuid.UUID) -> int:
    """What disputes and legal holds freeze of an invoice, in minor units."""
    return int(
        session.scalar(
            select(func.coalesce(func.sum(Freeze.amount_minor), 0)).where(
                Freeze.invoice_id == invoice_id, Freeze.lifted_at.is_(None), Freeze.kind.in_(CONTESTED)
            )
        )
        or 0
    )


def is_too_much(session: Session, invoice_id: uuid.UUID) -> bool:
    """Whether payments in flight reserve money of an invoice that is contested; its debtor is locked by the caller."""
    invoice = session.get_one(Invoice, invoice_id, populate_existing=True)
    return rules.is_too_much(
        open_minor=invoice.open_minor,
        held_minor=invoice.held_minor,
        contested_minor=contested_minor(session, invoice_id),
    )


def too_much(session: Session) -> list[tuple[uuid.UUID, uuid.UUID]]:
    """All invoices (with their debtors) of which payments in flight reserve contested money."""
    rows = session.execute(
        select(Invoice.id, Invoice.debtor_id)
        .join(Freeze, Freeze.invoice_id == Invoice.id)
        .where(Freeze.lifted_at.is_(None), Freeze.kind.in_(CONTESTED), Invoice.held_minor > 0)
        .group_by(Invoice.id)
        .having(Invoice.held_minor + func.sum(Freeze.amount_minor) > Invoice.open_minor)
        .order_by(Invoice.debtor_id, Invoice.id)
    )
    return [(row.id, row.debtor_id) for row in rows]


def takes_frozen(session: Session, payment_id: uuid.UUID) -> bool:
    """Whether a payment reserves money that is contested; its debtor is locked by the caller."""
    invoices = session.scalars(select(PaymentAllocation.invoice_id).where(PaymentAllocation.payment_id == payment_id))
    return any(is_too_much(session, invoice_id) for invoice_id in invoices.all())


def with_debits(session: Session, invoice_ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Which of the invoices debits in flight reserve money of."""
    found = (
        select(PaymentAllocation.invoice_id)
        .distinct()
        .join(Payment, Payment.id == PaymentAllocation.payment_id)
        .where(among(PaymentAllocation.invoice_id, invoice_ids))
        .where(Payment.means == Means.DEBIT, Payment.status.in_(IN_FLIGHT))
    )
    return sorted(session.scalars(found))


class Claims(Protocol):
    """A room above that knows what debtors say to have paid already, while a payment that holds it keeps it from being paused."""

    def unpaused(self, session: Session, debtor_id: uuid.UUID) -> Mapping[uuid.UUID, int]:
        """Invoice → what is said to be paid of it and nothing pauses, in minor units."""

    def of_invoice(self) -> ColumnElement[bool]:
        """Whether something of `Invoice` is said to be paid."""


_claims: list[Claims] = []


def who_knows_claims(claims: Claims) -> None:
    """Register such a room: no debit is made, or left standing, over what its debtor says to have paid."""
    if claims not in _claims:
        _claims.append(claims)


def claimed(session: Session, debtor_id: uuid.UUID) -> Counter[uuid.UUID]:
    """Invoice → what its debtor says to have paid and nothing pauses, in minor units."""
    found: Counter[uuid.UUID] = Counter()
    for claims in _claims:
        found.update(claims.unpaused(session, debtor_id))
    return found


def is_claimed() -> ColumnElement[bool]:
    """Whether something of `Invoice` is said to be paid: an expression for queries."""
    return or_(false(), *(claims.of_invoice() for claims in _claims))


Question = Callable[[Session, uuid.UUID], bool]
_stoppers: list[Question] = []


def who_stops(question: Question) -> Question:
    """Register a room above that may want a debit stopped: it is asked under the debtor's lock before the debit is sent."""
    _stoppers.append(question)
    return question


def is_stopped(session: Session, payment_id: uuid.UUID) -> bool:
    """Whether a debit no longer holds and is to be stopped; its debtor is locked by the caller."""
    return any(question(session, payment_id) for question in _stoppers)


def debits_in_flight(session: Session, invoice_id: uuid.UUID) -> list[Payment]:
    """The debits that reserve money of an invoice, the latest first."""
    return list(
        session.scalars(
            select(Payment)
            .join(PaymentAllocation, PaymentAllocation.payment_id == Payment.id)
            .where(PaymentAllocation.invoice_id == invoice_id)
            .where(Payment.means == Means.DEBIT, Payment.status.in_(IN_FLIGHT))
            .order_by(Payment.id.desc())
            .execution_options(populate_existing=True)
        )
    )
