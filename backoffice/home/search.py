"""One search over everything: a debtor's name or account, an invoice's number, the reference of a payment or dispute."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from flask import url_for
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from backoffice.listing import like
from payments.models import Payment
from shared.debtors.models import BY_NAME, Contact, Debtor, DebtorContact
from shared.debtors.service import searchable
from shared.disputes.models import Dispute
from shared.invoices.models import Invoice
from shared.kit.ids import normalise_reference
from shared.kit.money import Money

MOST = 12


@dataclass(frozen=True, slots=True)
class Hit:
    """Something found: where it is, what it is, and how much."""

    href: str
    title: str
    note: str
    amount: Money | None
    is_exact: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """Hits by kind."""

    debtors: list[Hit]
    invoices: list[Hit]
    payments: list[Hit]
    disputes: list[Hit]

    @property
    def everything(self) -> list[Hit]:
        return [*self.debtors, *self.invoices, *self.payments, *self.disputes]

    @property
    def only_one(self) -> Hit | None:
        """The one thing meant: the only hit, or the only exact one."""
        exact = [hit for hit in self.everything if hit.is_exact]
        if len(exact) == 1:
            return exact[0]
        return self.everything[0] if len(self.everything) == 1 else None


def search(session: Session, company_id: uuid.UUID, text: str) -> Found:
    """Look for a text; an empty one finds nothing."""
    if not text:
        return Found([], [], [], [])
    return Found(
        _debtors(session, company_id, text),
        _invoices(session, company_id, text),
        _payments(session, company_id, text),
        _disputes(session, company_id, text),
    )


def _debtors(session: Session, company_id: uuid.UUID, text: str) -> list[Hit]:
    query = select(Debtor.id, Debtor.name, Debtor.account_code, Debtor.open_minor, Debtor.currency)
    query = query.where(Debtor.company_id == company_id, Debtor.withdrawn_at.is_(None))
    if "@" in text:
        acting = select(DebtorContact.debtor_id).join(Contact, Contact.id == DebtorContact.contact_id)
        acting = acting.where(Contact.company_id == company_id, Contact.email == text.lower())
        query = query.where(Debtor.id.in_(acting.where(DebtorContact.removed_at.is_(None))))
    else:
        for word in searchable(text).split():
            query = query.where(Debtor.search_text.like(like(word)))
    return [
        Hit(
            url_for("backoffice.debtors.show", debtor_id=row.id),
            row.name,
            row.account_code,
            Money(row.open_minor, row.currency),
            is_exact=row.account_code.lower() == text.lower(),
        )
        for row in session.execute(query.order_by(BY_NAME, Debtor.id).limit(MOST))
    ]


def _invoices(session: Session, company_id: uuid.UUID, text: str) -> list[Hit]:
    begins = [Invoice.number.like(like(form).removeprefix("%")) for form in dict.fromkeys((text, text.upper()))]
    query = (
        select(Invoice.id, Invoice.number, Invoice.total_minor, Invoice.currency, Debtor.name)
        .join(Debtor, Debtor.id == Invoice.debtor_id)
        .where(Invoice.company_id == company_id, or_(*begins))
        .order_by(Invoice.number, Invoice.id)
        .limit(MOST)
    )
    return [
        Hit(
            url_for("backoffice.invoices.show", invoice_id=row.id),
            row.number,
            row.name,
            Money(row.total_minor, row.currency),
            is_exact=row.number.lower() == text.lower(),
        )
        for row in session.execute(query)
    ]


def _payments(session: Session, company_id: uuid.UUID, text: str) -> list[Hit]:
    names = [text, normalise_reference(text) or text]
    query = (
        select(Payment.id, Payment.reference, Payment.amount_minor, Payment.currency, Debtor.name)
        .join(Debtor, Debtor.id == Payment.debtor_id)
        .where(Payment.company_id == company_id)
        .where(
            or_(
                Payment.reference.in_(names),
                Payment.provider_reference == text,
                Payment.checkout_reference == text,
            )
        )
        .order_by(Payment.id.desc())
        .limit(MOST)
    )
    return [
        Hit(
            url_for("backoffice.payments.show", payment_id=row.id),
            row.reference,
            row.name,
            Money(row.amount_minor, row.currency),
            is_exact=row.reference in names,
        )
        for row in session.execute(query)
    ]


def _disputes(session: Session, company_id: uuid.UUID, text: str) -> list[Hit]:
    """A dispute by its whole reference, as people type it."""
    reference = normalise_reference(text)
    if reference is None:
        return []
    query = (
        select(Dispute.id, Dispute.reference, Dispute.claimed_minor, Dispute.currency, Debtor.name)
        .join(Debtor, Debtor.id == Dispute.debtor_id)
        .where(Dispute.company_id == company_id, Dispute.reference == reference)
    )
    return [
        Hit(
            url_for("backoffice.disputes.show", dispute_id=row.id),
            row.reference,
            row.name,
            Money(row.claimed_minor, row.currency),
            is_exact=True,
        )
        for row in session.execute(query)
    ]
