"""What debtors are told of their promises, each once."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.access.models import LinkPurpose
from shared.debtors.models import Contact
from shared.invoices.models import Invoice
from shared.kit.money import Money
from shared.kit.words import gettext as _
from shared.messages import service as messages
from shared.promises.models import Promise, PromisePart, PromiseTransition


def made(session: Session, promise: Promise) -> None:
    """Confirm what was promised and what follows from it."""
    _write(session, promise, "promise_made", "made", is_change=promise.replaces_id is not None)


def broken(session: Session, promise: Promise) -> None:
    """Say that the money did not come, or went back, and that reminders go on."""
    steps = session.scalars(select(PromiseTransition.id).where(PromiseTransition.promise_id == promise.id)).all()
    _write(session, promise, "promise_broken", f"broken:{len(steps)}")


def cancelled(session: Session, promise: Promise, reason: str) -> None:
    """Say that staff ended it."""
    _write(session, promise, "promise_cancelled", "cancelled", reason=reason)


def _write(session: Session, promise: Promise, kind: str, key: str, **facts: object) -> None:
    numbers = session.scalars(
        select(Invoice.number)
        .join(PromisePart, PromisePart.invoice_id == Invoice.id)
        .where(PromisePart.promise_id == promise.id)
        .order_by(Invoice.due_on, Invoice.id)
    ).all()
    messages.write(
        session,
        kind=kind,
        debtor_id=promise.debtor_id,
        also=promise.contact_id,
        reason=lambda: _("You get this because a payment of this account was promised."),
        dedupe_key=f"promise:{promise.id}:{key}",
        facts={
            "total": Money(promise.amount_minor, promise.currency),
            "came": Money(promise.kept_minor, promise.currency),
            "missing": Money(promise.amount_minor - promise.kept_minor, promise.currency),
            "promised_on": promise.promised_on,
            "until_on": promise.until_on,
            "reference": promise.reference,
            "numbers": ", ".join(numbers),
            "said_by": _said_by(session, promise),
            **facts,
        },
        link=LinkPurpose.NOTICE,
        subject_id=promise.id,
    )


def _said_by(session: Session, promise: Promise) -> str:
    """Who promised, for the others who act for the account."""
    contact = session.get(Contact, promise.contact_id) if promise.contact_id is not None else None
    return (contact.name or contact.email) if contact is not None else ""
