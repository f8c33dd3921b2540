"""Transfers between accounts: pending, then posted or void; never changed, never deleted."""

import enum
import uuid
from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from shared.kit.columns import Currency, Minor, above_zero, enum_column
from shared.kit.db import Base, HasId


class Account(enum.Enum):
    """The chart of accounts. Some have an owner: `receivable` an invoice, `credit` a debtor."""

    RECEIVABLE = "receivable"
    CREDIT = "credit"
    """A debtor's unapplied credit: a debt of ours."""
    SALES = "sales"
    STRIPE = "clearing_stripe"
    GOCARDLESS = "clearing_gocardless"
    """What a provider holds for us between a payment and its payout."""
    BANK = "bank"
    ELSEWHERE = "elsewhere"
    """The counterpart of what the accounting file shows as settled: money that did not pass through Guichet."""
    FEES = "fees"
    WRITE_OFF = "write_off"
    INTEREST = "interest"
    LOSS = "loss"
    """What a provider took back beyond what a payment still settled (a debit returned after it was refunded)."""


class Phase(enum.Enum):
    """Where a transfer stands. A pending one is resolved by exactly one POST or VOID row that names it."""

    POSTED = "posted"
    PENDING = "pending"
    POST = "post"
    VOID = "void"


class Kind(enum.Enum):
    """What a movement means."""

    ISSUE = "issue"
    PAYMENT = "payment"
    LATE_FAILURE = "late_failure"
    CHARGEBACK = "chargeback"
    CHARGEBACK_WON = "chargeback_won"
    REFUND = "refund"
    REFUND_FAILED = "refund_failed"
    RECEIPT = "receipt"
    """Money recorded by hand: a transfer, a cheque."""
    RECEIPT_UNDONE = "receipt_undone"
    CREDIT_APPLIED = "credit_applied"
    CREDIT_RESTORED = "credit_restored"
    IMPORTED = "imported"
    """A settlement or a credit that the accounting file shows."""
    WRITE_OFF = "write_off"
    FEE = "fee"
    PAYOUT = "payout"
    PAYOUT_RETURNED = "payout_returned"
    ADJUSTMENT = "adjustment"
    """What a provider adds to a payout or takes from it that is neither a payment nor a fee."""
    CORRECTION = "correction"
    """What was booked wrong is put right beside it, on the word of two people."""


class Transfer(HasId, Base):
    """One leg of a movement: an amount from the credited to the debited account.

    `provider`, `provider_reference`, `kind` and `leg` are unique together: for each money object at a provider there
    is exactly one movement of a kind (I1).
    """

    __tablename__ = "ledger_transfer"
    __table_args__ = (
        Index("ix_ledger_transfer_debtor", "debtor_id", "id"),
        Index("ix_ledger_transfer_payment", "payment_id", postgresql_where="payment_id IS NOT NULL"),
        Index(
            "uq_ledger_transfer_provider",
            "provider",
            "provider_reference",
            "kind",
            "leg",
            unique=True,
            postgresql_where="provider_reference IS NOT NULL",
        ),
        Index("uq_ledger_transfer_pending", "pending_id", unique=True, postgresql_where="pending_id IS NOT NULL"),
        above_zero("amount_minor"),
        CheckConstraint("(phase IN ('post', 'void')) = (pending_id IS NOT NULL)", name="resolves_a_pending"),
        CheckConstraint("(debit_account IN ('receivable', 'credit')) = (debit_owner IS NOT NULL)", name="debit_owner"),
        CheckConstraint(
            "(credit_account IN ('receivable', 'credit')) = (credit_owner IS NOT NULL)", name="credit_owner"
        ),
    )

    company_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("company.id"))
    debtor_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("debtor.id"))
    movement_id: Mapped[uuid.UUID]
    leg: Mapped[int] = mapped_column(SmallInteger, default=0)
    kind: Mapped[Kind] = mapped_column(enum_column(Kind))
    phase: Mapped[Phase] = mapped_column(enum_column(Phase), default=Phase.POSTED)
    pending_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("ledger_transfer.id"))
    debit_account: Mapped[Account] = mapped_column(enum_column(Account, name="debit_account"))
    debit_owner: Mapped[uuid.UUID | None]
    credit_account: Mapped[Account] = mapped_column(enum_column(Account, name="credit_account"))
    credit_owner: Mapped[uuid.UUID | None]
    amount_minor: Mapped[Minor]
    currency: Mapped[Currency] = mapped_column(default="EUR")
    value_on: Mapped[date]
    """The legal day in the company's zone."""
    at: Mapped[datetime]
    payment_id: Mapped[uuid.UUID | None]
    provider: Mapped[str | None] = mapped_column(String(16))
    provider_reference: Mapped[str | None] = mapped_column(String(128))
