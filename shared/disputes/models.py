"""Disputes with their parts, their conversation and their steps; reasons and policy of each company."""

import enum
import uuid
from datetime import date, datetime

from sqlalchemy import Boolean, ForeignKey, Index, SmallInteger, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shared.debtors.models import Affair
from shared.disputes.rules import Status
from shared.kit.columns import Currency, Minor, above_zero, at_least_zero, enum_column
from shared.kit.db import Base, HasId
from shared.kit.steps import Step

_LIVE = "status IN ('open', 'under_review', 'waiting')"


class DisputeReason(HasId, Base):
    """Why a debtor contests, as the company words it. Seeded from `rules.DEFAULT_REASONS`; never deleted."""

    __tablename__ = "dispute_reason"
    __table_args__ = (UniqueConstraint("company_id", "code"),)

    company_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("company.id"))
    code: Mapped[str] = mapped_column(String(32))
    label_en: Mapped[str]
    label_fr: Mapped[str]
    deadline_days: Mapped[int] = mapped_column(SmallInteger)
    """So many days after it was raised an answer is due."""
    is_active: Mapped[bool] = mapped_column(Boolean, default=True)
    """Whether debtors may still choose it."""
    position: Mapped[int] = mapped_column(SmallInteger)


class DisputePolicy(Base):
    """What a company grants; without a row `rules.Policy` speaks."""

    __tablename__ = "dispute_policy"

    company_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("company.id"), primary_key=True)
    owed_again_days: Mapped[int] = mapped_column(SmallInteger)
    reopen_days: Mapped[int] = mapped_column(SmallInteger)
    most_reopens: Mapped[int] = mapped_column(SmallInteger)


class Dispute(Affair):
    """One contestation of one or several invoices of a debtor. `status` is written by `steps.advance` alone."""

    __tablename__ = "dispute"
    __table_args__ = (
        UniqueConstraint("reference"),
        UniqueConstraint("attempt"),
        Index(None, "debtor_id", "id"),
        Index("ix_dispute_company", "company_id", "id"),
        Index("ix_dispute_live", "company_id", "due_on", "id", postgresql_where=_LIVE),
        Index("ix_dispute_assignee", "company_id", "assignee_id", "due_on", postgresql_where=_LIVE),
        Index(
            "ix_dispute_owed_again",
            "owed_again_on",
            postgresql_where="owed_again_on IS NOT NULL AND released_at IS NULL",
        ),
    )

    reference: Mapped[str] = mapped_column(String(24))
    """What people call it: "LIT-7F3K-2M9Q-4"."""
    attempt: Mapped[str] = mapped_column(String(120))
    """What makes it one: the id in the form that raised it."""
    status: Mapped[Status] = mapped_column(enum_column(Status), default=Status.OPEN)
    reason_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("dispute_reason.id"))
    currency: Mapped[Currency] = mapped_column(default="EUR")
    claimed_minor: Mapped[Minor]
    """Sum of its parts."""

    opened_by_kind: Mapped[str] = mapped_column(String(16))
    """A "contact" or "staff"."""
    opened_by_id: Mapped[uuid.UUID | None]
    opened_by_name: Mapped[str]
    contact_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("contact.id"))
    """Whom answers are written to; None: everybody who is reminded."""
    opened_at: Mapped[datetime]

    assignee_id: Mapped[uuid.UUID | None]
    """A member of staff."""
    assignee_name: Mapped[str] = mapped_column(default="")
    due_on: Mapped[date]
    """By when an answer is owed; moves on by the days for which the debtor is waited for."""
    waiting_since: Mapped[date | None]
    escalated_at: Mapped[datetime | None]
    """When it was found overdue; None again when the deadline is moved or the dispute reopened."""
    spoken_at: Mapped[datetime | None]
    """The debtor's last word that staff have not answered; None when it is his turn, or everything is said."""

    ended_at: Mapped[datetime | None]
    decided_by_id: Mapped[uuid.UUID | None]
    decided_by_name: Mapped[str] = mapped_column(default="")
    resolution: Mapped[str] = mapped_column(Text, default="")
    """What the debtor is told of the decision: the grounds of a rejection are obligatory."""
    credited_minor: Mapped[Minor] = mapped_column(default=0)
    owed_again_on: Mapped[date | None]
    """From this day on what stays owed is collected and reminded again; until then it is paused (he may pay it)."""
    released_at: Mapped[datetime | None]
    """When that pause was lifted."""
    reopen_count: Mapped[int] = mapped_column(SmallInteger, default=0)


class PartOutcome(enum.Enum):
    """What became of a contested part."""

    LIVE = "live"
    """Frozen; not decided."""
    CREDITED = "credited"
    """A credit note covers all of it."""
    PARTLY_CREDITED = "partly_credited"
    OWED_AGAIN = "owed_again"
    WITHDRAWN = "withdrawn"
    SETTLED = "settled"


class DisputePart(HasId, Base):
    """What is contested of one invoice: an amount, or a line."""

    __tablename__ = "dispute_part"
    __table_args__ = (
        Index(None, "dispute_id"),
        Index(None, "invoice_id"),
        above_zero("amount_minor"),
        at_least_zero("credited_minor"),
    )

    dispute_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("dispute.id"))
    invoice_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("invoice.id"))
    line_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("invoice_line.id"))
    amount_minor: Mapped[Minor]
    """With VAT."""
    freeze_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("invoice_freeze.id"))
    """What freezes it while the dispute lives, then what pauses it until it is owed again."""
    outcome: Mapped[PartOutcome] = mapped_column(enum_column(PartOutcome), default=PartOutcome.LIVE)
    credited_minor: Mapped[Minor] = mapped_column(default=0)
    credit_note_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("invoice.id"))


class EntryKind(enum.Enum):
    """What stands in the conversation. Only MESSAGE is ever shown or sent to a debtor."""

    MESSAGE = "message"
    NOTE = "note"
    """Internal: staff alone read it."""
    ACT = "act"
    """Internal: assigned, reason changed, deadline moved, escalated."""


class DisputeEntry(HasId, Base):
    """One word in the conversation; append-only. Its files are attachments of ("dispute", dispute id) with this row as their `part_id`."""

    __tablename__ = "dispute_entry"
    __table_args__ = (Index(None, "dispute_id", "id"),)

    dispute_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("dispute.id"))
    kind: Mapped[EntryKind] = mapped_column(enum_column(EntryKind))
    author_kind: Mapped[str] = mapped_column(String(16))
    author_id: Mapped[uuid.UUID | None]
    author_name: Mapped[str]
    text: Mapped[str] = mapped_column(Text)
    """Of an ACT: its code ("assigned", "deadline", "reason", "escalated"), with its object in `detail`."""
    detail: Mapped[str] = mapped_column(default="")
    at: Mapped[datetime]


class DisputeTransition(Step):
    """One step of a dispute. `cause` is what was said with it (grounds, why it was withdrawn): the debtor reads it."""

    __tablename__ = "dispute_transition"
    __table_args__ = (UniqueConstraint("dispute_id", "step"),)

    dispute_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("dispute.id"))
    before: Mapped[Status | None] = mapped_column(enum_column(Status, name="before"))
    after: Mapped[Status] = mapped_column(enum_column(Status, name="after"))
    actor_id: Mapped[uuid.UUID | None]
