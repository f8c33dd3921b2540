"""What whoever contests may choose from: invoices with their lines, and the reasons of the company."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.disputes.models import DisputeReason
from shared.disputes.rules import DEFAULT_REASONS, gross_of_line
from shared.invoices.models import FreezeKind, Invoice, InvoiceKind, InvoiceLine
from shared.invoices.service import left_to_freeze
from shared.kit.db import among
from shared.kit.errors import NotFound
from shared.kit.money import Money
from shared.kit.words import current_language
from shared.kit.words import gettext as _


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason as a person chooses it; `id` is None while the company's list is not written yet."""

    id: uuid.UUID | None
    code: str
    label_en: str
    label_fr: str
    deadline_days: int
    is_active: bool
    position: int

    @property
    def label(self) -> str:
        """In the language of the moment."""
        return self.label_fr if current_language() == "fr" else self.label_en


@dataclass(frozen=True, slots=True)
class Contestable:
    """An invoice that a debtor may contest: how much of it, and its lines with VAT."""

    invoice_id: uuid.UUID
    number: str
    title: str
    issued_on: date
    due_on: date
    currency: str
    total_minor: int
    open_minor: int
    left_minor: int
    """What may be contested: open, and not frozen already."""
    held_minor: int
    """Of that a payment in flight holds so much."""
    lines: Sequence[tuple[uuid.UUID, str, int]]
    """Id, description, amount with VAT."""

    def money(self, minor: int) -> Money:
        return Money(minor, self.currency)


def reasons(session: Session, company_id: uuid.UUID, *, with_inactive: bool = False) -> list[Reason]:
    """What a company lets debtors choose, by position; the defaults while its list is not written."""
    rows = session.scalars(
        select(DisputeReason)
        .where(DisputeReason.company_id == company_id)
        .order_by(DisputeReason.position, DisputeReason.code)
    ).all()
    if not rows:
        return [
            Reason(None, each.code, each.label_en, each.label_fr, each.deadline_days, True, position)
            for position, each in enumerate(DEFAULT_REASONS, start=1)
        ]
    return [reason_of(row) for row in rows if row.is_active or with_inactive]


def reason_of(row: DisputeReason) -> Reason:
    """A row as a frozen value."""
    return Reason(row.id, row.code, row.label_en, row.label_fr, row.deadline_days, row.is_active, row.position)


def contestable(
    session: Session, debtor_id: uuid.UUID, invoice_ids: Sequence[uuid.UUID] | None = None
) -> list[Contestable]:
    """A debtor's invoices of which something may be contested, by due day.

    With `invoice_ids` these alone, with their lines, also when nothing is left; raises NotFound when one of them is not
    the debtor's.
    """
    query = select(Invoice).where(Invoice.debtor_id == debtor_id, Invoice.kind == InvoiceKind.INVOICE)
    if invoice_ids is None:
        query = query.where(Invoice.open_minor > 0, Invoice.open_minor > Invoice.frozen_minor)
    else:
        query = query.where(among(Invoice.id, invoice_ids))
    rows = session.scalars(query.order_by(Invoice.due_on, Invoice.id)).all()
    if invoice_ids is not None and len(rows) != len(set(invoice_ids)):
        raise NotFound("invoice.missing", _("There is no such invoice."))
    lines: dict[uuid.UUID, list[tuple[uuid.UUID, str, int]]] = {}
    if invoice_ids is not None:
        for line in session.scalars(
            select(InvoiceLine)
            .where(among(InvoiceLine.invoice_id, [row.id for row in rows]))
            .order_by(InvoiceLine.invoice_id, InvoiceLine.position)
        ):
            gross = gross_of_line(line.net_minor, line.vat_rate)
            lines.setdefault(line.invoice_id, []).append((line.id, line.description, gross))
    return [
        Contestable(
            invoice_id=row.id,
            number=row.number,
            title=row.title,
            issued_on=row.issued_on,
            due_on=row.due_on,
            currency=row.currency,
            total_minor=row.total_minor,
            open_minor=row.open_minor,
            left_minor=left_to_freeze(row, FreezeKind.DISPUTE),
            held_minor=row.held_minor,
            lines=tuple(lines.get(row.id, ())),
        )
        for row in rows
    ]
