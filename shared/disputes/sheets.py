"""One dispute as a sheet, in frozen values.

Two of them: `debtor_sheet` asks the database for public words only, so that nothing internal can slip into a page or a
mail; `staff_sheet` shows everything.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from shared.attachments.queries import AttachedFile, attached
from shared.company.models import Company
from shared.debtors.models import Contact, Debtor
from shared.disputes.choices import Reason, reason_of
from shared.disputes.credit import is_ground_unknown, is_rate_unknown, suggest_number
from shared.disputes.models import (
    Dispute,
    DisputeEntry,
    DisputePart,
    DisputeReason,
    DisputeTransition,
    EntryKind,
    PartOutcome,
)
from shared.disputes.queries import edge_name, policy_of
from shared.disputes.rules import LIVE, Status, is_overdue, may_reopen
from shared.invoices.models import FreezeKind, Invoice, InvoiceKind, InvoiceLine
from shared.invoices.service import left_to_freeze
from shared.kit.errors import NotFound
from shared.kit.money import Money
from shared.kit.words import gettext as _


@dataclass(frozen=True, slots=True)
class PartRow:
    """What is contested of one invoice, and what became of it."""

    id: uuid.UUID
    invoice_id: uuid.UUID
    number: str
    title: str
    due_on: date
    line: str
    """The line's description; "" when it is an amount."""
    currency: str
    amount_minor: int
    outcome: PartOutcome
    credited_minor: int
    credit_note: tuple[uuid.UUID, str] | None
    invoice_open_minor: int
    invoice_payable_minor: int
    """What of the invoice may be paid now: the undisputed rest."""

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)

    @property
    def credited(self) -> Money:
        return Money(self.credited_minor, self.currency)


@dataclass(frozen=True, slots=True)
class Said:
    """One thing in a conversation, the oldest first: a message, a step, and (for staff) a note or an act."""

    id: uuid.UUID
    at: datetime
    what: str
    """One of "message", "step", "note", "act"."""
    author_kind: str
    author_name: str
    text: str
    """Of a step: the edge's name ("asked", "accepted" …); of an act its code."""
    detail: str = ""
    status: Status | None = None
    """Of a step: where it led."""
    files: Sequence[AttachedFile] = ()


@dataclass(frozen=True, slots=True)
class Sheet:
    """What the debtor may know of his dispute."""

    id: uuid.UUID
    reference: str
    debtor_id: uuid.UUID
    status: Status
    reason: Reason
    currency: str
    claimed_minor: int
    credited_minor: int
    opened_at: datetime
    opened_by_kind: str
    opened_by_name: str
    due_on: date
    ended_at: datetime | None
    resolution: str
    owed_again_on: date | None
    is_live: bool
    may_reopen: bool
    """Whether the debtor may (limit and time)."""
    parts: Sequence[PartRow]
    said: Sequence[Said]

    def money(self, minor: int) -> Money:
        return Money(minor, self.currency)


@dataclass(frozen=True, slots=True)
class StaffSheet:
    """Everything, internal words included. `said` here holds notes and acts, too."""

    sheet: Sheet
    company_id: uuid.UUID
    debtor_name: str
    account_code: str
    language: str
    """The debtor's: that of the papers."""
    contact_id: uuid.UUID | None
    contact_name: str
    assignee_id: uuid.UUID | None
    assignee_name: str
    waiting_since: date | None
    escalated_at: datetime | None
    is_overdue: bool
    spoken_at: datetime | None
    decided_by_name: str
    reopen_count: int
    needs_vat_rate: bool
    """An acceptance must say the VAT rate: an invoice does not tell it."""
    needs_vat_category: bool
    """An acceptance must say why there is no VAT: an invoice bears 0 %, or may turn out to, and does not tell the reason."""
    suggested_number: str
    """For the credit note that an acceptance makes."""
    credit_notes: Sequence[tuple[uuid.UUID, str, Money]]
    """Open credit notes of the debtor that may be used instead."""


def debtor_sheet(session: Session, debtor_id: uuid.UUID, dispute_id: uuid.UUID, *, today: date) -> Sheet:
    """A debtor's dispute as he may see it; raises NotFound, also for another's."""
    dispute = session.get(Dispute, dispute_id)
    if dispute is None or dispute.debtor_id != debtor_id:
        raise NotFound("dispute.missing", _("There is no such dispute."))
    return _sheet(session, dispute, today, with_internal=False)


def staff_sheet(session: Session, company_id: uuid.UUID, dispute_id: uuid.UUID, *, today: date) -> StaffSheet:
    """A company's dispute with internal notes and acts; raises NotFound, also for another company's."""
    dispute = session.get(Dispute, dispute_id)
    if dispute is None or dispute.company_id != company_id:
        raise NotFound("dispute.missing", _("There is no such dispute."))
    debtor = session.get_one(Debtor, dispute.debtor_id)
    contact = session.get(Contact, dispute.contact_id) if dispute.contact_id else None
    sheet = _sheet(session, dispute, today, with_internal=True)
    invoices = [session.get_one(Invoice, part.invoice_id) for part in sheet.parts]
    notes = session.scalars(
        select(Invoice)
        .where(Invoice.debtor_id == debtor.id, Invoice.kind == InvoiceKind.CREDIT_NOTE, Invoice.open_minor > 0)
        .order_by(Invoice.issued_on.desc(), Invoice.id)
    )
    return StaffSheet(
        sheet=sheet,
        company_id=dispute.company_id,
        debtor_name=debtor.name,
        account_code=debtor.account_code,
        language=debtor.language,
        contact_id=dispute.contact_id,
        contact_name=(contact.name or contact.email) if contact else "",
        assignee_id=dispute.assignee_id,
        assignee_name=dispute.assignee_name,
        waiting_since=dispute.waiting_since,
        escalated_at=dispute.escalated_at,
        is_overdue=is_overdue(dispute.status, due_on=dispute.due_on, today=today),
        spoken_at=dispute.spoken_at,
        decided_by_name=dispute.decided_by_name,
        reopen_count=dispute.reopen_count,
        needs_vat_rate=any(is_rate_unknown(session, invoice) for invoice in invoices),
        needs_vat_category=any(is_ground_unknown(session, invoice) for invoice in invoices),
        suggested_number=suggest_number(session, invoices[0]) if invoices else "",
        credit_notes=[(note.id, note.number, Money(note.open_minor, note.currency)) for note in notes],
    )


def _sheet(session: Session, dispute: Dispute, today: date, *, with_internal: bool) -> Sheet:
    zone = ZoneInfo(session.get_one(Company, dispute.company_id).zone)
    return Sheet(
        id=dispute.id,
        reference=dispute.reference,
        debtor_id=dispute.debtor_id,
        status=dispute.status,
        reason=reason_of(session.get_one(DisputeReason, dispute.reason_id)),
        currency=dispute.currency,
        claimed_minor=dispute.claimed_minor,
        credited_minor=dispute.credited_minor,
        opened_at=dispute.opened_at,
        opened_by_kind=dispute.opened_by_kind,
        opened_by_name=dispute.opened_by_name,
        due_on=dispute.due_on,
        ended_at=dispute.ended_at,
        resolution=dispute.resolution,
        owed_again_on=dispute.owed_again_on,
        is_live=dispute.status in LIVE,
        may_reopen=may_reopen(
            dispute.status,
            ended_on=dispute.ended_at.astimezone(zone).date() if dispute.ended_at else None,
            reopened=dispute.reopen_count,
            today=today,
            policy=policy_of(session, dispute.company_id),
        )
        and _is_open(session, dispute.id),
        parts=_parts(session, dispute.id),
        said=_said(session, dispute.id, with_internal=with_internal),
    )


def _is_open(session: Session, dispute_id: uuid.UUID) -> bool:
    """Whether something that was contested is still open, so that it can be frozen again."""
    rows = session.execute(
        select(DisputePart, Invoice)
        .join(Invoice, Invoice.id == DisputePart.invoice_id)
        .where(DisputePart.dispute_id == dispute_id, DisputePart.amount_minor > DisputePart.credited_minor)
    )
    return any(left_to_freeze(invoice, FreezeKind.DISPUTE) > 0 for _part, invoice in rows)


def _parts(session: Session, dispute_id: uuid.UUID) -> list[PartRow]:
    note = aliased(Invoice)
    rows = session.execute(
        select(DisputePart, Invoice, InvoiceLine.description, note.number.label("note_number"))
        .join(Invoice, Invoice.id == DisputePart.invoice_id)
        .outerjoin(InvoiceLine, InvoiceLine.id == DisputePart.line_id)
        .outerjoin(note, note.id == DisputePart.credit_note_id)
        .where(DisputePart.dispute_id == dispute_id)
        .order_by(Invoice.due_on, Invoice.id, DisputePart.id)
    )
    return [
        PartRow(
            id=part.id,
            invoice_id=invoice.id,
            number=invoice.number,
            title=invoice.title,
            due_on=invoice.due_on,
            line=description or "",
            currency=invoice.currency,
            amount_minor=part.amount_minor,
            outcome=part.outcome,
            credited_minor=part.credited_minor,
            credit_note=(part.credit_note_id, note_number) if part.credit_note_id else None,
            invoice_open_minor=invoice.open_minor,
            invoice_payable_minor=max(0, invoice.open_minor - invoice.held_minor - invoice.frozen_minor),
        )
        for part, invoice, description, note_number in rows
    ]


def _said(session: Session, dispute_id: uuid.UUID, *, with_internal: bool) -> list[Said]:
    files: dict[uuid.UUID | None, list[AttachedFile]] = {}
    for file in attached(session, subject_type="dispute", subject_ids=[dispute_id], with_internal=with_internal):
        files.setdefault(file.part_id, []).append(file)
    entries = select(DisputeEntry).where(DisputeEntry.dispute_id == dispute_id)
    if not with_internal:
        entries = entries.where(DisputeEntry.kind == EntryKind.MESSAGE)
    said = [
        Said(
            id=entry.id,
            at=entry.at,
            what=entry.kind.value,
            author_kind=entry.author_kind,
            author_name=entry.author_name,
            text=entry.text,
            detail=entry.detail,
            files=tuple(files.get(entry.id, ())),
        )
        for entry in session.scalars(entries)
    ]
    steps = session.scalars(select(DisputeTransition).where(DisputeTransition.dispute_id == dispute_id))
    said += [
        Said(
            id=step.id,
            at=step.at,
            what="step",
            author_kind=step.actor_kind,
            author_name=step.actor_name,
            text=edge_name(step.before, step.after),
            detail=step.cause,
            status=step.after,
        )
        for step in steps
    ]
    return sorted(said, key=lambda each: (each.at, each.id))
