"""The legal entity that collects."""

import enum
import uuid
from datetime import datetime, time
from decimal import Decimal

from sqlalchemy import Boolean, CheckConstraint, ForeignKey, Integer, LargeBinary, Numeric, String, Text, Time
from sqlalchemy.orm import Mapped, mapped_column

from shared.kit.columns import Currency, Language, enum_column
from shared.kit.db import Base, HasId


class TermsKind(enum.Enum):
    """How a due day follows from an invoice day (C. com. L441-10 leaves two readings of "end of month")."""

    NET = "net"
    """So many days after the invoice day."""
    END_OF_MONTH_THEN_DAYS = "end_of_month_then_days"
    """To the end of the month, then so many days."""
    DAYS_THEN_END_OF_MONTH = "days_then_end_of_month"
    """So many days, then to the end of that month."""


class Company(HasId, Base):
    """A company of this installation. What staff may change while the program runs stands here, not in settings."""

    __tablename__ = "company"
    __table_args__ = (
        CheckConstraint("notice_days BETWEEN 1 AND 30", name="notice_days"),
        CheckConstraint("terms_days BETWEEN 0 AND 120", name="terms_days"),
    )

    code: Mapped[str] = mapped_column(String(32), unique=True)
    """The short name that commands use: "atelier"."""
    legal_name: Mapped[str]
    trade_name: Mapped[str]
    legal_form: Mapped[str] = mapped_column(default="")
    capital: Mapped[str] = mapped_column(default="")
    siren: Mapped[str] = mapped_column(String(9))
    siret: Mapped[str | None] = mapped_column(String(14))
    trade_register: Mapped[str] = mapped_column(default="")
    """The mention of the trade register: "RCS Lyon"."""
    vat_number: Mapped[str | None] = mapped_column(String(20))
    street: Mapped[str]
    street_more: Mapped[str] = mapped_column(default="")
    postcode: Mapped[str] = mapped_column(String(12))
    city: Mapped[str]
    country: Mapped[str] = mapped_column(String(2), default="FR")
    email: Mapped[str]
    phone: Mapped[str] = mapped_column(default="")
    website: Mapped[str] = mapped_column(default="")

    iban: Mapped[str] = mapped_column(String(34))
    bic: Mapped[str] = mapped_column(String(11), default="")
    ics: Mapped[str] = mapped_column(String(35), default="")
    """SEPA creditor identifier (identifiant créancier SEPA)."""

    currency: Mapped[Currency] = mapped_column(default="EUR")
    language: Mapped[Language] = mapped_column(default="fr")
    zone: Mapped[str] = mapped_column(String(64), default="Europe/Paris")

    accent: Mapped[str] = mapped_column(String(7), default="#1f5f5b")
    """The brand's colour, #rrggbb."""
    logo: Mapped[bytes | None] = mapped_column(LargeBinary)
    logo_type: Mapped[str | None] = mapped_column(String(32))

    terms_days: Mapped[int] = mapped_column(default=30)
    terms_kind: Mapped[TermsKind] = mapped_column(enum_column(TermsKind), default=TermsKind.NET)
    penalty_rate: Mapped[Decimal | None] = mapped_column(Numeric(6, 3))
    """Late penalties in percent a year; None means the legal default (ECB rate + 10 points, L441-10 II)."""
    discount_terms: Mapped[str] = mapped_column(Text, default="")

    notice_days: Mapped[int] = mapped_column(default=14)
    """Days between the pre-notification of a SEPA debit and the debit; 14 unless agreed otherwise."""
    collects: Mapped[bool] = mapped_column(Boolean, default=True)
    """Whether autopay debits are created for this company."""
    reminds: Mapped[bool] = mapped_column(Boolean, default=True)
    sends_from: Mapped[time] = mapped_column(Time, default=time(8))
    sends_until: Mapped[time] = mapped_column(Time, default=time(20))
    """No reminder leaves outside these hours of the company's zone."""

    takes_cards: Mapped[bool] = mapped_column(Boolean, default=True)
    takes_debits: Mapped[bool] = mapped_column(Boolean, default=True)
    card_maximum_minor: Mapped[int | None] = mapped_column(Integer)
    four_eyes_minor: Mapped[int] = mapped_column(Integer, default=50_000)
    """A refund or write-off above this amount needs a second person."""
    link_days: Mapped[int] = mapped_column(default=45)
    """How long a magic link lives."""
    created_at: Mapped[datetime]

    @property
    def debits_by_itself(self) -> bool:
        """Whether automatic debits are made for it: autopay and plans by mandate."""
        return self.collects and self.takes_debits


class CompanyPolicy(Base):
    """What a company grants or asks in one matter, in words of its own; see `shared.company.policy`."""

    __abstract__ = True

    company_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("company.id"), primary_key=True)
    changed_at: Mapped[datetime]
