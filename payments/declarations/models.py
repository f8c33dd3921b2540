"""Declared transfers by invoice, their steps, and what a company does with them."""

import uuid
from datetime import date, datetime

from sqlalchemy import Boolean, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from payments.declarations.rules import DeclarationState
from shared.company.models import CompanyPolicy
from shared.debtors.models import Affair
from shared.kit.columns import Currency, Minor, above_zero, enum_column
from shared.kit.db import Base, HasId
from shared.kit.steps import Step


class DeclarationPolicy(CompanyPolicy):
    """What a company does with declared transfers; one without a row does as `rules.Terms()` says."""

    __tablename__ = "declaration_policy"
    __table_args__ = (
        CheckConstraint("pause_days BETWEEN 1 AND 60", name="pause_days"),
        CheckConstraint("back_days BETWEEN 1 AND 365", name="back_days"),
        CheckConstraint("match_days BETWEEN 0 AND 60", name="match_days"),
    )

    is_offered: Mapped[bool] = mapped_column(Boolean)
    pause_days: Mapped[int]
    back_days: Mapped[int]
    match_days: Mapped[int]


class Declaration(Affair):
    """“I have paid so much by transfer on that day.” `state` is written by `payments.declarations.service` alone."""

    __tablename__ = "declaration"
    __table_args__ = (
        UniqueConstraint("reference"),
        UniqueConstraint("attempt"),
        Index("uq_declaration_payment", "payment_id", unique=True, postgresql_where="payment_id IS NOT NULL"),
        Index("ix_declaration_debtor", "debtor_id", "id"),
        Index("ix_declaration_company", "company_id", "until_on", "id"),
        Index(
            "ix_declaration_live",
            "company_id",
            "until_on",
            postgresql_include=["amount_minor", "assigned_to"],
            postgresql_where="state = 'declared'",
        ),
        above_zero("amount_minor"),
    )

    contact_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("contact.id"))
    reference: Mapped[str] = mapped_column(String(24))
    attempt: Mapped[str] = mapped_column(String(120))
    """The id in the form: the same form sent twice is one declaration."""
    state: Mapped[DeclarationState] = mapped_column(enum_column(DeclarationState), default=DeclarationState.DECLARED)
    amount_minor: Mapped[Minor]
    currency: Mapped[Currency] = mapped_column(default="EUR")
    paid_on: Mapped[date]
    bank_reference: Mapped[str] = mapped_column(String(200), default="")
    """What the transfer's label says, in the debtor's words."""
    note: Mapped[str] = mapped_column(Text, default="")
    until_on: Mapped[date]
    """The last day of the search: up to it nothing is reminded or collected."""
    payment_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("payment.id"))
    """The receipt that it was."""
    answer: Mapped[str] = mapped_column(Text, default="")
    """What staff wrote to the debtor."""
    by_kind: Mapped[str] = mapped_column(String(16))
    by_name: Mapped[str]
    assigned_to: Mapped[uuid.UUID | None]
    assigned_name: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class DeclarationPart(HasId, Base):
    """So much of one invoice."""

    __tablename__ = "declaration_part"
    __table_args__ = (
        UniqueConstraint("declaration_id", "invoice_id"),
        Index(None, "invoice_id"),
        above_zero("amount_minor"),
    )

    declaration_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("declaration.id"))
    invoice_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("invoice.id"))
    amount_minor: Mapped[Minor]


class DeclarationTransition(Step):
    """One step of a declared transfer."""

    __tablename__ = "declaration_transition"
    __table_args__ = (UniqueConstraint("declaration_id", "step"),)

    declaration_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("declaration.id"))
    before: Mapped[DeclarationState | None] = mapped_column(enum_column(DeclarationState, name="before"))
    after: Mapped[DeclarationState] = mapped_column(enum_column(DeclarationState, name="after"))
