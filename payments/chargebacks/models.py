"""Contested payments by invoice, and their steps."""

import uuid
from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, SmallInteger, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from payments.chargebacks.rules import ChargebackKind, ChargebackState
from shared.debtors.models import Affair
from shared.kit.columns import Currency, Minor, above_zero, enum_column
from shared.kit.db import Base, HasId
from shared.kit.steps import Step


class Chargeback(Affair):
    """One time that a bank contested a payment. `state` is written by `payments.chargebacks.service` alone."""

    __tablename__ = "chargeback"
    __table_args__ = (
        UniqueConstraint("reference"),
        UniqueConstraint("payment_id", "opened_step"),
        Index("ix_chargeback_debtor", "debtor_id", "id"),
        Index("ix_chargeback_company", "company_id", "due_on", "id"),
        Index(
            "ix_chargeback_live",
            "company_id",
            "due_on",
            postgresql_include=["amount_minor", "state"],
            postgresql_where="state IN ('open', 'answered', 'to_decide')",
        ),
        above_zero("amount_minor"),
    )

    payment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("payment.id"))
    opened_step: Mapped[int] = mapped_column(SmallInteger)
    """The payment's step that opened it: one case for each time that the money went back."""
    reference: Mapped[str] = mapped_column(String(24))
    kind: Mapped[ChargebackKind] = mapped_column(enum_column(ChargebackKind))
    state: Mapped[ChargebackState] = mapped_column(enum_column(ChargebackState))
    code: Mapped[str] = mapped_column(String(64), default="")
    """The bank's reason, as `payments.labels.REASONS` knows it."""
    provider_reference: Mapped[str | None] = mapped_column(String(128))
    """The provider's name of it, where it has one of its own (a Stripe dispute)."""
    amount_minor: Mapped[Minor]
    currency: Mapped[Currency] = mapped_column(default="EUR")
    answer_by: Mapped[datetime | None]
    """Until when the provider takes evidence."""
    due_on: Mapped[date]
    """The day by which somebody must have answered or decided."""
    warned_on: Mapped[date | None]
    """The deadline of which staff were warned."""
    outcome_note: Mapped[str] = mapped_column(Text, default="")
    """What staff wrote when they decided."""
    wished_by_id: Mapped[uuid.UUID | None]
    """Who wants to give it up, where a second person must agree."""
    wished_by_name: Mapped[str] = mapped_column(default="")
    assigned_to: Mapped[uuid.UUID | None]
    assigned_name: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class ChargebackPart(HasId, Base):
    """So much of one invoice that is open again because of it."""

    __tablename__ = "chargeback_part"
    __table_args__ = (
        UniqueConstraint("chargeback_id", "invoice_id"),
        Index(None, "invoice_id"),
        above_zero("amount_minor"),
    )

    chargeback_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("chargeback.id"))
    invoice_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("invoice.id"))
    amount_minor: Mapped[Minor]


class ChargebackTransition(Step):
    """One step of a contested payment; a note leaves it where it was."""

    __tablename__ = "chargeback_transition"
    __table_args__ = (UniqueConstraint("chargeback_id", "step"),)

    chargeback_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("chargeback.id"))
    before: Mapped[ChargebackState | None] = mapped_column(enum_column(ChargebackState, name="before"))
    after: Mapped[ChargebackState] = mapped_column(enum_column(ChargebackState, name="after"))
