"""Verbs on invoices: freezing a part of one, resizing and lifting the freeze."""

import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.debtors.service import lock_debtor
from shared.invoices.models import PAUSES, Freeze, FreezeKind, Invoice
from shared.kit import audit, clock, db, outbox
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
    """Neither collect nor remind a part of an invoice from this commit on (I10); without `minor` all that is left.

    A dispute, plan or legal hold may take what a promise or declaration covers; these only what nothing covers yet. Of
    money that a payment in flight holds, a plan, promise or declaration takes nothing. Locks the debtor, then the
    invoice; publishes `invoice.frozen`. Raises Conflict("invoice.frozen") when so much is not left, Invalid for an amount
    of zero, NotFound.
    """
    invoice = _lock_invoice(session, invoice_id)
    free = left_to_freeze(invoice, kind)
    wanted = free if minor is None else minor
    if minor is not None and minor <= 0:
        raise Invalid("invoice.freeze_amount", _("The amount must be more than zero."))
    if wanted <= 0 or wanted > free:
        raise Conflict("invoice.frozen", _("This invoice is already on hold, or nothing of it is open."))
    return _write(session, invoice, kind, wanted, reason=reason, subject_id=subject_id, by=by)


def left_to_freeze(invoice: Invoice, kind: FreezeKind) -> int:
    """How much of an invoice this kind may still take."""
    free = invoice.open_minor - invoice.frozen_minor
    if kind in PAUSES:
        free -= invoice.paused_minor
    if kind in _LEAVES_FLIGHTS:
        free -= invoice.held_minor
    return max(0, free)


def resize(session: Session, *, freeze_id: uuid.UUID, minor: int, by: Actor) -> None:
    """Let a live freeze cover another amount (a plan's shrinks with what is settled, and grows when money goes back).

    An amount of zero lifts it. Raises Conflict("invoice.frozen") beyond the invoice's total or for a freeze that has
    ended, NotFound.
    """
    if minor <= 0:
        lift(session, freeze_id=freeze_id, by=by)
        return
    invoice, row = _locked(session, freeze_id)
    if row.lifted_at is not None or _covered(invoice, row.kind) - row.amount_minor + minor > invoice.total_minor:
        raise Conflict("invoice.frozen", _("This invoice is already on hold, or nothing of it is open."))
    if minor == row.amount_minor:
        return
    _add(invoice, row.kind, minor - row.amount_minor)
    row.amount_minor = minor
    session.flush()
    _record(session, by, "invoice.hold_resized", invoice, row)


def cover(
    session: Session,
    *,
    invoice_id: uuid.UUID,
    kind: FreezeKind,
    subject_id: uuid.UUID,
    minor: int,
    reason: str,
    by: Actor,
) -> int:
    """Let a subject freeze exactly so much of an invoice, whatever it froze before; gives what it freezes now.

    For money that was a plan's and went back: it is the plan's again in the same commit, beside a dispute that still
    freezes more than what is open, so that neither leaves a gap when the other lets go (I10). Never more in all than the
    invoice's total. Locks the debtor, then the invoice. Raises NotFound.
    """
    known = select(Freeze.id).where(
        Freeze.subject_id == subject_id, Freeze.invoice_id == invoice_id, Freeze.lifted_at.is_(None)
    )
    freeze_id = session.scalar(known)
    invoice = _lock_invoice(session, invoice_id)
    row = db.lock(session, Freeze, freeze_id) if freeze_id else None
    own = row.amount_minor if row else 0
    fits = max(0, min(minor, invoice.total_minor - (_covered(invoice, kind) - own)))
    if row is not None:
        resize(session, freeze_id=row.id, minor=fits, by=by)
    elif fits:
        _write(session, invoice, kind, fits, reason=reason, subject_id=subject_id, by=by)
    return fits


def lift(session: Session, *, freeze_id: uuid.UUID, by: Actor) -> None:
    """End a freeze: the amount may be collected and reminded again. Twice is harmless; raises NotFound.

    Publishes `invoice.lifted`.
    """
    invoice, row = _locked(session, freeze_id)
    if row.lifted_at is not None:
        return
    row.lifted_at = clock.now()
    _add(invoice, row.kind, -row.amount_minor)
    session.flush()
    _record(session, by, "invoice.lifted", invoice, row)
    outbox.publish(session, "invoice.lifted", {"invoice": str(invoice.id), "debtor": str(row.debtor_id)})


def lift_all(session: Session, *, subject_id: uuid.UUID, by: Actor) -> None:
    """End every live freeze of a dispute, plan, promise or declaration, in the order of their invoices."""
    for freeze_id in session.scalars(
        select(Freeze.id).where(Freeze.subject_id == subject_id, Freeze.lifted_at.is_(None)).order_by(Freeze.invoice_id)
    ).all():
        lift(session, freeze_id=freeze_id, by=by)


_LEAVES_FLIGHTS = frozenset({FreezeKind.PLAN, FreezeKind.PROMISE, FreezeKind.DECLARATION})


def _locked(session: Session, freeze_id: uuid.UUID) -> tuple[Invoice, Freeze]:
    found = session.execute(select(Freeze.invoice_id, Freeze.debtor_id).where(Freeze.id == freeze_id)).one_or_none()
    if found is None:
        raise NotFound("freeze.missing", _("There is no such hold."))
    lock_debtor(session, found.debtor_id)
    invoice = db.lock(session, Invoice, found.invoice_id)
    return invoice, db.lock(session, Freeze, freeze_id)


def _lock_invoice(session: Session, invoice_id: uuid.UUID) -> Invoice:
    debtor_id = session.scalar(select(Invoice.debtor_id).where(Invoice.id == invoice_id))
    if debtor_id is None:
        raise NotFound("invoice.missing", _("There is no such invoice."))
    lock_debtor(session, debtor_id)
    return db.lock(session, Invoice, invoice_id)


def _write(
    session: Session,
    invoice: Invoice,
    kind: FreezeKind,
    minor: int,
    *,
    reason: str,
    subject_id: uuid.UUID | None,
    by: Actor,
) -> Freeze:
    row = Freeze(
        id=new_id(),
        invoice_id=invoice.id,
        debtor_id=invoice.debtor_id,
        kind=kind,
        amount_minor=minor,
        reason=reason.strip(),
        subject_id=subject_id,
        frozen_at=clock.now(),
    )
    session.add(row)
    _add(invoice, kind, minor)
    session.flush()
    _record(session, by, "invoice.held", invoice, row)
    outbox.publish(session, "invoice.frozen", {"invoice": str(invoice.id), "debtor": str(invoice.debtor_id)})
    return row


def _covered(invoice: Invoice, kind: FreezeKind) -> int:
    return invoice.paused_minor if kind in PAUSES else invoice.frozen_minor


def _add(invoice: Invoice, kind: FreezeKind, minor: int) -> None:
    if kind in PAUSES:
        invoice.paused_minor += minor
    else:
        invoice.frozen_minor += minor


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
