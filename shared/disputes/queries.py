"""Reads of disputes, as frozen values.

Two sheets: `debtor_sheet` asks the database for public words only, so that nothing internal can slip into a page or a
mail; `staff_sheet` shows everything.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import Session, aliased

from shared.attachments.queries import AttachedFile, attached
from shared.company.models import Company
from shared.debtors.models import Contact, Debtor
from shared.disputes.credit import suggest_number, vat_table
from shared.disputes.decide import policy_row
from shared.disputes.models import (
    Dispute,
    DisputeEntry,
    DisputePart,
    DisputeReason,
    DisputeTransition,
    EntryKind,
    PartOutcome,
)
from shared.disputes.rules import DEFAULT_REASONS, EDGES, LIVE, Policy, Status, gross_of_line, is_overdue, may_reopen
from shared.invoices.models import Freeze, FreezeKind, Invoice, InvoiceKind, InvoiceLine
from shared.invoices.service import left_to_freeze
from shared.kit.errors import NotFound
from shared.kit.money import Money
from shared.kit.words import current_language
from shared.kit.words import gettext as _


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason as a person chooses it; `id` is None while the company's list is not written yet."""

    id: uuid.UUID | None
    code: str
    label_en: str
    label_fr: str
    deadline_days: int
    is_active: bool
    position: int

    @property
    def label(self) -> str:
        """In the language of the moment."""
        return self.label_fr if current_language() == "fr" else self.label_en


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
    suggested_number: str
    """For the credit note that an acceptance makes."""
    credit_notes: Sequence[tuple[uuid.UUID, str, Money]]
    """Open credit notes of the debtor that may be used instead."""


@dataclass(frozen=True, slots=True)
class DisputeRow:
    """A dispute in a list of one debtor."""

    id: uuid.UUID
    reference: str
    status: Status
    reason: Reason
    currency: str
    claimed_minor: int
    numbers: Sequence[str]
    opened_at: datetime
    ended_at: datetime | None
    due_on: date
    is_my_turn: bool
    """The debtor is waited for."""

    @property
    def is_live(self) -> bool:
        return self.status in LIVE

    @property
    def claimed(self) -> Money:
        return Money(self.claimed_minor, self.currency)


@dataclass(frozen=True, slots=True)
class Contestable:
    """An invoice that a debtor may contest: how much of it, and its lines with VAT."""

    invoice_id: uuid.UUID
    number: str
    title: str
    issued_on: date
    due_on: date
    currency: str
    total_minor: int
    open_minor: int
    left_minor: int
    """What may be contested: open, and not frozen already."""
    held_minor: int
    """Of that a payment in flight holds so much."""
    lines: Sequence[tuple[uuid.UUID, str, int]]
    """Id, description, amount with VAT."""

    def money(self, minor: int) -> Money:
        return Money(minor, self.currency)


@dataclass(frozen=True, slots=True)
class Counts:
    """What waits in a company, for one member of staff."""

    live: int
    mine: int
    late: int
    unassigned: int
    waiting: int
    unanswered: int
    """The debtor spoke last."""
    frozen_minor: int


@dataclass(frozen=True, slots=True)
class Statistics:
    """Disputes raised between two days (both included)."""

    raised: int
    invoices_issued: int
    invoices_disputed: int
    claim_rate: Decimal
    """Share of the invoices issued in that time that were ever disputed, 0..1."""
    claimed_minor: int
    credited_minor: int
    by_status: dict[Status, int]
    by_reason: Sequence[tuple[Reason, int, int]]
    """Reason, number, amount claimed; the most frequent first."""
    median_hours: float | None
    """From raised to ended, of those ended in that time."""
    p90_hours: float | None
    overdue: int
    """How many of them became overdue."""
    frozen_minor: int
    """Frozen now by live disputes."""


@dataclass(frozen=True, slots=True)
class Happening:
    """A step of a dispute for a timeline."""

    dispute_id: uuid.UUID
    reference: str
    at: datetime
    edge: str
    """The edge's name, or "raised"."""
    status: Status
    actor_kind: str
    actor_name: str
    minor: int
    currency: str


def reasons(session: Session, company_id: uuid.UUID, *, with_inactive: bool = False) -> list[Reason]:
    """What a company lets debtors choose, by position; the defaults while its list is not written."""
    rows = session.scalars(
        select(DisputeReason)
        .where(DisputeReason.company_id == company_id)
        .order_by(DisputeReason.position, DisputeReason.code)
    ).all()
    if not rows:
        return [
            Reason(None, each.code, each.label_en, each.label_fr, each.deadline_days, True, position)
            for position, each in enumerate(DEFAULT_REASONS, start=1)
        ]
    return [_reason(row) for row in rows if row.is_active or with_inactive]


def policy_of(session: Session, company_id: uuid.UUID) -> Policy:
    """What a company grants."""
    return policy_row(session, company_id)


def contestable(
    session: Session, debtor_id: uuid.UUID, invoice_ids: Sequence[uuid.UUID] | None = None
) -> list[Contestable]:
    """A debtor's invoices of which something may be contested, by due day.

    With `invoice_ids` these alone, with their lines, also when nothing is left; raises NotFound when one of them is not
    the debtor's.
    """
    query = select(Invoice).where(Invoice.debtor_id == debtor_id, Invoice.kind == InvoiceKind.INVOICE)
    if invoice_ids is None:
        query = query.where(Invoice.open_minor > 0, Invoice.open_minor > Invoice.frozen_minor).limit(200)
    else:
        query = query.where(Invoice.id.in_(set(invoice_ids)))
    rows = session.scalars(query.order_by(Invoice.due_on, Invoice.id)).all()
    if invoice_ids is not None and len(rows) != len(set(invoice_ids)):
        raise NotFound("invoice.missing", _("There is no such invoice."))
    lines: dict[uuid.UUID, list[tuple[uuid.UUID, str, int]]] = {}
    if invoice_ids is not None:
        for line in session.scalars(
            select(InvoiceLine)
            .where(InvoiceLine.invoice_id.in_([row.id for row in rows]))
            .order_by(InvoiceLine.invoice_id, InvoiceLine.position)
            .limit(500)
        ):
            gross = gross_of_line(line.net_minor, line.vat_rate)
            lines.setdefault(line.invoice_id, []).append((line.id, line.description, gross))
    return [
        Contestable(
            invoice_id=row.id,
            number=row.number,
            title=row.title,
            issued_on=row.issued_on,
            due_on=row.due_on,
            currency=row.currency,
            total_minor=row.total_minor,
            open_minor=row.open_minor,
            left_minor=left_to_freeze(row, FreezeKind.DISPUTE),
            held_minor=row.held_minor,
            lines=tuple(lines.get(row.id, ())),
        )
        for row in rows
    ]


def find_attempt(session: Session, debtor_id: uuid.UUID, attempt: str) -> uuid.UUID | None:
    """The dispute that a form has raised already."""
    return session.scalar(select(Dispute.id).where(Dispute.attempt == attempt, Dispute.debtor_id == debtor_id))


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
        .limit(50)
    )
    return StaffSheet(
        sheet=sheet,
        company_id=dispute.company_id,
        debtor_name=debtor.name,
        account_code=debtor.account_code,
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
        needs_vat_rate=any(not vat_table(session, invoice) for invoice in invoices),
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
        reason=_reason(session.get_one(DisputeReason, dispute.reason_id)),
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
            policy=policy_row(session, dispute.company_id),
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
            text=_edge(step.before, step.after),
            detail=step.cause,
            status=step.after,
        )
        for step in steps
    ]
    return sorted(said, key=lambda each: (each.at, each.id))


def _edge(before: Status | None, after: Status) -> str:
    return "raised" if before is None else EDGES[before, after].name


def _reason(row: DisputeReason) -> Reason:
    return Reason(row.id, row.code, row.label_en, row.label_fr, row.deadline_days, row.is_active, row.position)


def of_debtor(session: Session, debtor_id: uuid.UUID, *, invoice_id: uuid.UUID | None = None) -> list[DisputeRow]:
    """A debtor's disputes (on one invoice), the live ones first, then the latest."""
    numbers = (
        select(func.array_agg(aggregate_order_by(Invoice.number.distinct(), Invoice.number)))
        .join(DisputePart, DisputePart.invoice_id == Invoice.id)
        .where(DisputePart.dispute_id == Dispute.id)
        .scalar_subquery()
    )
    query = (
        select(Dispute, DisputeReason, numbers.label("numbers"))
        .join(DisputeReason, DisputeReason.id == Dispute.reason_id)
        .where(Dispute.debtor_id == debtor_id)
        .order_by(Dispute.status.in_(LIVE).desc(), Dispute.id.desc())
        .limit(200)
    )
    if invoice_id is not None:
        query = query.where(
            select(DisputePart.id)
            .where(DisputePart.dispute_id == Dispute.id, DisputePart.invoice_id == invoice_id)
            .exists()
        )
    return [
        DisputeRow(
            id=dispute.id,
            reference=dispute.reference,
            status=dispute.status,
            reason=_reason(reason),
            currency=dispute.currency,
            claimed_minor=dispute.claimed_minor,
            numbers=tuple(found or ()),
            opened_at=dispute.opened_at,
            ended_at=dispute.ended_at,
            due_on=dispute.due_on,
            is_my_turn=dispute.status is Status.WAITING,
        )
        for dispute, reason, found in session.execute(query)
    ]


def frozen_by_invoice(session: Session, debtor_id: uuid.UUID) -> list[tuple[uuid.UUID, str, int]]:
    """What live disputes freeze of a debtor: invoice, its number, minor units of what is open of it; by due day."""
    rows = session.execute(
        select(Invoice.id, Invoice.number, func.sum(Freeze.amount_minor).label("frozen"), Invoice.open_minor)
        .join(Invoice, Invoice.id == Freeze.invoice_id)
        .where(Freeze.debtor_id == debtor_id, Freeze.kind == FreezeKind.DISPUTE, Freeze.lifted_at.is_(None))
        .group_by(Invoice.id)
        .order_by(Invoice.due_on, Invoice.id)
    )
    return [
        (row.id, row.number, min(int(row.frozen), row.open_minor))
        for row in rows
        if min(row.frozen, row.open_minor) > 0
    ]


def counts(session: Session, company_id: uuid.UUID, *, staff_id: uuid.UUID, today: date) -> Counts:
    """What waits in a company: one read of the partial index of live disputes."""
    is_late = and_(Dispute.due_on < today, Dispute.status != Status.WAITING)
    row = session.execute(
        select(
            func.count(),
            func.count().filter(Dispute.assignee_id == staff_id),
            func.count().filter(is_late),
            func.count().filter(Dispute.assignee_id.is_(None)),
            func.count().filter(Dispute.status == Status.WAITING),
            func.count().filter(Dispute.spoken_at.is_not(None)),
        ).where(Dispute.company_id == company_id, is_live())
    ).one()
    return Counts(*row, frozen_minor=_frozen_now(session, company_id))


def is_live() -> ColumnElement[bool]:
    """The condition of the partial indexes of live disputes."""
    return Dispute.status.in_((Status.OPEN, Status.UNDER_REVIEW, Status.WAITING))


def _frozen_now(session: Session, company_id: uuid.UUID) -> int:
    return int(
        session.scalar(
            select(func.coalesce(func.sum(Freeze.amount_minor), 0))
            .join(DisputePart, DisputePart.freeze_id == Freeze.id)
            .join(Dispute, Dispute.id == DisputePart.dispute_id)
            .where(Dispute.company_id == company_id, is_live())
            .where(Freeze.kind == FreezeKind.DISPUTE, Freeze.lifted_at.is_(None))
        )
        or 0
    )


def statistics(session: Session, company_id: uuid.UUID, *, since: date, until: date) -> Statistics:
    """Disputes of a company raised between two legal days (both included), and how long those ended then took."""
    zone = ZoneInfo(session.get_one(Company, company_id).zone)
    start = datetime.combine(since, time(), zone)
    end = datetime.combine(until + timedelta(days=1), time(), zone)
    raised = and_(Dispute.company_id == company_id, Dispute.opened_at >= start, Dispute.opened_at < end)
    issued = and_(
        Invoice.company_id == company_id,
        Invoice.kind == InvoiceKind.INVOICE,
        Invoice.issued_on >= since,
        Invoice.issued_on <= until,
    )
    all_issued = session.scalar(select(func.count()).select_from(Invoice).where(issued)) or 0
    contested = session.scalar(
        select(func.count(DisputePart.invoice_id.distinct()))
        .join(Dispute, Dispute.id == DisputePart.dispute_id)
        .join(Invoice, Invoice.id == DisputePart.invoice_id)
        .where(Dispute.company_id == company_id, issued)
    )
    claimed, credited, overdue = session.execute(
        select(
            func.coalesce(func.sum(Dispute.claimed_minor), 0),
            func.coalesce(func.sum(Dispute.credited_minor), 0),
            func.count().filter(Dispute.escalated_at.is_not(None)),
        ).where(raised)
    ).one()
    by_status = {
        row[0]: row[1]
        for row in session.execute(select(Dispute.status, func.count()).where(raised).group_by(Dispute.status))
    }
    median, slow = _hours(session, company_id, start, end)
    return Statistics(
        raised=sum(by_status.values()),
        invoices_issued=int(all_issued),
        invoices_disputed=int(contested or 0),
        claim_rate=Decimal(int(contested or 0)) / all_issued if all_issued else Decimal(0),
        claimed_minor=int(claimed),
        credited_minor=int(credited),
        by_status=by_status,
        by_reason=_by_reason(session, raised),
        median_hours=median,
        p90_hours=slow,
        overdue=int(overdue),
        frozen_minor=_frozen_now(session, company_id),
    )


def _hours(
    session: Session, company_id: uuid.UUID, start: datetime, end: datetime
) -> tuple[float | None, float | None]:
    hours = func.extract("epoch", Dispute.ended_at - Dispute.opened_at) / 3600
    row = session.execute(
        select(
            func.percentile_cont(0.5).within_group(hours.asc()), func.percentile_cont(0.9).within_group(hours.asc())
        ).where(Dispute.company_id == company_id, Dispute.ended_at >= start, Dispute.ended_at < end)
    ).one()
    return (None if row[0] is None else float(row[0])), (None if row[1] is None else float(row[1]))


def _by_reason(session: Session, chosen: ColumnElement[bool]) -> list[tuple[Reason, int, int]]:
    rows = session.execute(
        select(DisputeReason, func.count(), func.sum(Dispute.claimed_minor))
        .join(DisputeReason, DisputeReason.id == Dispute.reason_id)
        .where(chosen)
        .group_by(DisputeReason.id)
        .order_by(func.count().desc(), DisputeReason.position)
    )
    return [(_reason(reason), int(number), int(minor)) for reason, number, minor in rows]


def events_of(session: Session, debtor_id: uuid.UUID, *, invoice_id: uuid.UUID | None = None) -> list[Happening]:
    """Every step of a debtor's disputes (on one invoice) for a timeline, the latest first."""
    query = (
        select(DisputeTransition, Dispute)
        .join(Dispute, Dispute.id == DisputeTransition.dispute_id)
        .where(Dispute.debtor_id == debtor_id)
        .order_by(DisputeTransition.at.desc(), DisputeTransition.id.desc())
        .limit(200)
    )
    if invoice_id is not None:
        query = query.where(
            select(DisputePart.id)
            .where(DisputePart.dispute_id == Dispute.id, DisputePart.invoice_id == invoice_id)
            .exists()
        )
    return [
        Happening(
            dispute_id=dispute.id,
            reference=dispute.reference,
            at=step.at,
            edge=_edge(step.before, step.after),
            status=step.after,
            actor_kind=step.actor_kind,
            actor_name=step.actor_name,
            minor=dispute.claimed_minor,
            currency=dispute.currency,
        )
        for step, dispute in session.execute(query)
    ]
