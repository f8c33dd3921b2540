"""The debtor's choice, invoice by invoice: taken out of automatic payment, and taken back in. The caller locks nothing."""

from __future__ import annotations

import uuid
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from payments.collections import service
from payments.collections.models import Collection, CollectionState
from payments.collections.tell import LEFT_MARKS
from payments.frozen import LEFT_OTHERWISE
from payments.mandates import collect as debit
from payments.models import Payment
from payments.status import IN_FLIGHT
from shared.access.models import LinkPurpose
from shared.company.queries import today_of
from shared.debtors.models import Debtor
from shared.debtors.service import lock_debtor
from shared.invoices.models import Invoice, InvoiceKind
from shared.kit import audit, clock, db
from shared.kit.actors import Actor
from shared.kit.db import retrying, transaction
from shared.kit.errors import Conflict, NotFound
from shared.kit.money import Money
from shared.kit.words import gettext as _
from shared.messages import service as messages

BY = Actor.system("collections")


def leave_out(session: Session, *, debtor_id: uuid.UUID, invoice_id: uuid.UUID, by: Actor) -> date:
    """Take one invoice out of automatic payment; gives the day by which it must be paid otherwise.

    An announced debit is withdrawn in the same commit, and everybody who got its notice is told. Twice is harmless.
    Raises NotFound for another debtor's invoice, Conflict("collection.under_way") when the debit is with the bank,
    Conflict("invoice.settled") when nothing is open.
    """
    debtor, invoice = _lock(session, debtor_id, invoice_id)
    pay_by = max(invoice.due_on, today_of(session, debtor.company_id))
    if invoice.autopay_excluded_at is not None:
        return pay_by
    if invoice.open_minor == 0:
        raise Conflict("invoice.settled", _("Nothing of this invoice is open any more."))
    if _is_under_way(session, invoice_id):
        raise Conflict(
            "collection.under_way", _("This debit is with the bank already: it can no longer be left out here.")
        )
    invoice.autopay_excluded_at = clock.now()
    service.withdraw(session, debtor_id, reason="left_out", invoice_ids=[invoice_id])
    session.flush()
    _record(session, invoice, "invoice.debit_left_out", by)
    messages.write(
        session,
        kind="debit_left_out",
        debtor_id=debtor_id,
        facts={
            "number": invoice.number,
            "total": Money(invoice.open_minor - invoice.held_minor, invoice.currency),
            "pay_by": pay_by,
            "name": by.name,
        },
        link=LinkPurpose.NOTICE,
        reason=lambda: _("You get this because your invoices are paid by direct debit."),
        dedupe_key=f"left-out:{invoice.id}:{invoice.autopay_excluded_at.isoformat()}",
        subject_id=invoice.id,
    )
    return pay_by


def stop_written(*, debtor_id: uuid.UUID, invoice_id: uuid.UUID) -> None:
    """Before an invoice is left out: cancel its automatic debit at the provider, if one is written.

    Raises Conflict("collection.under_way") when the provider says that the bank has it; Unavailable when it does not answer, or
    answers what says nothing of that.
    """

    def mark() -> uuid.UUID | None:
        with transaction() as session:
            lock_debtor(session, debtor_id)
            row = session.scalar(
                select(Collection)
                .join(Payment, Payment.id == Collection.payment_id)
                .where(Collection.invoice_id == invoice_id, Collection.debtor_id == debtor_id)
                .where(Payment.status.in_(IN_FLIGHT))
                .with_for_update(of=Collection)
            )
            if row is None or row.reason in LEFT_MARKS:
                return None
            row.reason = "left_out"
            return row.payment_id

    payment_id = retrying(mark)
    if payment_id is None:
        return
    status = retrying(lambda: debit.drop_marked(payment_id, by=BY))
    if status not in IN_FLIGHT:
        return
    try:
        debit.cancel(payment_id, debtor_id, BY)
    except debit.Left as left:
        retrying(lambda: _has_left(payment_id))
        raise Conflict(
            "collection.under_way", _("This debit is with the bank already: it can no longer be left out here.")
        ) from left


def _has_left(payment_id: uuid.UUID) -> None:
    with transaction() as session:
        row = session.scalars(select(Collection).where(Collection.payment_id == payment_id).with_for_update()).one()
        row.reason = LEFT_OTHERWISE


def take_back(session: Session, *, debtor_id: uuid.UUID, invoice_id: uuid.UUID, by: Actor) -> None:
    """Let an invoice be debited by itself after all: the next run announces it with its whole notice. Twice is harmless."""
    _debtor, invoice = _lock(session, debtor_id, invoice_id)
    if invoice.autopay_excluded_at is None:
        return
    invoice.autopay_excluded_at = None
    session.flush()
    _record(session, invoice, "invoice.debit_taken_back", by)


def _lock(session: Session, debtor_id: uuid.UUID, invoice_id: uuid.UUID) -> tuple[Debtor, Invoice]:
    debtor = lock_debtor(session, debtor_id)
    known = select(Invoice.id).where(
        Invoice.id == invoice_id, Invoice.debtor_id == debtor_id, Invoice.kind == InvoiceKind.INVOICE
    )
    if session.scalar(known) is None:
        raise NotFound("invoice.missing", _("There is no such invoice."))
    return debtor, db.lock(session, Invoice, invoice_id)


def _is_under_way(session: Session, invoice_id: uuid.UUID) -> bool:
    query = (
        select(Collection.id)
        .join(Payment, Payment.id == Collection.payment_id)
        .where(Collection.invoice_id == invoice_id, Collection.state == CollectionState.CREATED)
        .where(Payment.status.in_(IN_FLIGHT))
    )
    return session.scalar(query.limit(1)) is not None


def _record(session: Session, invoice: Invoice, action: str, by: Actor) -> None:
    audit.record(
        session,
        by,
        action,
        subject_type="invoice",
        subject_id=invoice.id,
        company_id=invoice.company_id,
        debtor_id=invoice.debtor_id,
        after={"number": invoice.number},
    )
