"""Promises by invoice, their steps, and what a company allows."""

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import Boolean, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from shared.company.models import CompanyPolicy
from shared.debtors.models import Affair
from shared.kit.columns import Currency, Minor, above_zero, at_least_zero, enum_column
from shared.kit.db import Base, HasId
from shared.kit.steps import Step
from shared.promises.rules import PromiseState


class PromisePolicy(CompanyPolicy):
    """What a company allows; a company without a row allows `rules.Limits()`."""

    __tablename__ = "promise_policy"
    __table_args__ = (
        CheckConstraint("days_ahead BETWEEN 1 AND 365", name="days_ahead"),
        CheckConstraint("grace_days BETWEEN 0 AND 30", name="grace_days"),
        CheckConstraint("live_most BETWEEN 1 AND 100", name="live_most"),
        CheckConstraint("year_most BETWEEN 1 AND 1000", name="year_most"),
        CheckConstraint("broken_most BETWEEN 0 AND 1000", name="broken_most"),
    )

    is_offered: Mapped[bool] = mapped_column(Boolean)
    """Whether debtors may promise by themselves; staff may in any case."""
    days_ahead: Mapped[int]
    grace_days: Mapped[int]
    live_most: Mapped[int]
    year_most: Mapped[int]
    broken_most: Mapped[int]


class Promise(Affair):
    """“I will pay so much on these invoices by that day.” `state` is written by `shared.promises.service` alone."""

    __tablename__ = "promise"
    __table_args__ = (
        UniqueConstraint("reference"),
        UniqueConstraint("attempt"),
        Index("ix_promise_debtor", "debtor_id", "id"),
        Index("ix_promise_company", "company_id", "promised_on", "id"),
        Index(
            "ix_promise_live",
            "company_id",
            "promised_on",
            postgresql_include=["amount_minor", "kept_minor", "assigned_to"],
            postgresql_where="state = 'expected'",
        ),
        above_zero("amount_minor"),
        at_least_zero("kept_minor"),
        CheckConstraint("until_on >= promised_on", name="until"),
    )

    contact_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("contact.id"))
    """Who gave it; None when staff wrote it down without saying who."""
    reference: Mapped[str] = mapped_column(String(24))
    attempt: Mapped[str] = mapped_column(String(120))
    """The id in the form: the same form sent twice is one promise."""
    state: Mapped[PromiseState] = mapped_column(enum_column(PromiseState), default=PromiseState.EXPECTED)
    promised_on: Mapped[date]
    until_on: Mapped[date]
    """The promised day and the grace of that time: the last day on which the money is still in time."""
    counted_from: Mapped[date]
    """The day of the first promise, through all changes: the limit of days ahead counts from here."""
    amount_minor: Mapped[Minor]
    kept_minor: Mapped[Minor] = mapped_column(default=0)
    """How much of it has come, at the last look."""
    currency: Mapped[Currency] = mapped_column(default="EUR")
    note: Mapped[str] = mapped_column(Text, default="")
    replaces_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("promise.id"))
    """The promise that this one changed."""
    by_kind: Mapped[str] = mapped_column(String(16))
    by_name: Mapped[str]
    assigned_to: Mapped[uuid.UUID | None]
    """A member of staff."""
    assigned_name: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]
    looked_on: Mapped[date]
    """The day of the last look at the ledger (the duty's memory)."""
    ended_at: Mapped[datetime | None]
    """When it was kept, broken or cancelled."""


class PromisePart(HasId, Base):
    """So much of one invoice."""

    __tablename__ = "promise_part"
    __table_args__ = (
        UniqueConstraint("promise_id", "invoice_id"),
        Index(None, "invoice_id"),
        above_zero("amount_minor"),
        at_least_zero("kept_minor"),
    )

    promise_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("promise.id"))
    invoice_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("invoice.id"))
    amount_minor: Mapped[Minor]
    kept_minor: Mapped[Minor] = mapped_column(default=0)
    before: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    """What had settled this invoice already: {"payments": ids, "other_minor": sum}. It keeps no promise."""


class PromiseTransition(Step):
    """One step of a promise."""

    __tablename__ = "promise_transition"
    __table_args__ = (UniqueConstraint("promise_id", "step"),)

    promise_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("promise.id"))
    before: Mapped[PromiseState | None] = mapped_column(enum_column(PromiseState, name="before"))
    after: Mapped[PromiseState] = mapped_column(enum_column(PromiseState, name="after"))
    kept_minor: Mapped[Minor] = mapped_column(default=0)
