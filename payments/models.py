"""Payments, their steps, mandates, refunds and payouts."""

import enum
import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import Boolean, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from payments.status import MandateStatus, PaymentStatus, RefundStatus
from shared.debtors.models import Affair
from shared.kit.columns import Currency, Minor, above_zero, enum_column
from shared.kit.db import Base, HasId
from shared.kit.steps import Step


class Means(enum.Enum):
    """How money moves."""

    CARD = "card"
    DEBIT = "debit"
    TRANSFER = "transfer"
    CHEQUE = "cheque"
    CASH = "cash"


class Provider(enum.Enum):
    """Who moves it; HAND is what staff record themselves."""

    STRIPE = "stripe"
    GOCARDLESS = "gocardless"
    HAND = "hand"


class Payment(Affair):
    """One attempt to move money. Written, with its frozen request, before the provider is asked (I4).

    `status` is written by `payments.service.advance` alone.
    """

    __tablename__ = "payment"
    __table_args__ = (
        UniqueConstraint("attempt"),
        UniqueConstraint("reference"),
        Index(
            "uq_payment_provider_reference",
            "provider",
            "provider_reference",
            unique=True,
            postgresql_where="provider_reference IS NOT NULL",
        ),
        Index(None, "checkout_reference", postgresql_where="checkout_reference IS NOT NULL"),
        Index(None, "debtor_id", "id"),
        Index(None, "company_id", "status", "id"),
        Index("ix_payment_created", "company_id", "created_at", "id"),
        Index("ix_payment_amount", "company_id", "amount_minor", "id"),
        Index(
            "ix_payment_received",
            "company_id",
            "confirmed_at",
            postgresql_include=["received_on", "amount_minor", "status"],
            postgresql_where="confirmed_at IS NOT NULL",
        ),
        Index(
            "ix_payment_in_flight",
            "status",
            "created_at",
            postgresql_where="status IN ('created', 'submitted', 'action_needed')",
        ),
        above_zero("amount_minor"),
    )

    contact_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("contact.id"))
    """Who asked for it; None for automatic collections and receipts by hand."""
    reference: Mapped[str] = mapped_column(String(24))
    """What people call it: "PAY-7F3K-2M9Q-4"."""
    attempt: Mapped[str] = mapped_column(String(120))
    """What makes it one: the id in the form for a person's click, (invoice, attempt number) for a collection."""
    means: Mapped[Means] = mapped_column(enum_column(Means))
    provider: Mapped[Provider] = mapped_column(enum_column(Provider))
    status: Mapped[PaymentStatus] = mapped_column(enum_column(PaymentStatus), default=PaymentStatus.CREATED)
    amount_minor: Mapped[Minor]
    currency: Mapped[Currency] = mapped_column(default="EUR")
    idempotency_key: Mapped[str] = mapped_column(String(64), unique=True)
    """What the provider gets, the same at every repetition."""
    request: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    """The frozen parameters of the provider's call: a repetition sends exactly these."""
    mandate_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("mandate.id"))
    charge_on: Mapped[date | None]
    """The day of a debit, as asked for and then as the provider says."""
    expected_on: Mapped[date | None]
    """When the money should be ours."""
    checkout_reference: Mapped[str | None] = mapped_column(String(128))
    checkout_url: Mapped[str | None] = mapped_column(Text)
    checkout_expires_at: Mapped[datetime | None]
    provider_reference: Mapped[str | None] = mapped_column(String(128))
    """The money object at the provider: a PaymentIntent, a GoCardless payment."""
    refunded_minor: Mapped[Minor] = mapped_column(default=0)
    fee_minor: Mapped[Minor | None]
    failure_code: Mapped[str | None] = mapped_column(String(64))
    failure_reason: Mapped[str | None] = mapped_column(Text)
    """The provider's words, for staff."""
    memo: Mapped[str] = mapped_column(Text, default="")
    """Of a receipt by hand: the cheque's number, the transfer's label."""
    received_on: Mapped[date | None]
    created_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    asked_at: Mapped[datetime | None]
    """When the provider was last asked about it (the janitor's memory)."""


class PaymentAllocation(HasId, Base):
    """What a payment was meant to settle. What it did settle stands in the ledger."""

    __tablename__ = "payment_allocation"
    __table_args__ = (
        UniqueConstraint("payment_id", "invoice_id"),
        Index(None, "invoice_id"),
        above_zero("amount_minor"),
    )

    payment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("payment.id"))
    invoice_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("invoice.id"))
    amount_minor: Mapped[Minor]


class PaymentTransition(Step):
    """One step of a payment; the database refuses a step taken twice."""

    __tablename__ = "payment_transition"
    __table_args__ = (UniqueConstraint("payment_id", "step"),)

    payment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("payment.id"))
    before: Mapped[PaymentStatus | None] = mapped_column(enum_column(PaymentStatus, name="before"))
    after: Mapped[PaymentStatus] = mapped_column(enum_column(PaymentStatus, name="after"))


class Mandate(Affair):
    """A SEPA authorisation. `status` is written by `payments.mandates.service.advance` alone."""

    __tablename__ = "mandate"
    __table_args__ = (
        UniqueConstraint("attempt"),
        UniqueConstraint("reference"),
        Index(
            "uq_mandate_provider_reference",
            "provider_reference",
            unique=True,
            postgresql_where="provider_reference IS NOT NULL",
        ),
        Index(None, "debtor_id", "id"),
        Index("ix_mandate_created", "company_id", "created_at", "id"),
        Index(None, "billing_request_reference"),
    )

    contact_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("contact.id"))
    reference: Mapped[str] = mapped_column(String(35))
    """Our name of it; the RUM that banks see is `scheme_reference`."""
    attempt: Mapped[str] = mapped_column(String(120))
    status: Mapped[MandateStatus] = mapped_column(enum_column(MandateStatus), default=MandateStatus.CREATED)
    idempotency_key: Mapped[str] = mapped_column(String(64), unique=True)
    request: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    billing_request_reference: Mapped[str | None] = mapped_column(String(128))
    flow_url: Mapped[str | None] = mapped_column(Text)
    flow_expires_at: Mapped[datetime | None]
    provider_reference: Mapped[str | None] = mapped_column(String(128))
    scheme_reference: Mapped[str | None] = mapped_column(String(35))
    """RUM: référence unique du mandat."""
    holder_name: Mapped[str] = mapped_column(default="")
    bank_name: Mapped[str] = mapped_column(default="")
    iban_ending: Mapped[str] = mapped_column(String(4), default="")
    iban_country: Mapped[str] = mapped_column(String(2), default="")
    next_charge_on: Mapped[date | None]
    """The provider's next possible charge date when last asked: a hint, read anew at the moment of use."""
    evidence: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    """Proof of consent: time, address, text version."""
    created_at: Mapped[datetime]
    given_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    end_reason: Mapped[str] = mapped_column(default="")
    asked_at: Mapped[datetime | None]


class MandateTransition(Step):
    """One step of a mandate."""

    __tablename__ = "mandate_transition"
    __table_args__ = (UniqueConstraint("mandate_id", "step"),)

    mandate_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("mandate.id"))
    before: Mapped[MandateStatus | None] = mapped_column(enum_column(MandateStatus, name="before"))
    after: Mapped[MandateStatus] = mapped_column(enum_column(MandateStatus, name="after"))


class Refund(HasId, Base):
    """Money going back on purpose; also what the provider refunded without us."""

    __tablename__ = "refund"
    __table_args__ = (
        Index(
            "uq_refund_provider_reference",
            "provider_reference",
            unique=True,
            postgresql_where="provider_reference IS NOT NULL",
        ),
        Index(None, "payment_id"),
        above_zero("amount_minor"),
    )

    payment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("payment.id"))
    amount_minor: Mapped[Minor]
    currency: Mapped[Currency] = mapped_column(default="EUR")
    status: Mapped[RefundStatus] = mapped_column(enum_column(RefundStatus), default=RefundStatus.ASKED)
    idempotency_key: Mapped[str] = mapped_column(String(64), unique=True)
    request: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    """The frozen parameters of the provider's call, written when it is sent for the first time."""
    provider_reference: Mapped[str | None] = mapped_column(String(128))
    failure_reason: Mapped[str] = mapped_column(Text, default="")
    reason: Mapped[str] = mapped_column(Text, default="")
    is_owed: Mapped[bool] = mapped_column(Boolean, default=True)
    """Whether what is given back is owed again, as whoever asked for it said; if not, it is written off with the refund."""
    asked_again_at: Mapped[datetime | None]
    """When a person said that what it gave back is owed after all: from then on it is collected like everything else."""
    asked_by: Mapped[str] = mapped_column(default="")
    asked_by_id: Mapped[uuid.UUID | None]
    approved_by: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]
    asked_at: Mapped[datetime | None]
    """When the provider was last asked about it."""
    done_at: Mapped[datetime | None]


class Payout(HasId, Base):
    """What a provider paid to the company's bank account."""

    __tablename__ = "payout"
    __table_args__ = (UniqueConstraint("provider", "provider_reference"),)

    company_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("company.id"))
    provider: Mapped[Provider] = mapped_column(enum_column(Provider))
    provider_reference: Mapped[str] = mapped_column(String(128))
    amount_minor: Mapped[Minor]
    fee_minor: Mapped[Minor] = mapped_column(default=0)
    currency: Mapped[Currency] = mapped_column(default="EUR")
    paid_on: Mapped[date | None]
    returned_at: Mapped[datetime | None]
    """When the company's bank sent it back to the provider."""
    created_at: Mapped[datetime]
