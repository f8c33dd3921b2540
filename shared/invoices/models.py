"""Invoices and credit notes with their lines, and what freezes them."""

import enum
import uuid
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    ForeignKey,
    Index,
    Numeric,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    Uuid,
    collate,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from shared.kit.columns import Currency, Minor, above_zero, at_least_zero, enum_column
from shared.kit.db import Base, HasId


class InvoiceKind(enum.Enum):
    """What a document asks or gives; both have a positive total."""

    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"


class InvoiceSource(enum.Enum):
    """Where it came from."""

    IMPORT = "import"
    ENTERED = "entered"


class Invoice(HasId, Base):
    """An invoice or a credit note. `open_minor` and `held_minor` are cached copies of the ledger.

    Of an invoice the open amount is what is still owed; of a credit note what of it is not used yet.

    Each order of the desk's list has an index of everything and one of what is open: old invoices are paid, and whoever sorts what is
    open does not wait for them. Numbers stand in the order of their bytes, so that one index sorts them and finds their beginning.
    """

    __tablename__ = "invoice"
    __table_args__ = (
        UniqueConstraint("debtor_id", "kind", "number"),
        Index("ix_invoice_number", "company_id", "number", "id", postgresql_ops={"number": 'COLLATE "C"'}),
        Index(
            "ix_invoice_open_number",
            "company_id",
            "number",
            "id",
            postgresql_ops={"number": 'COLLATE "C"'},
            postgresql_where="open_minor > 0",
        ),
        Index("ix_invoice_issued", "company_id", "issued_on", "id", postgresql_include=["kind"]),
        Index("ix_invoice_open_issued", "company_id", "issued_on", "id", postgresql_where="open_minor > 0"),
        Index("ix_invoice_amount", "company_id", "open_minor", "id"),
        Index("ix_invoice_debtor", "debtor_id", "issued_on", "id"),
        Index(
            "ix_invoice_open",
            "debtor_id",
            "due_on",
            postgresql_include=["open_minor", "held_minor", "frozen_minor", "paused_minor", "kind"],
            postgresql_where="open_minor > 0",
        ),
        Index(
            "ix_invoice_company_due",
            "company_id",
            "due_on",
            "id",
            postgresql_include=["debtor_id", "total_minor", "open_minor", "held_minor", "kind"],
            postgresql_where="open_minor > 0",
        ),
        Index("ix_invoice_company_all", "company_id", "due_on", "id"),
        Index(None, "credits_invoice_id", postgresql_where="credits_invoice_id IS NOT NULL"),
        above_zero("total_minor"),
        at_least_zero("held_minor"),
        CheckConstraint("open_minor BETWEEN 0 AND total_minor", name="open_within_total"),
        CheckConstraint("held_minor <= open_minor", name="held_within_open"),
        CheckConstraint("elsewhere_minor BETWEEN 0 AND held_minor", name="elsewhere_within_held"),
        at_least_zero("booked_minor"),
        CheckConstraint("frozen_minor BETWEEN 0 AND total_minor", name="frozen_within_total"),
        CheckConstraint("paused_minor BETWEEN 0 AND total_minor", name="paused_within_total"),
    )

    company_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("company.id"))
    debtor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("debtor.id"))
    kind: Mapped[InvoiceKind] = mapped_column(enum_column(InvoiceKind), default=InvoiceKind.INVOICE)
    number: Mapped[str] = mapped_column(String(64))
    title: Mapped[str] = mapped_column(default="")
    order_reference: Mapped[str] = mapped_column(default="")
    """The customer's purchase order number."""
    issued_on: Mapped[date]
    due_on: Mapped[date]
    due_is_derived: Mapped[bool] = mapped_column(Boolean, default=False)
    """True when the file held no due day and it follows from terms."""
    currency: Mapped[Currency] = mapped_column(default="EUR")
    net_minor: Mapped[Minor | None]
    vat_minor: Mapped[Minor | None]
    """None when the source gave only the total."""
    total_minor: Mapped[Minor]
    open_minor: Mapped[Minor]
    held_minor: Mapped[Minor] = mapped_column(default=0)
    frozen_minor: Mapped[Minor] = mapped_column(default=0)
    """The part that a dispute, plan or legal hold freezes: neither collected, nor reminded, nor asked for (I10)."""
    paused_minor: Mapped[Minor] = mapped_column(default=0)
    """The part that a promise, a declared transfer or a contested payment covers: neither collected nor reminded (I10), yet
    the debtor may pay it at any time."""
    elsewhere_minor: Mapped[Minor] = mapped_column(default=0, server_default=text("0"))
    """What the books show as settled elsewhere while a payment in flight still holds it: set off when that payment ends, or made
    credit when it comes in after all."""
    booked_minor: Mapped[Minor] = mapped_column(default=0, server_default=text("0"))
    """Of what was settled here, the part that the books showed when they were last imported."""
    cancelled_on: Mapped[date | None]
    """Set when what was open of it was taken off because it is no longer in the books."""
    autopay_excluded_at: Mapped[datetime | None]
    """Set while the debtor wants to pay this one himself: no automatic debit takes it."""
    settled_on: Mapped[date | None]
    """The day on which nothing was open any more; None also of history whose payment day the books do not tell."""
    credits_invoice_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("invoice.id"))
    """Of a credit note: the invoice it corrects."""
    source: Mapped[InvoiceSource] = mapped_column(enum_column(InvoiceSource), default=InvoiceSource.IMPORT)
    import_run_id: Mapped[uuid.UUID | None]
    created_at: Mapped[datetime]

    @property
    def collectable_minor(self) -> int:
        """What may be collected or reminded: open, not held by a payment in flight, neither frozen nor paused (I10)."""
        return max(0, self.open_minor - self.held_minor - self.frozen_minor - self.paused_minor)


NUMBER = collate(Invoice.number, "C")
"""An invoice's number as its indexes have it: compared and sorted by bytes, in every database alike."""


class InvoiceLine(HasId, Base):
    """One line of an invoice."""

    __tablename__ = "invoice_line"
    __table_args__ = (UniqueConstraint("invoice_id", "position"),)

    invoice_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("invoice.id"))
    position: Mapped[int] = mapped_column(SmallInteger)
    description: Mapped[str] = mapped_column(Text)
    quantity: Mapped[Decimal] = mapped_column(Numeric(14, 4), default=Decimal(1))
    unit: Mapped[str] = mapped_column(String(16), default="")
    unit_price: Mapped[Decimal] = mapped_column(Numeric(16, 4))
    """Before VAT, in major units: prices may have more decimals than the currency."""
    vat_rate: Mapped[Decimal] = mapped_column(Numeric(5, 2))
    """In percent."""
    vat_category: Mapped[str] = mapped_column(String(2), default="S")
    """UNCL 5305 code: S standard, Z zero, E exempt, AE reverse charge, K intra-community, G export."""
    net_minor: Mapped[Minor]


class InvoiceVat(HasId, Base):
    """The VAT of an invoice by rate and category."""

    __tablename__ = "invoice_vat"
    __table_args__ = (UniqueConstraint("invoice_id", "category", "rate"),)

    invoice_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("invoice.id"))
    category: Mapped[str] = mapped_column(String(2), default="S")
    rate: Mapped[Decimal] = mapped_column(Numeric(5, 2))
    base_minor: Mapped[Minor]
    vat_minor: Mapped[Minor]
    exemption_reason: Mapped[str] = mapped_column(default="")


class WithdrawnInvoice(Base):
    """The tombstone of an invoice whose import was taken back: its movements stay in the ledger, each beside its opposite."""

    __tablename__ = "invoice_withdrawn"
    __table_args__ = (Index(None, "debtor_id"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    """That of the invoice."""
    company_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("company.id"))
    debtor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("debtor.id"))
    kind: Mapped[InvoiceKind] = mapped_column(enum_column(InvoiceKind, name="withdrawn_kind"))
    number: Mapped[str] = mapped_column(String(64))
    issued_on: Mapped[date]
    total_minor: Mapped[Minor]
    currency: Mapped[Currency]
    import_run_id: Mapped[uuid.UUID]
    withdrawn_at: Mapped[datetime]


class FreezeKind(enum.Enum):
    """Why money is frozen."""

    DISPUTE = "dispute"
    PLAN = "plan"
    PROMISE = "promise"
    DECLARATION = "declaration"
    """The debtor says that he has paid."""
    RESPITE = "respite"
    """What stays owed after a dispute, until the day from which it is asked for again."""
    LEGAL_HOLD = "legal_hold"
    CHARGEBACK = "chargeback"
    """The payer's bank contests the payment that had settled it, until the case is closed."""


PAUSES = frozenset({FreezeKind.PROMISE, FreezeKind.DECLARATION, FreezeKind.RESPITE, FreezeKind.CHARGEBACK})
"""What stops us but not the debtor: counted in `paused_minor`, all other kinds in `frozen_minor`."""


class Freeze(HasId, Base):
    """A part of an invoice that is neither collected nor reminded, from the commit that writes this row on (I10)."""

    __tablename__ = "invoice_freeze"
    __table_args__ = (
        Index("ix_invoice_freeze_live", "invoice_id", postgresql_where="lifted_at IS NULL"),
        Index(None, "debtor_id"),
        Index("ix_invoice_freeze_subject", "subject_id", postgresql_where="lifted_at IS NULL"),
        Index(None, "invoice_id"),
        above_zero("amount_minor"),
    )

    invoice_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("invoice.id"))
    debtor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("debtor.id"))
    kind: Mapped[FreezeKind] = mapped_column(enum_column(FreezeKind))
    amount_minor: Mapped[Minor]
    reason: Mapped[str] = mapped_column(Text, default="")
    subject_id: Mapped[uuid.UUID | None]
    """The dispute, plan, promise, declaration or chargeback it belongs to."""
    frozen_at: Mapped[datetime]
    lifted_at: Mapped[datetime | None]


class KeptSelection(HasId, Base):
    """Invoices that somebody chose, kept so that an address names them all: a server's line holds some forty ids at most.

    It gives no right: what it names is asked of the debtor's account anew at each use.
    """

    __tablename__ = "kept_selection"
    __table_args__ = (Index(None, "debtor_id"), Index(None, "created_at"))

    debtor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("debtor.id"))
    invoice_ids: Mapped[list[uuid.UUID]] = mapped_column(ARRAY(Uuid))
    minors: Mapped[list[int | None]] = mapped_column(ARRAY(BigInteger))
    """How much of each, in minor units, in the order of `invoice_ids`; None is all that may be chosen of it."""
    created_at: Mapped[datetime]
