"""Whether a contested invoice was paid as an answer, told from the ledger alone.

A debit that had left for the bank before the dispute was raised cannot be stopped. When its money comes, nobody has
given in: the dispute goes on. It is settled when the debtor (or a credit note) paid after he had contested.
"""

from __future__ import annotations

import uuid

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, aliased

from shared.disputes.models import Dispute, DisputePart
from shared.disputes.steps import lock_dispute
from shared.invoices.models import Invoice
from shared.ledger.models import Account, Phase, Transfer


def is_settled(session: Session, dispute_id: uuid.UUID) -> bool:
    """Whether nothing contested is open, and money that settled it was set moving after the dispute was raised."""
    dispute = lock_dispute(session, dispute_id)
    invoices = select(DisputePart.invoice_id).where(DisputePart.dispute_id == dispute_id)
    if session.scalar(select(Invoice.id).where(Invoice.id.in_(invoices), Invoice.open_minor > 0).limit(1)):
        return False
    begun = aliased(Transfer)
    was_under_way = (
        select(begun.id)
        .where(begun.payment_id == Transfer.payment_id, begun.at < dispute.opened_at)
        .correlate(Transfer)
        .exists()
    )
    settled = (
        select(Transfer.id)
        .where(Transfer.debtor_id == dispute.debtor_id, Transfer.credit_account == Account.RECEIVABLE)
        .where(Transfer.credit_owner.in_(invoices))
        .where(Transfer.phase.in_((Phase.POSTED, Phase.POST)), Transfer.at >= dispute.opened_at)
        .where(or_(Transfer.payment_id.is_(None), ~was_under_way))
        .limit(1)
    )
    return session.scalar(settled) is not None


def came_back(session: Session, dispute_id: uuid.UUID) -> bool:
    """Whether something of a settled dispute's invoices is open (again)."""
    still_open = (
        select(func.count())
        .select_from(Dispute)
        .join(DisputePart, DisputePart.dispute_id == Dispute.id)
        .join(Invoice, Invoice.id == DisputePart.invoice_id)
        .where(Dispute.id == dispute_id, Invoice.open_minor > 0)
    )
    return bool(session.scalar(still_open))
