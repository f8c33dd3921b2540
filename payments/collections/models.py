"""Automatic collections: what is announced, what became of it, and every decision with its reason."""

import enum
import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, String, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from shared.kit.columns import Currency, Minor, above_zero, enum_column
from shared.kit.db import Base, HasId


class CollectionState(enum.Enum):
    """Where an announced collection stands."""

    ANNOUNCED = "announced"
    """The debtor has his notice; nothing is held yet, so he may still pay otherwise."""
    CREATED = "created"
    """Its debit is written down and holds the money."""
    SKIPPED = "skipped"
    """It will not take place; `reason` says why."""


class Collection(HasId, Base):
    """One attempt to collect one invoice, or one instalment of a plan.

    Its identity is (invoice or instalment, attempt number), never a date.
    """

    __tablename__ = "collection"
    __table_args__ = (
        UniqueConstraint("invoice_id", "attempt_no"),
        UniqueConstraint("instalment_id", "attempt_no"),
        Index("uq_collection_announced", "invoice_id", unique=True, postgresql_where="state = 'announced'"),
        Index(
            "uq_collection_announced_instalment", "instalment_id", unique=True, postgresql_where="state = 'announced'"
        ),
        CheckConstraint("(invoice_id IS NULL) <> (instalment_id IS NULL)", name="of_one_thing"),
        Index("ix_collection_due", "company_id", "charge_on", postgresql_where="state = 'announced'"),
        Index(None, "debtor_id", "id"),
        Index(None, "payment_id", postgresql_where="payment_id IS NOT NULL"),
        above_zero("amount_minor"),
        above_zero("attempt_no"),
    )

    company_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("company.id"))
    debtor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("debtor.id"))
    invoice_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("invoice.id"))
    instalment_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("plan_instalment.id"))
    label: Mapped[str] = mapped_column(String(64), default="")
    """What lists call an instalment: "PLN-7F3K-2M9Q-4 2/6"; an invoice has its number."""
    attempt_no: Mapped[int] = mapped_column(SmallInteger)
    mandate_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("mandate.id"))
    amount_minor: Mapped[Minor]
    """What was announced: never more than this is collected."""
    currency: Mapped[Currency] = mapped_column(default="EUR")
    announced_at: Mapped[datetime]
    charge_on: Mapped[date]
    """What was announced: never earlier than this."""
    state: Mapped[CollectionState] = mapped_column(enum_column(CollectionState), default=CollectionState.ANNOUNCED)
    reason: Mapped[str] = mapped_column(String(64), default="")
    notice_key: Mapped[str] = mapped_column(String(120), default="")
    """Which messages gave notice of it: what their keys begin with. Empty for none."""
    payment_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("payment.id"))
    closed_at: Mapped[datetime | None]


class RunState(enum.Enum):
    """Where a run stands."""

    RUNNING = "running"
    FINISHED = "finished"


class CollectionRun(HasId, Base):
    """One day's look at what is to be announced and collected, for one company. A killed run is resumed."""

    __tablename__ = "collection_run"
    __table_args__ = (UniqueConstraint("company_id", "run_on"),)

    company_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("company.id"))
    run_on: Mapped[date]
    state: Mapped[RunState] = mapped_column(enum_column(RunState), default=RunState.RUNNING)
    cursor: Mapped[uuid.UUID | None]
    """The last debtor whose announcements were decided; None at the beginning and at the end."""
    counts: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class Outcome(enum.Enum):
    """What was decided for one invoice."""

    ANNOUNCE = "announce"
    COLLECT = "collect"
    SHIFT = "shift"
    """Announced anew for a later day."""
    SKIP = "skip"


class CollectionDecision(HasId, Base):
    """Why an invoice or an instalment was or was not announced or collected on a day. The last decision of a day stands."""

    __tablename__ = "collection_decision"
    __table_args__ = (
        UniqueConstraint("run_id", "invoice_id"),
        UniqueConstraint("run_id", "instalment_id"),
        CheckConstraint("(invoice_id IS NULL) <> (instalment_id IS NULL)", name="of_one_thing"),
        Index(None, "invoice_id"),
        Index(None, "debtor_id"),
    )

    run_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("collection_run.id"))
    debtor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("debtor.id"))
    invoice_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("invoice.id"))
    instalment_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("plan_instalment.id"))
    label: Mapped[str] = mapped_column(String(64), default="")
    due_on: Mapped[date | None]
    """Name and day of an instalment; an invoice has its own."""
    outcome: Mapped[Outcome] = mapped_column(enum_column(Outcome))
    reason: Mapped[str] = mapped_column(String(64))
    remark: Mapped[str] = mapped_column(Text, default="")
    amount_minor: Mapped[Minor]
    charge_on: Mapped[date | None]
    collection_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("collection.id"))
    at: Mapped[datetime]
