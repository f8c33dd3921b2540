"""What was given away, asked for or declined."""

import enum
import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from shared.kit.columns import Currency, Minor, above_zero, enum_column
from shared.kit.db import Base, HasId


class GiftKind(enum.StrEnum):
    """The acts by which a person gives something away; there are no others (`tests/house/test_giving.py`)."""

    REFUND = "refund"
    """Money goes back; its subject is the refund."""
    CREDIT = "credit"
    """A dispute is accepted with a credit; its subject is the acceptance."""
    CHARGEBACK = "chargeback"
    """Contested money is not asked for again; its subject is the case."""
    CANCELLATION = "cancellation"
    """An invoice is taken off as no longer in the books; its subject is the act."""


class GiftState(enum.Enum):
    """Where something given stands."""

    ASKED = "asked"
    """Waits for a second person."""
    ALONE = "alone"
    """Given by one person, up to the limit."""
    SEEN = "seen"
    """Given, and a second person agreed."""
    DECLINED = "declined"
    """A second person said no, or the first one took it back."""
    UNDONE = "undone"
    """It came back: the provider refused it."""


class RaiseState(enum.Enum):
    """Where a wish for a higher limit stands."""

    ASKED = "asked"
    AGREED = "agreed"
    DECLINED = "declined"


class LimitRaise(HasId, Base):
    """Somebody wants one person to be able to give away more alone than `Company.four_eyes_minor`."""

    __tablename__ = "limit_raise"
    __table_args__ = (
        Index("uq_limit_raise_asked", "company_id", unique=True, postgresql_where="state = 'asked'"),
        Index("ix_limit_raise_ripe", "ripe_at", postgresql_where="state = 'asked'"),
    )

    company_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("company.id"))
    before_minor: Mapped[Minor]
    after_minor: Mapped[Minor]
    state: Mapped[RaiseState] = mapped_column(enum_column(RaiseState))
    asked_by_id: Mapped[uuid.UUID]
    asked_by_name: Mapped[str]
    asked_at: Mapped[datetime]
    ripe_at: Mapped[datetime | None]
    """When it takes effect by itself, where there is no second administrator; None: a second one must agree."""
    decided_by_id: Mapped[uuid.UUID | None]
    decided_by_name: Mapped[str] = mapped_column(default="")
    decided_at: Mapped[datetime | None]


class Gift(HasId, Base):
    """An amount that left the company's claim or account by a person's will: a refund, a credit, a claim that is given up."""

    __tablename__ = "gift"
    __table_args__ = (
        Index("uq_gift_subject", "kind", "subject_id", unique=True),
        Index(None, "debtor_id", "given_at"),
        Index(None, "payment_id"),
        above_zero("minor"),
    )

    company_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("company.id"))
    debtor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("debtor.id"))
    kind: Mapped[str] = mapped_column(String(32))
    """A value of `GiftKind`."""
    subject_id: Mapped[uuid.UUID]
    payment_id: Mapped[uuid.UUID | None]
    """The payment of which it is given back."""
    state: Mapped[GiftState] = mapped_column(enum_column(GiftState))
    minor: Mapped[Minor]
    currency: Mapped[Currency]
    by_id: Mapped[uuid.UUID | None]
    by_name: Mapped[str] = mapped_column(default="")
    reason: Mapped[str] = mapped_column(Text, default="")
    """Why, in the words of who asked, where the act has no row of its own to keep them."""
    given_at: Mapped[datetime]
    decided_by_id: Mapped[uuid.UUID | None]
    decided_by_name: Mapped[str] = mapped_column(default="")
    """The second person, or who took it back."""
    decided_at: Mapped[datetime | None]


class GiftPart(HasId, Base):
    """What of a gift concerns one invoice."""

    __tablename__ = "gift_part"
    __table_args__ = (Index(None, "invoice_id"), Index(None, "gift_id"), above_zero("minor"))

    gift_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("gift.id"))
    invoice_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("invoice.id"))
    minor: Mapped[Minor]
