"""Scenarios with their steps, runs with every decision, and the reminders that came of them."""

import enum
import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import Boolean, ForeignKey, Index, SmallInteger, String, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from shared.kit.columns import Currency, Minor, enum_column
from shared.kit.db import Base, HasId


class Tone(enum.Enum):
    """How a reminder speaks."""

    NOTICE = "notice"
    """Before the due day: nothing is late."""
    KIND = "kind"
    CLEAR = "clear"
    FIRM = "firm"


class Scenario(HasId, Base):
    """An ordered ladder of steps. A company has one default, which holds for every debtor without a choice of his own."""

    __tablename__ = "scenario"
    __table_args__ = (
        Index("uq_scenario_default", "company_id", unique=True, postgresql_where="is_default"),
        UniqueConstraint("company_id", "name"),
    )

    company_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("company.id"))
    name: Mapped[str]
    is_default: Mapped[bool] = mapped_column(Boolean, default=False)
    minimum_minor: Mapped[Minor] = mapped_column(default=100)
    """Below this sum nobody is written to."""
    quiet_days: Mapped[int] = mapped_column(SmallInteger, default=7)
    """At least so many days between two reminders to one debtor."""
    created_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]
    """Not used any more; kept, since reminders were sent by it."""


class ScenarioStep(HasId, Base):
    """One rung: so many days after an invoice's due day (negative: before it).

    A rung that is moved is another rung: this one rests (`is_active`), since reminders were sent by it.
    """

    __tablename__ = "scenario_step"
    __table_args__ = (UniqueConstraint("scenario_id", "position"), UniqueConstraint("scenario_id", "offset_days"))

    scenario_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("scenario.id"))
    position: Mapped[int] = mapped_column(SmallInteger)
    offset_days: Mapped[int] = mapped_column(SmallInteger)
    tone: Mapped[Tone] = mapped_column(enum_column(Tone))
    catch_up_days: Mapped[int] = mapped_column(SmallInteger, default=3)
    """So many days later the step may still be taken (after an outage, a Sunday, a pause); then it is skipped."""
    is_active: Mapped[bool] = mapped_column(Boolean, default=True)


class ScenarioChoice(Base):
    """That a debtor is reminded by another scenario than the company's default."""

    __tablename__ = "scenario_choice"
    __table_args__ = (Index(None, "scenario_id"),)

    debtor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("debtor.id"), primary_key=True)
    scenario_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("scenario.id"))
    chosen_at: Mapped[datetime]


class RunStatus(enum.Enum):
    """Where a run stands."""

    DECIDING = "deciding"
    DONE = "done"


class ReminderRun(HasId, Base):
    """One company's run of one day: unique, resumable at its cursor."""

    __tablename__ = "reminder_run"
    __table_args__ = (UniqueConstraint("company_id", "run_on"),)

    company_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("company.id"))
    run_on: Mapped[date]
    status: Mapped[RunStatus] = mapped_column(enum_column(RunStatus), default=RunStatus.DECIDING)
    cursor: Mapped[uuid.UUID | None]
    """The last debtor decided upon."""
    considered_count: Mapped[int] = mapped_column(default=0)
    reminded_count: Mapped[int] = mapped_column(default=0)
    reasons: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    """How often each outcome was decided."""
    scenario: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    """The scenarios by name as they stood: what the decisions were made by."""
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class ReminderDecision(HasId, Base):
    """What was decided for one debtor, also when nothing is sent, with the reason.

    A log of a line a debtor a day, without foreign keys: each would lock and rewrite the debtor's row (four times the cost of
    the line), and make the run wait for whoever works on that account.
    """

    __tablename__ = "reminder_decision"
    __table_args__ = (
        UniqueConstraint("run_id", "debtor_id"),
        Index(None, "debtor_id", "run_on"),
        Index(None, "run_id", "outcome", "id"),
    )

    run_id: Mapped[uuid.UUID]
    debtor_id: Mapped[uuid.UUID]
    run_on: Mapped[date]
    outcome: Mapped[str] = mapped_column(String(32))
    """"remind", or why not (`rules.Outcome`)."""
    step_offset: Mapped[int | None] = mapped_column(SmallInteger)
    """The step: so many days after the due day (negative: before it)."""
    amount_minor: Mapped[Minor] = mapped_column(default=0)
    """What the reminder asks for, or what was left alone."""
    invoice_count: Mapped[int] = mapped_column(default=0)
    detail: Mapped[str] = mapped_column(Text, default="")


class ReminderStatus(enum.Enum):
    """What became of a reminder."""

    DECIDED = "decided"
    WRITTEN = "written"
    DROPPED = "dropped"


class Reminder(HasId, Base):
    """One occurrence of a step for a debtor (I9): unique by step, debtor and cycle, and one a day at most.

    Reminders and their invoices have no foreign keys either: six look-ups and row locks a line took most of a run's time
    (`docs/adr/0014-a-run-is-checked-as-a-set.md`). Nothing deletes what they point at, and a run asks once, at its end,
    whether all of it is there (`queries.count_strays`).
    """

    __tablename__ = "reminder"
    __table_args__ = (
        UniqueConstraint("step_id", "debtor_id", "cycle"),
        UniqueConstraint("debtor_id", "remind_on"),
        Index(None, "run_id"),
    )

    run_id: Mapped[uuid.UUID]
    debtor_id: Mapped[uuid.UUID]
    step_id: Mapped[uuid.UUID]
    cycle: Mapped[int]
    """How many times this debtor has come to this step; each invoice comes to it once."""
    remind_on: Mapped[date]
    status: Mapped[ReminderStatus] = mapped_column(enum_column(ReminderStatus), default=ReminderStatus.DECIDED)
    dropped_why: Mapped[str] = mapped_column(default="")
    amount_minor: Mapped[Minor]
    currency: Mapped[Currency] = mapped_column(default="EUR")
    created_at: Mapped[datetime]


class ReminderInvoice(HasId, Base):
    """That an invoice has come to a step: the memory that keeps it from being reminded there again.

    It is of reminders that were sent, or may still be: what is dropped is forgotten with it, and decided anew.
    """

    __tablename__ = "reminder_invoice"
    __table_args__ = (UniqueConstraint("invoice_id", "step_id"), Index(None, "reminder_id"))

    reminder_id: Mapped[uuid.UUID]
    invoice_id: Mapped[uuid.UUID]
    step_id: Mapped[uuid.UUID]
    offset_days: Mapped[int] = mapped_column(SmallInteger)
    """Where the step stood when it was taken: the memory holds whatever becomes of the ladder, and in another one, too."""
