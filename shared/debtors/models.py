"""One customer account of one company, and the people who act for it."""

import enum
import uuid
from datetime import date, datetime

from sqlalchemy import (
    Boolean,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    collate,
    false,
    func,
    literal_column,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from shared.company.models import TermsKind
from shared.kit.columns import Currency, Language, Minor, at_least_zero, enum_column
from shared.kit.db import Base, HasId


class DebtorKind(enum.Enum):
    """Decides which law speaks: no 40 € and no L441-10 penalties for consumers."""

    BUSINESS = "business"
    CONSUMER = "consumer"


class Debtor(HasId, Base):
    """A customer account. Its row is the lock that makes one debtor's affairs serial.

    The three totals are cached copies of the ledger, written in the same transaction as its transfers and checked
    by `guichet verify`. An account is kept in one currency.
    """

    __tablename__ = "debtor"
    __table_args__ = (
        UniqueConstraint("company_id", "account_code"),
        Index("ix_debtor_name", "company_id", text('left(search_text COLLATE "C", 200)'), "id"),
        Index("ix_debtor_open", "company_id", "open_minor", "id"),
        Index("ix_debtor_credit", "company_id", "credit_minor", "id"),
        Index(
            "ix_debtor_search", "search_text", postgresql_using="gin", postgresql_ops={"search_text": "gin_trgm_ops"}
        ),
        Index(None, "merged_into_id", postgresql_where="merged_into_id IS NOT NULL"),
        at_least_zero("held_minor"),
        at_least_zero("credit_minor"),
    )

    company_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("company.id"))
    account_code: Mapped[str] = mapped_column(String(64))
    """The customer's account in the accounting software: "411DURAND"."""
    code_says_who: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    """The code was made of a name or an address, for want of one: it goes with them."""
    name: Mapped[str]
    kind: Mapped[DebtorKind] = mapped_column(enum_column(DebtorKind), default=DebtorKind.BUSINESS)
    siren: Mapped[str | None] = mapped_column(String(9))
    vat_number: Mapped[str | None] = mapped_column(String(20))
    street: Mapped[str] = mapped_column(default="")
    street_more: Mapped[str] = mapped_column(default="")
    postcode: Mapped[str] = mapped_column(String(12), default="")
    city: Mapped[str] = mapped_column(default="")
    country: Mapped[str] = mapped_column(String(2), default="FR")
    language: Mapped[Language] = mapped_column(default="fr")
    currency: Mapped[Currency] = mapped_column(default="EUR")

    terms_days: Mapped[int | None]
    terms_kind: Mapped[TermsKind | None] = mapped_column(enum_column(TermsKind))

    autopay: Mapped[bool] = mapped_column(Boolean, default=False)
    autopay_maximum_minor: Mapped[Minor | None]
    """The most that one automatic debit may take; None is no maximum."""
    reminders_paused_until: Mapped[date | None]
    reminders_pause_reason: Mapped[str] = mapped_column(default="")

    open_minor: Mapped[Minor] = mapped_column(default=0)
    """Sum of the invoices' open amounts less that of credit notes; a signed figure."""
    held_minor: Mapped[Minor] = mapped_column(default=0)
    """Sum of what payments in flight reserve."""
    credit_minor: Mapped[Minor] = mapped_column(default=0)
    """Unapplied credit: money received that settles nothing yet."""

    merged_into_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("debtor.id"))
    """The account that took this one over; it owes and owns nothing any more, and its links and addresses lead there."""
    withdrawn_at: Mapped[datetime | None]
    """Set when the import that had brought it was taken back: it is nobody's account until a file brings it again."""
    import_run_id: Mapped[uuid.UUID | None]
    """The import that brought it."""
    search_text: Mapped[str] = mapped_column(Text, default="")
    """Name, code and SIREN in lower case without accents (`service.searchable`)."""
    created_at: Mapped[datetime]


BY_NAME = func.left(collate(Debtor.search_text, "C"), literal_column("200"), type_=Text)
"""The order of names as people expect it, whatever the database's language: É beside E, œ as oe, upper and lower case alike."""


class DebtorAlias(HasId, Base):
    """Another code under which a debtor's documents arrive: of an account merged into it, or one that a file used for it."""

    __tablename__ = "debtor_alias"
    __table_args__ = (UniqueConstraint("company_id", "essence"), Index(None, "debtor_id"))

    company_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("company.id"))
    debtor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("debtor.id"))
    code: Mapped[str] = mapped_column(String(64))
    essence: Mapped[str] = mapped_column(String(64))
    """The code as codes are compared (`rules.code_essence`)."""
    code_says_who: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    """As of a debtor."""
    merged_id: Mapped[uuid.UUID | None]
    """The account that was merged."""
    import_run_id: Mapped[uuid.UUID | None]
    """The import that found it out."""
    created_at: Mapped[datetime]


class ContactRole(enum.Enum):
    """What a person may do for a debtor."""

    OWNER = "owner"
    """May invite and remove others."""
    MEMBER = "member"


class Affair(HasId, Base):
    """What a company and one of its debtors have between them: a payment, a mandate, a promise, a dispute, a plan and so on."""

    __abstract__ = True

    company_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("company.id"))
    debtor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("debtor.id"))


class Contact(HasId, Base):
    """A person with an address, who may act for one or several debtors of one company."""

    __tablename__ = "contact"
    __table_args__ = (
        UniqueConstraint("company_id", "email"),
        Index("ix_contact_bounced", "company_id", "bounced_at", postgresql_where="bounced_at IS NOT NULL"),
    )

    company_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("company.id"))
    email: Mapped[str] = mapped_column(String(254))
    """In lower case."""
    name: Mapped[str] = mapped_column(default="")
    language: Mapped[Language] = mapped_column(default="fr")
    phone: Mapped[str] = mapped_column(default="")
    bounced_at: Mapped[datetime | None]
    """Set when there is no such mailbox; nothing more is sent to it until somebody saves it anew, lifts the mark, or a
    message arrives after all."""
    bounce_answer: Mapped[str] = mapped_column(Text, default="", server_default="")
    """What the mail server said."""
    doubted_at: Mapped[datetime | None]
    """When a refusal that may mean this was heard first: another one on a later day marks the address."""
    wants_digest: Mapped[bool] = mapped_column(Boolean, default=False)
    """News that asks nothing of this person waits for one message a week."""
    import_run_id: Mapped[uuid.UUID | None]
    """The import that brought it."""
    created_at: Mapped[datetime]


class DebtorContact(HasId, Base):
    """That a person acts for a debtor. Ended by `removed_at`, never deleted."""

    __tablename__ = "debtor_contact"
    __table_args__ = (
        Index("uq_debtor_contact_live", "debtor_id", "contact_id", unique=True, postgresql_where="removed_at IS NULL"),
        Index(None, "contact_id"),
    )

    debtor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("debtor.id"))
    contact_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("contact.id"))
    role: Mapped[ContactRole] = mapped_column(enum_column(ContactRole), default=ContactRole.OWNER)
    is_reminded: Mapped[bool] = mapped_column(Boolean, default=True)
    """Whether reminders go to this person."""
    created_at: Mapped[datetime]
    trusted_from: Mapped[datetime | None]
    """Until then this person sees and pays, but proves nothing further: staff added them, or changed their address, and
    nobody else has agreed yet. None: trusted from the beginning."""
    added_by_id: Mapped[uuid.UUID | None]
    """The member of staff who did."""
    called: Mapped[str | None]
    """The name that whoever invited this person gave it: the others of the account see no name but that. None: its own."""
    import_run_id: Mapped[uuid.UUID | None]
    """The import that let this person act."""
    removed_at: Mapped[datetime | None]


class DebtorNote(HasId, Base):
    """What staff want to remember of a debtor; never shown in the portal."""

    __tablename__ = "debtor_note"
    __table_args__ = (Index(None, "debtor_id", "id"),)

    debtor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("debtor.id"))
    text: Mapped[str] = mapped_column(Text)
    author_id: Mapped[uuid.UUID | None]
    author_name: Mapped[str]
    created_at: Mapped[datetime]


class ErasedAddress(HasId, Base):
    """The tombstone of a person who was erased: a digest, by which somebody is asked before the address comes back."""

    __tablename__ = "erased_address"
    __table_args__ = (UniqueConstraint("company_id", "digest"), Index(None, "erased_at"))

    company_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("company.id"))
    digest: Mapped[str] = mapped_column(String(64))
    """SHA-256 of the company's id and the address (`erased.digest`)."""
    erased_at: Mapped[datetime]
