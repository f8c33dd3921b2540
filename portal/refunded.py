"""Of which invoices money was given back, and when: for pages that would else only say that they are to pay."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import date
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, exists

from payments.collections.standing import GOES_BACK, refunded_of
from payments.models import Payment, Refund
from shared.access.queries import Visitor
from shared.invoices.queries import InvoiceRow
from shared.kit.db import reading

HAS_REFUND = exists().where(
    Payment.debtor_id == bindparam("debtor_id"),
    Refund.payment_id == Payment.id,
    Refund.status.in_(GOES_BACK),
    Refund.asked_again_at.is_(None),
)
"""Whether an account was given money back: asked with its standing, since most were not and are asked no more."""


def refunded_on(visitor: Visitor, rows: Iterable[InvoiceRow]) -> dict[uuid.UUID, date]:
    """Open invoice → the day on which money of it was given back, while no person has asked for it again."""
    if not any(row.open_minor and not row.is_credit_note for row in rows):
        return {}
    zone = ZoneInfo(visitor.company.zone)
    with reading() as session:
        found = refunded_of(session, visitor.debtor_id)
    return {invoice_id: at.astimezone(zone).date() for invoice_id, at in found.items()}
