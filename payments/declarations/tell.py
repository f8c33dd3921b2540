"""What debtors are told of the transfers that they declared: once each.

A transfer that staff record from the declaration has the receipt's own message; it gets no second one.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from payments.declarations.models import Declaration, DeclarationPart, DeclarationTransition
from payments.models import Payment
from shared.access.models import LinkPurpose
from shared.invoices.models import Invoice
from shared.kit.money import Money
from shared.kit.words import gettext as _
from shared.messages import service as messages


def matched(session: Session, declaration: Declaration, payment: Payment) -> None:
    """Say that the transfer was found."""
    amount = Money(payment.amount_minor, payment.currency)
    facts = {"received": amount, "received_on": payment.received_on, "payment": payment.reference}
    _write(session, declaration, "declaration_matched", is_news=True, **facts)


def refused(session: Session, declaration: Declaration) -> None:
    """Say that it was not found, in the words of staff."""
    _write(session, declaration, "declaration_refused", answer=declaration.answer)


def in_the_books(session: Session, declaration: Declaration) -> None:
    """Say that the accounts show it."""
    _write(session, declaration, "declaration_matched", is_news=True, received=None, received_on=None, payment="")


def expired(session: Session, declaration: Declaration, *, is_open: bool) -> None:
    """Say that it did not arrive in time; `is_open`: something of its invoices is still to pay."""
    _write(session, declaration, "declaration_expired", is_open=is_open)


def _write(session: Session, declaration: Declaration, kind: str, *, is_news: bool = False, **facts: object) -> None:
    numbers = session.scalars(
        select(Invoice.number)
        .join(DeclarationPart, DeclarationPart.invoice_id == Invoice.id)
        .where(DeclarationPart.declaration_id == declaration.id)
        .order_by(Invoice.due_on, Invoice.id)
    ).all()
    steps = session.scalars(
        select(DeclarationTransition.id).where(DeclarationTransition.declaration_id == declaration.id)
    ).all()
    messages.write(
        session,
        kind=kind,
        debtor_id=declaration.debtor_id,
        also=declaration.contact_id,
        reason=lambda: _("You get this because a transfer was declared for this account."),
        dedupe_key=f"declaration:{declaration.id}:{len(steps)}",
        facts={
            "total": Money(declaration.amount_minor, declaration.currency),
            "paid_on": declaration.paid_on,
            "reference": declaration.reference,
            "bank_reference": declaration.bank_reference,
            "numbers": ", ".join(numbers),
            **facts,
        },
        link=LinkPurpose.NOTICE,
        subject_id=declaration.id,
        is_news=is_news,
    )
