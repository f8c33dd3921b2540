"""Reads of disputes. `debtor_sheet` never touches what is internal; `staff_sheet` shows everything.

Signatures are settled; bodies follow.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy.orm import Session

from shared.attachments.queries import AttachedFile
from shared.disputes.models import PartOutcome
from shared.disputes.rules import Policy, Status
from shared.kit.money import Money


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
        return ""


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
    """One of "raised", or the edge's name, or "escalated"."""
    status: Status
    actor_kind: str
    actor_name: str
    minor: int
    currency: str


def reasons(session: Session, company_id: uuid.UUID, *, with_inactive: bool = False) -> list[Reason]: ...
def policy_of(session: Session, company_id: uuid.UUID) -> Policy: ...
def debtor_sheet(session: Session, debtor_id: uuid.UUID, dispute_id: uuid.UUID, *, today: date) -> Sheet: ...
def staff_sheet(session: Session, company_id: uuid.UUID, dispute_id: uuid.UUID, *, today: date) -> StaffSheet: ...
def of_debtor(session: Session, debtor_id: uuid.UUID, *, invoice_id: uuid.UUID | None = None) -> list[DisputeRow]: ...
def counts(session: Session, company_id: uuid.UUID, *, staff_id: uuid.UUID, today: date) -> Counts: ...
def statistics(session: Session, company_id: uuid.UUID, *, since: date, until: date) -> Statistics: ...
def events_of(session: Session, debtor_id: uuid.UUID, *, invoice_id: uuid.UUID | None = None) -> list[Happening]: ...
