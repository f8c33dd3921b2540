"""Verbs on invoices: freezing a part of one, and lifting the freeze."""

import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.debtors.service import lock_debtor
from shared.invoices.models import Freeze, FreezeKind, Invoice
from shared.kit import audit, clock, db
from shared.kit.actors import Actor
from shared.kit.errors import Conflict, Invalid, NotFound
from shared.kit.ids import new_id
from shared.kit.words import gettext as _


def freeze(
    session: Session,
    *,
    invoice_id: uuid.UUID,
    kind: FreezeKind,
    minor: int | None = None,
    reason: str,
    subject_id: uuid.UUID | None = None,
    by: Actor,
) -> Freeze:
    """Neither collect nor remind a part of an invoice from this commit on (I10); without `minor` all that is open.

    Locks the debtor, then the invoice. Raises Conflict("invoice.frozen") when so much is not left to freeze, Invalid for
    an amount of zero, NotFound.
    """
    debtor_id = session.scalar(select(Invoice.debtor_id).where(Invoice.id == invoice_id))
    if debtor_id is None:
        raise NotFound("invoice.missing", _("There is no such invoice."))
    lock_debtor(session, debtor_id)
    invoice = db.lock(session, Invoice, invoice_id)
    free = invoice.open_minor - invoice.frozen_minor
    wanted = free if minor is None else minor
    if minor is not None and minor <= 0:
        raise Invalid("invoice.freeze_amount", _("The amount must be more than zero."))
    if wanted <= 0 or wanted > free:
        raise Conflict("invoice.frozen", _("This invoice is already on hold, or nothing of it is open."))
    row = Freeze(
        id=new_id(),
        invoice_id=invoice.id,
        debtor_id=debtor_id,
        kind=kind,
        amount_minor=wanted,
        reason=reason.strip(),
        subject_id=subject_id,
        frozen_at=clock.now(),
    )
    session.add(row)
    invoice.frozen_minor += wanted
    session.flush()
    _record(session, by, "invoice.held", invoice, row)
    return row


def lift(session: Session, *, freeze_id: uuid.UUID, by: Actor) -> None:
    """End a freeze: the amount may be collected and reminded again. Twice is harmless; raises NotFound."""
    found = session.execute(select(Freeze.invoice_id, Freeze.debtor_id).where(Freeze.id == freeze_id)).one_or_none()
    if found is None:
        raise NotFound("freeze.missing", _("There is no such hold."))
    lock_debtor(session, found.debtor_id)
    invoice = db.lock(session, Invoice, found.invoice_id)
    row = db.lock(session, Freeze, freeze_id)
    if row.lifted_at is not None:
        return
    row.lifted_at = clock.now()
    invoice.frozen_minor -= row.amount_minor
    session.flush()
    _record(session, by, "invoice.lifted", invoice, row)


def _record(session: Session, by: Actor, action: str, invoice: Invoice, row: Freeze) -> None:
    audit.record(
        session,
        by,
        action,
        subject_type="invoice",
        subject_id=invoice.id,
        company_id=invoice.company_id,
        debtor_id=invoice.debtor_id,
        after={
            "freeze": str(row.id),
            "kind": row.kind.value,
            "minor": row.amount_minor,
            "number": invoice.number,
            "reason": row.reason,
        },
    )
