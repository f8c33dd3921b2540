"""What the debtor is told when a contested payment comes to its end: once, in the commit in which it does."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from payments.chargebacks.models import Chargeback, ChargebackPart
from payments.models import Payment
from shared.access.models import LinkPurpose
from shared.invoices.models import Invoice
from shared.kit.money import Money
from shared.kit.words import gettext as _
from shared.messages import service as messages


def won(session: Session, chargeback: Chargeback, payment: Payment) -> None:
    """The payment counts again."""
    _write(session, chargeback, "chargeback_won", {"reference": payment.reference})


def owed(session: Session, chargeback: Chargeback, text: str) -> None:
    """It is asked for again."""
    _write(session, chargeback, "chargeback_owed", {"text": text})


def given_up(session: Session, chargeback: Chargeback, text: str, *, minor: int) -> None:
    """So much of it, in minor units, is not asked for any more."""
    facts = {"text": text, "given_up": Money(minor, chargeback.currency)}
    _write(session, chargeback, "chargeback_given_up", facts)


def _write(session: Session, chargeback: Chargeback, kind: str, facts: dict[str, Any]) -> None:
    session.flush()
    rows = session.execute(
        select(Invoice.number, Invoice.due_on, Invoice.open_minor, Invoice.held_minor, ChargebackPart.amount_minor)
        .join(ChargebackPart, ChargebackPart.invoice_id == Invoice.id)
        .where(ChargebackPart.chargeback_id == chargeback.id)
        .order_by(Invoice.due_on, Invoice.number)
    ).all()
    still = sum(min(row.amount_minor, row.open_minor - row.held_minor) for row in rows)
    under_way = sum(min(row.amount_minor, row.held_minor) for row in rows)
    payment = session.get_one(Payment, chargeback.payment_id)
    messages.write(
        session,
        kind=kind,
        debtor_id=chargeback.debtor_id,
        facts={
            "total": Money(chargeback.amount_minor, chargeback.currency),
            "still": Money(still, chargeback.currency),
            "under_way": Money(under_way, chargeback.currency),
            "numbers": ", ".join(row.number for row in rows),
            "first_due_on": min((row.due_on for row in rows), default=date.max),
            "payment_reference": payment.reference,
            **facts,
        },
        link=LinkPurpose.NOTICE,
        reason=lambda: _("You get this because you made or receive payments of this account."),
        dedupe_key=f"chargeback:{chargeback.id}:{kind}:{chargeback.ended_at}",
        subject_id=chargeback.id,
    )
