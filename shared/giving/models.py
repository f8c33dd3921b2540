"""What was given away, asked for or declined."""

import enum
import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from shared.kit.columns import Currency, Minor, above_zero, enum_column
from shared.kit.db import Base, HasId


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
    """"refund", "credit", "chargeback": who gives it decides the word."""
    subject_id: Mapped[uuid.UUID]
    """The refund, the acceptance, the contested payment."""
    payment_id: Mapped[uuid.UUID | None]
    """The payment of which it is given back."""
    state: Mapped[GiftState] = mapped_column(enum_column(GiftState))
    minor: Mapped[Minor]
    currency: Mapped[Currency]
    by_id: Mapped[uuid.UUID | None]
    given_at: Mapped[datetime]


class GiftPart(HasId, Base):
    """What of a gift concerns one invoice."""

    __tablename__ = "gift_part"
    __table_args__ = (Index(None, "invoice_id"), Index(None, "gift_id"), above_zero("minor"))

    gift_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("gift.id"))
    invoice_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("invoice.id"))
    minor: Mapped[Minor]
