"""The facts that collections are decided on, read in one place for announcing, collecting and trying out."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from payments.collections.instalments import Instalment, instalments
from payments.collections.models import Collection, CollectionState
from payments.collections.rules import Facts
from payments.frozen import STOPPED
from payments.models import Mandate, Payment
from payments.status import GIVEN_UP, USABLE_MANDATES, PaymentStatus
from shared.company.models import Company
from shared.debtors.models import Debtor
from shared.invoices.models import Invoice, InvoiceKind

_ENDED = [*GIVEN_UP, PaymentStatus.CHARGED_BACK]


@dataclass(frozen=True, slots=True)
class Candidate:
    """An invoice that may be collected, with the facts of the moment."""

    invoice_id: uuid.UUID
    number: str
    facts: Facts
    instalment_id: None = None
    label: str = ""
    due_on: None = None


def debtors_to_consider(
    session: Session, company: Company, *, today: date, after: uuid.UUID | None, limit: int
) -> list[uuid.UUID]:
    """Debtors on autopay with an open invoice whose time of notice has come, or with such an instalment, by id, after one."""
    horizon = today + timedelta(days=company.notice_days)
    live = exists().where(Collection.invoice_id == Invoice.id, Collection.state == CollectionState.ANNOUNCED)
    query = (
        select(Debtor.id)
        .where(Debtor.company_id == company.id, Debtor.autopay)
        .where(
            exists().where(
                Invoice.debtor_id == Debtor.id,
                Invoice.kind == InvoiceKind.INVOICE,
                Invoice.open_minor > 0,
                Invoice.due_on <= horizon,
                ~live,
            )
        )
        .order_by(Debtor.id)
        .limit(limit)
    )
    found = set(session.scalars(query if after is None else query.where(Debtor.id > after)))
    if (source := instalments()) is not None:
        found |= set(source.debtors(session, company, until=horizon, after=after, limit=limit))
    return sorted(found)[:limit]


def candidates(session: Session, debtor: Debtor, *, until: date) -> list[Candidate]:
    """The open invoices due up to a day of a debtor on autopay, the oldest first."""
    if not debtor.autopay:
        return []
    live = exists().where(Collection.invoice_id == Invoice.id, Collection.state == CollectionState.ANNOUNCED)
    tried = (
        exists()
        .where(Collection.invoice_id == Invoice.id, Collection.payment_id == Payment.id)
        .where(Payment.status.in_(_ENDED), Collection.reason != STOPPED)
    )
    rows = session.execute(
        select(Invoice, live.label("has_live"), tried.label("was_tried"))
        .where(Invoice.debtor_id == debtor.id, Invoice.kind == InvoiceKind.INVOICE)
        .where(Invoice.open_minor > 0, Invoice.due_on <= until)
        .order_by(Invoice.due_on, Invoice.id)
    )
    return [
        Candidate(
            row.Invoice.id,
            row.Invoice.number,
            _facts(row.Invoice, debtor, has_live=row.has_live, was_tried=row.was_tried),
        )
        for row in rows
    ]


def wishes_of(session: Session, debtor: Debtor, *, until: date) -> list[Candidate | Instalment]:
    """All of a debtor's that may be announced: invoices on autopay, and instalments of his plans."""
    source = instalments()
    return [
        *candidates(session, debtor, until=until),
        *(source.candidates(session, debtor, until=until) if source else ()),
    ]


def facts_of(session: Session, debtor: Debtor, invoice_id: uuid.UUID) -> Facts:
    """One invoice's facts, read anew (under the debtor's lock, for the last look before a debit)."""
    invoice = session.get_one(Invoice, invoice_id, populate_existing=True)
    return _facts(invoice, debtor, has_live=True, was_tried=False)


def find_mandate(session: Session, debtor_id: uuid.UUID, wished: uuid.UUID | None = None) -> Mandate | None:
    """The mandate for a debtor's automatic debits: the one wished for if it can be used, else the newest."""
    usable: Sequence[Mandate] = session.scalars(
        select(Mandate)
        .where(Mandate.debtor_id == debtor_id, Mandate.status.in_(USABLE_MANDATES))
        .where(Mandate.provider_reference.is_not(None))
        .order_by(Mandate.id.desc())
    ).all()
    return next((mandate for mandate in usable if mandate.id == wished), usable[0] if usable else None)


def _facts(invoice: Invoice, debtor: Debtor, *, has_live: bool, was_tried: bool) -> Facts:
    return Facts(
        due_on=invoice.due_on,
        open_minor=invoice.open_minor,
        held_minor=invoice.held_minor,
        frozen_minor=invoice.frozen_minor + invoice.paused_minor,
        maximum_minor=debtor.autopay_maximum_minor,
        has_live=has_live,
        was_tried=was_tried,
        is_left_out=invoice.autopay_excluded_at is not None,
    )
