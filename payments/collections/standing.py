"""What stands against a debtor's invoices beside payments and holds: his credit, banks that contest, refunds."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Text, case, cast, exists, func, or_, select
from sqlalchemy.orm import Session

from payments.chargebacks.models import Chargeback, ChargebackPart
from payments.chargebacks.rules import FREEZES
from payments.collections.models import Collection
from payments.deciding import Owed, spread_credit
from payments.frozen import LEFT, LEFT_OTHERWISE, claimed
from payments.models import Means, Payment, PaymentAllocation, Refund
from payments.status import IN_FLIGHT, PaymentStatus, RefundStatus
from shared.debtors.models import Debtor
from shared.invoices.models import Invoice, InvoiceKind
from shared.ledger.models import Account, Kind, Transfer

GOES_BACK = (RefundStatus.APPROVED, RefundStatus.SUBMITTED, RefundStatus.DONE)


@dataclass(frozen=True, slots=True)
class Standing:
    """Of one debtor's open invoices; amounts in minor units."""

    credit: Mapping[uuid.UUID, int] = field(default_factory=dict)
    """Invoice → what unapplied money and unused credit notes cover of it."""
    credit_left: int = 0
    """What of them covers no invoice outside a plan: it shortens plans at their end."""
    contested: frozenset[uuid.UUID] = frozenset()
    """A bank took money of them back, or wants to, and its case is not closed."""
    declared: Mapping[uuid.UUID, int] = field(default_factory=dict)
    """Invoice → what the debtor says to have paid and nothing pauses, because a payment held it when he said so."""
    refunded: Mapping[uuid.UUID, datetime] = field(default_factory=dict)
    """Of which we gave money back, with the moment; not what a person has said to be owed after all."""


def standing_of(session: Session, debtor: Debtor) -> Standing:
    """Read for the debtor, who is locked by the caller when something hangs on it."""
    refunded, declared = refunded_of(session, debtor.id), claimed(session, debtor.id)
    credit, left = _credit(session, debtor, refunded, declared)
    return Standing(credit, left, _contested(session, debtor.id), declared, refunded)


def _credit(
    session: Session, debtor: Debtor, refunded: Mapping[uuid.UUID, datetime], declared: Mapping[uuid.UUID, int]
) -> tuple[dict[uuid.UUID, int], int]:
    notes = session.execute(
        select(Invoice.credits_invoice_id, Invoice.open_minor)
        .where(Invoice.debtor_id == debtor.id, Invoice.kind == InvoiceKind.CREDIT_NOTE, Invoice.open_minor > 0)
        .order_by(Invoice.id)
    ).all()
    credit = session.scalar(select(Debtor.credit_minor).where(Debtor.id == debtor.id)) or 0
    if not notes and not credit:
        return {}, 0
    firm = _firmly_held(session, debtor.id)
    rows = session.execute(
        select(
            Invoice.id,
            Invoice.due_on,
            Invoice.open_minor,
            Invoice.elsewhere_minor,
            Invoice.autopay_excluded_at,
            (Invoice.frozen_minor + Invoice.paused_minor).label("covered"),  # what is not collected takes no credit
        )
        .where(Invoice.debtor_id == debtor.id, Invoice.kind == InvoiceKind.INVOICE, Invoice.open_minor > 0)
        .order_by(Invoice.due_on, Invoice.id)
    )
    owed = [
        Owed(
            row.id,
            row.due_on,
            max(0, row.open_minor - row.elsewhere_minor - row.covered - declared.get(row.id, 0) - firm.get(row.id, 0)),
            is_debited=row.autopay_excluded_at is None and row.id not in refunded,
        )
        for row in rows
    ]
    return spread_credit(
        owed, credit_minor=credit, notes=[(note.credits_invoice_id, note.open_minor) for note in notes]
    )


def _firmly_held(session: Session, debtor_id: uuid.UUID) -> dict[uuid.UUID, int]:
    """Invoice → what payments hold that we do not take back: what people started, and debits that the bank has."""
    rows = session.execute(
        select(PaymentAllocation.invoice_id, func.sum(PaymentAllocation.amount_minor).label("minor"))
        .join(Payment, Payment.id == PaymentAllocation.payment_id)
        .outerjoin(Collection, Collection.payment_id == Payment.id)
        .where(Payment.debtor_id == debtor_id, Payment.status.in_(IN_FLIGHT))
        .where(Collection.id.is_(None) | Collection.reason.in_((LEFT, LEFT_OTHERWISE)))
        .group_by(PaymentAllocation.invoice_id)
    )
    return {row.invoice_id: int(row.minor) for row in rows}


def _contested(session: Session, debtor_id: uuid.UUID) -> frozenset[uuid.UUID]:
    """Invoices of which a bank contests a payment, until its case is closed; also those of before there were cases."""
    rows = session.scalars(
        select(PaymentAllocation.invoice_id)
        .join(Payment, Payment.id == PaymentAllocation.payment_id)
        .where(Payment.debtor_id == debtor_id, Payment.status == PaymentStatus.CHARGED_BACK)
        .where(Payment.means == Means.CARD)
        .where(~exists().where(Chargeback.payment_id == Payment.id))
    )
    cases = session.scalars(
        select(ChargebackPart.invoice_id)
        .join(Chargeback, Chargeback.id == ChargebackPart.chargeback_id)
        .where(Chargeback.debtor_id == debtor_id, Chargeback.state.in_(FREEZES))
    )
    return frozenset(rows) | frozenset(cases)


def refunded_of(session: Session, debtor_id: uuid.UUID) -> dict[uuid.UUID, datetime]:
    """Invoices that a refund opened again, with the moment of the last one.

    Not all that its payment touched, nor those of which it wrote all of that off, nor what a person asks for again.
    """
    name = func.split_part(Transfer.provider_reference, "#", 1)
    opened = session.execute(
        select(
            Transfer.debit_owner,
            Refund.is_owed,
            func.sum(Transfer.amount_minor),
            func.min(Transfer.at),
            func.max(Transfer.at),
        )
        .join(Refund, Refund.payment_id == Transfer.payment_id)
        .where(or_(name == cast(Refund.id, Text), name == Refund.provider_reference))
        .where(Transfer.debtor_id == debtor_id, Transfer.kind == Kind.REFUND)
        .where(Transfer.debit_account == Account.RECEIVABLE, Refund.status.in_(GOES_BACK))
        .where(Refund.asked_again_at.is_(None))
        .group_by(Transfer.debit_owner, Refund.is_owed)
    ).all()
    found: dict[uuid.UUID, datetime] = {}
    for invoice_id, is_owed, minor, at, last in opened:
        # what is not owed is written off, unless another payment held it meanwhile: then a person says
        if invoice_id is not None and (is_owed or _written_off(session, invoice_id, since=at) < minor):
            found[invoice_id] = max(last, found.get(invoice_id, last))
    return found


def _written_off(session: Session, invoice_id: uuid.UUID, *, since: datetime) -> int:
    sign = case((Transfer.credit_owner == invoice_id, 1), else_=-1)  # what came after all is given up no more
    given_up = select(func.coalesce(func.sum(sign * Transfer.amount_minor), 0)).where(
        Transfer.kind == Kind.WRITE_OFF,
        or_(Transfer.credit_owner == invoice_id, Transfer.debit_owner == invoice_id),
        Transfer.at >= since,
    )
    return int(session.scalar(given_up) or 0)
