"""Credit that could not be used while a payment in flight held its invoice: used in the commit in which the hold ends.

Whoever frees money of an invoice (a return, a refusal, an abandoned page, a refund) calls `use` before anything else looks
at what is open, so that no debit, reminder or page asks for what a credit note or money received has covered already.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Collection, Sequence

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from payments.models import Payment, PaymentAllocation
from payments.status import COLLECTED
from shared.company.queries import today_of
from shared.debtors.models import Debtor
from shared.disputes.models import DisputePart
from shared.invoices import amounts
from shared.invoices.models import Invoice, InvoiceKind
from shared.kit import clock
from shared.kit.db import among
from shared.ledger import service as ledger
from shared.ledger.models import Account, Phase, Transfer
from shared.ledger.rules import Part


def use(session: Session, debtor_id: uuid.UUID, freed: Sequence[Part]) -> None:
    """Settle freed invoices with what waited for them: credit notes that correct them, then money that was meant for them.

    The debtor is locked by the caller. What was used elsewhere meanwhile stays there. Any number of times, with one end.
    """
    if not freed:
        return
    session.flush()
    debtor = session.get_one(Debtor, debtor_id)
    occasion = ledger.Occasion(at=clock.now(), value_on=today_of(session, debtor.company_id))
    locked = amounts.lock(session, (part.invoice_id for part in freed))
    notes, money_for = _notes(session, list(locked)), _meant_for(session, list(locked))
    rows = ledger.lock_invoices(session, notes.keys() | money_for.keys())
    for invoice_id in sorted(rows):
        for note_id, minor in notes.get(invoice_id, ()):
            note = ledger.lock_invoices(session, [note_id])[note_id]
            taken = min(minor, note.open_minor, _available(rows[invoice_id]))
            if taken > 0:
                parts = [Part(invoice_id, taken)]
                ledger.apply_credit_note(session, debtor, credit_note_id=note_id, parts=parts, occasion=occasion)
                session.flush()
        money = min(money_for.get(invoice_id, 0), debtor.credit_minor, _available(rows[invoice_id]))
        if money > 0:
            ledger.apply_credit(session, debtor, [Part(invoice_id, money)], occasion)
            session.flush()


def _available(invoice: Invoice) -> int:
    return invoice.open_minor - invoice.held_minor


def _notes(session: Session, invoice_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[tuple[uuid.UUID, int]]]:
    """Invoice → open credit notes that correct it, and what of each is meant for it, the oldest first.

    A note that was written for the invoice is meant for it whole; one that a dispute chose, as far as the dispute said.
    """
    own = (Invoice.kind == InvoiceKind.CREDIT_NOTE, Invoice.open_minor > 0)
    found: dict[uuid.UUID, list[tuple[uuid.UUID, int]]] = {}
    written = session.execute(
        select(Invoice.credits_invoice_id.label("invoice_id"), Invoice.id, Invoice.open_minor)
        .where(*own, among(Invoice.credits_invoice_id, invoice_ids))
        .order_by(Invoice.id)
    )
    for row in written:
        found.setdefault(row.invoice_id, []).append((row.id, row.open_minor))
    chosen = session.execute(
        select(
            DisputePart.invoice_id,
            DisputePart.credit_note_id.label("id"),
            func.sum(DisputePart.credited_minor).label("minor"),
        )
        .join(Invoice, Invoice.id == DisputePart.credit_note_id)
        .where(*own, among(DisputePart.invoice_id, invoice_ids))
        .where(Invoice.credits_invoice_id.is_distinct_from(DisputePart.invoice_id))
        .group_by(DisputePart.invoice_id, DisputePart.credit_note_id)
        .order_by(DisputePart.credit_note_id)
    ).all()
    applied = _applied(session, {each.id for each in chosen})
    for each in chosen:
        minor = int(each.minor) - applied.get((each.id, each.invoice_id), 0)
        found.setdefault(each.invoice_id, []).append((each.id, minor))
    return found


def _applied(session: Session, note_ids: Collection[uuid.UUID]) -> dict[tuple[uuid.UUID, uuid.UUID | None], int]:
    """(note, invoice) → what of the note has settled the invoice."""
    if not note_ids:
        return {}
    rows = session.execute(
        select(Transfer.debit_owner, Transfer.credit_owner, func.sum(Transfer.amount_minor).label("minor"))
        .where(Transfer.debit_account == Account.RECEIVABLE, among(Transfer.debit_owner, note_ids))
        .group_by(Transfer.debit_owner, Transfer.credit_owner)
    )
    return {(row.debit_owner, row.credit_owner): int(row.minor) for row in rows}


def _meant_for(session: Session, invoice_ids: Sequence[uuid.UUID]) -> Counter[uuid.UUID]:
    """Invoice → money of payments for it that stands as credit, because something else held or settled it then."""
    sign = case((Transfer.credit_account == Account.CREDIT, 1), else_=-1)
    found: Counter[uuid.UUID] = Counter()
    for row in session.execute(
        select(
            PaymentAllocation.invoice_id,
            PaymentAllocation.amount_minor.label("wanted"),
            func.sum(sign * Transfer.amount_minor).label("credit"),
        )
        .join(Payment, Payment.id == PaymentAllocation.payment_id)
        .join(Transfer, Transfer.payment_id == Payment.id)
        .where(among(PaymentAllocation.invoice_id, invoice_ids), Payment.status.in_(COLLECTED))
        .where(Transfer.phase.in_((Phase.POSTED, Phase.POST)))
        .where((Transfer.credit_account == Account.CREDIT) | (Transfer.debit_account == Account.CREDIT))
        .group_by(PaymentAllocation.id)
    ):
        if row.credit > 0:
            found[row.invoice_id] += min(int(row.wanted), int(row.credit))
    return found
