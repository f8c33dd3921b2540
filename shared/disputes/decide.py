"""Ending a dispute and opening it again: in the caller's session, the money in the same commit."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shared.attachments.service import Checked
from shared.company.queries import day_of, today_of
from shared.debtors.models import Debtor
from shared.disputes import tell
from shared.disputes.credit import Told, make_note, open_note
from shared.disputes.models import Dispute, DisputePart, DisputeReason, EntryKind, PartOutcome
from shared.disputes.queries import policy_of
from shared.disputes.rules import LIVE, Status, day_owed_again, may_reopen
from shared.disputes.steps import (
    advance,
    clean,
    enter,
    freeze_parts,
    keep_files,
    left_of,
    lock_dispute,
    lock_live,
    parts_of,
    pause_rest,
    thaw,
    write_line,
)
from shared.invoices.models import FreezeKind, Invoice
from shared.kit import clock, db
from shared.kit.actors import Actor
from shared.kit.db import among
from shared.kit.errors import Conflict, Invalid, Refused
from shared.kit.words import gettext as _
from shared.ledger import service as ledger
from shared.ledger.rules import Part


@dataclass(frozen=True, slots=True)
class CreditWish:
    """How an acceptance credits: amounts with VAT by part; a note that is made now, or one that is there already."""

    minors: Mapping[uuid.UUID, int] = field(default_factory=dict)
    """By id of DisputePart. A part that is not named, or with 0, stays owed."""
    number: str = ""
    """Number of the credit note to make; "" gives `sheets.StaffSheet.suggested_number`. Of several invoices the second
    note is numbered "…-2"."""
    credit_note_id: uuid.UUID | None = None
    """An open credit note of this debtor to use instead of making one."""
    vat_rate: Decimal | None = None
    """In percent; asked for only when an invoice says nothing of its VAT (`StaffSheet.needs_vat_rate`)."""
    vat_category: str = ""
    """Why there is no VAT, one of `rules.UNTAXED`; asked for only when an invoice bears 0 % and does not say why
    (`StaffSheet.needs_vat_category`)."""
    exemption_reason: str = ""
    """Its mention on the paper; "" are the usual words of the category. An exemption (E) needs its article."""


def accept(
    session: Session,
    *,
    dispute_id: uuid.UUID,
    credit: CreditWish,
    text: str,
    by: Actor,
    owed_again_on: date | None = None,
) -> None:
    """The debtor is right: credit what is named, at once on the invoices; the rest is owed again from a day on.

    Nothing at all may be credited, too (a corrected invoice was sent); then and whenever something stays owed the debtor
    is owed a word: raises Invalid without one. Also raises Invalid for more than is contested, a number that is taken, a
    missing VAT rate or category, a credit note with too little left; Conflict("dispute.closed").
    """
    dispute = lock_live(session, dispute_id)
    parts = parts_of(session, dispute.id)
    minors = _checked(parts, credit.minors)
    is_whole = all(minors[part.id] == part.amount_minor - part.credited_minor for part in parts)
    said = clean(text, is_needed=not is_whole)
    thaw(session, dispute, by=by)
    _credit(session, dispute, parts, minors, credit, by=by)
    rest = [part for part in parts if part.credited_minor < part.amount_minor]
    _owe_again(session, dispute, rest, owed_again_on, by=by)
    dispute.resolution = said
    dispute.decided_by_id, dispute.decided_by_name = by.id, by.name
    advance(session, dispute, Status.ACCEPTED, by=by, cause=said)
    tell.decided(session, dispute)


def _checked(parts: Sequence[DisputePart], minors: Mapping[uuid.UUID, int]) -> dict[uuid.UUID, int]:
    if unknown := set(minors) - {part.id for part in parts}:
        raise Invalid("dispute.part", _("This is no part of the dispute."), parts=len(unknown))
    wanted = {part.id: minors.get(part.id, 0) for part in parts}
    for part in parts:
        if not 0 <= wanted[part.id] <= part.amount_minor - part.credited_minor:
            raise Invalid("dispute.credit", _("No more can be credited than is contested."))
    return wanted


def _credit(
    session: Session,
    dispute: Dispute,
    parts: Sequence[DisputePart],
    minors: Mapping[uuid.UUID, int],
    wish: CreditWish,
    *,
    by: Actor,
) -> None:
    """Credit invoice by invoice, and use each note at once for its invoice as far as no payment in flight holds it."""
    debtor = session.get_one(Debtor, dispute.debtor_id)
    chosen = None
    if wish.credit_note_id is not None and any(minors.values()):
        chosen = open_note(session, debtor, wish.credit_note_id, minor=sum(minors.values()))
    by_invoice: dict[uuid.UUID, list[DisputePart]] = {}
    for part in parts:
        if minors[part.id]:
            by_invoice.setdefault(part.invoice_id, []).append(part)
    for turn, (invoice_id, contested) in enumerate(sorted(by_invoice.items()), start=1):
        invoice = db.lock(session, Invoice, invoice_id)
        note = chosen or make_note(
            session,
            debtor,
            invoice,
            [(part, minors[part.id]) for part in contested],
            number=wish.number if turn == 1 or not wish.number else f"{wish.number}-{turn}",
            vat=Told(wish.vat_rate, wish.vat_category, wish.exemption_reason),
            reference=dispute.reference,
            by=by,
        )
        minor = sum(minors[part.id] for part in contested)
        usable = min(minor, invoice.open_minor - invoice.held_minor)
        if usable > 0:
            occasion = ledger.Occasion(at=clock.now(), value_on=today_of(session, dispute.company_id))
            ledger.apply_credit_note(
                session, debtor, credit_note_id=note.id, parts=[Part(invoice.id, usable)], occasion=occasion
            )
        for part in contested:
            part.credited_minor += minors[part.id]
            part.credit_note_id = note.id
        dispute.credited_minor += minor
    for part in parts:
        is_all = part.credited_minor >= part.amount_minor
        some = PartOutcome.PARTLY_CREDITED if part.credited_minor else PartOutcome.OWED_AGAIN
        part.outcome = PartOutcome.CREDITED if is_all else some
    session.flush()


def reject(
    session: Session, *, dispute_id: uuid.UUID, grounds: str, by: Actor, owed_again_on: date | None = None
) -> None:
    """The debtor is wrong, and is told why.

    What he contested is owed again from a day on: it may be paid at once, but is neither collected nor reminded before.
    Without `owed_again_on` the company's policy says the day. Raises Invalid without grounds, Conflict("dispute.closed").
    """
    dispute = lock_live(session, dispute_id)
    said = clean(grounds)
    parts = parts_of(session, dispute.id)
    thaw(session, dispute, by=by)
    for part in parts:
        part.outcome = PartOutcome.PARTLY_CREDITED if part.credited_minor else PartOutcome.OWED_AGAIN
    _owe_again(session, dispute, parts, owed_again_on, by=by)
    dispute.resolution = said
    dispute.decided_by_id, dispute.decided_by_name = by.id, by.name
    advance(session, dispute, Status.REJECTED, by=by, cause=said)
    tell.decided(session, dispute)


def _owe_again(
    session: Session, dispute: Dispute, rest: Sequence[DisputePart], wanted: date | None, *, by: Actor
) -> None:
    if not rest:
        return
    today = today_of(session, dispute.company_id)
    if wanted is None:
        contested = among(Invoice.id, [part.invoice_id for part in rest])
        due_on = session.execute(select(func.max(Invoice.due_on)).where(contested)).scalar_one()
        wanted = day_owed_again(today, due_on=due_on, policy=policy_of(session, dispute.company_id))
    if not today <= wanted <= max(today, dispute.due_on) + timedelta(days=365):
        raise Invalid("dispute.owed_again", _("Choose a day that is still to come."))
    pause_rest(session, dispute, rest, until=wanted, by=by)


def withdraw(session: Session, *, dispute_id: uuid.UUID, by: Actor, text: str = "") -> None:
    """The debtor takes it back: the money is owed as if nothing had been. Twice is harmless."""
    dispute = lock_dispute(session, dispute_id)
    if dispute.status is Status.WITHDRAWN:
        return
    dispute = lock_live(session, dispute_id)
    said = clean(text, is_needed=False)
    thaw(session, dispute, by=by)
    for part in parts_of(session, dispute.id):
        part.outcome = PartOutcome.WITHDRAWN
    advance(session, dispute, Status.WITHDRAWN, by=by, cause=said)
    tell.closed(session, dispute)


def settle(session: Session, *, dispute_id: uuid.UUID, by: Actor) -> bool:
    """Close what was paid meanwhile; False when something contested is still open or it has ended already."""
    dispute = lock_dispute(session, dispute_id)
    parts = parts_of(session, dispute.id)
    if dispute.status not in LIVE:
        return False
    rows = ledger.lock_invoices(session, [part.invoice_id for part in parts])
    if any(row.open_minor > 0 for row in rows.values()):
        return False
    thaw(session, dispute, by=by)
    for part in parts:
        part.outcome = PartOutcome.SETTLED
    advance(session, dispute, Status.SETTLED, by=by)
    tell.closed(session, dispute)
    return True


def reopen(
    session: Session,
    *,
    dispute_id: uuid.UUID,
    text: str,
    by: Actor,
    files: Sequence[Checked] = (),
) -> None:
    """Open a dispute again with a reason; what of it is still owed is frozen anew.

    The debtor may within the company's limits of time and number (Refused("dispute.reopen_limit")); staff and the system
    always. Raises Conflict("dispute.nothing_left") when nothing of it is open, Conflict("dispute.live") when it is open.
    """
    dispute = lock_dispute(session, dispute_id)
    if dispute.status in LIVE:
        raise Conflict("dispute.live", _("This dispute is open."))
    today = today_of(session, dispute.company_id)
    if by.kind == "contact" and not may_reopen(
        dispute.status,
        ended_on=day_of(session, dispute.company_id, dispute.ended_at) if dispute.ended_at else None,
        reopened=dispute.reopen_count,
        today=today,
        policy=policy_of(session, dispute.company_id),
    ):
        raise Refused("dispute.reopen_limit", _("This dispute can no longer be opened again here. Please write to us."))
    said = clean(text, is_needed=by.kind != "system")
    thaw(session, dispute, by=by)
    _freeze_again(session, dispute, by=by)
    entry = enter(session, dispute, EntryKind.MESSAGE, said, by=by) if said else None
    if entry is not None:
        keep_files(session, dispute, entry, files, by=by)
    if by.kind == "contact":
        dispute.reopen_count += 1
    dispute.due_on = today + timedelta(days=session.get_one(DisputeReason, dispute.reason_id).deadline_days)
    dispute.escalated_at, dispute.owed_again_on, dispute.released_at = None, None, None
    advance(session, dispute, Status.OPEN, by=by)
    dispute.spoken_at = clock.now() if by.kind == "contact" else None
    tell.received(session, dispute, is_again=True)


def _freeze_again(session: Session, dispute: Dispute, *, by: Actor) -> None:
    minors = left_of(session, parts_of(session, dispute.id), FreezeKind.DISPUTE)
    if not minors:
        raise Conflict("dispute.nothing_left", _("Nothing of what was contested is open any more. Please write to us."))
    freeze_parts(session, dispute, minors, by=by)


def release(session: Session, *, dispute_id: uuid.UUID, by: Actor) -> bool:
    """The day has come from which the rest is owed again: lift its pause. False when it has not, or was done."""
    dispute = lock_dispute(session, dispute_id)
    if (
        dispute.status in LIVE
        or dispute.owed_again_on is None
        or dispute.released_at is not None
        or dispute.owed_again_on > today_of(session, dispute.company_id)
    ):
        return False
    thaw(session, dispute, by=by)
    dispute.released_at = clock.now()
    write_line(session, dispute, action="dispute.released", by=by)
    session.flush()
    return True


def live_disputes_of(session: Session, debtor_id: uuid.UUID) -> list[uuid.UUID]:
    """Ids of the disputes of a debtor that are not decided."""
    return list(session.scalars(select(Dispute.id).where(Dispute.debtor_id == debtor_id, Dispute.status.in_(LIVE))))
