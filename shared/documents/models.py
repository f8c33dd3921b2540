"""Papers that were made or received, and are kept as they are."""

import enum
import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import Boolean, CheckConstraint, ForeignKey, Index, String, UniqueConstraint, false, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from shared.kit.columns import Language, enum_column
from shared.kit.db import Base, HasId


class DocumentKind(enum.Enum):
    """What a paper is; its subject is an invoice, a payment, a mandate, a plan or a debtor."""

    ORIGINAL = "original"
    """The invoice's PDF as it was issued elsewhere: the legal original, never altered."""
    INVOICE = "invoice"
    STATEMENT = "statement"
    RECEIPT = "receipt"
    MANDATE = "mandate"
    PLAN = "plan"
    """The acknowledgement of a debt that is paid by instalments."""


class Document(HasId, Base):
    """One kept file. Made once: whoever asks again gets the same bytes.

    `version` tells papers of one subject apart: a receipt before and after the money is final, a statement by its
    facts, an original by its bytes; an invoice has one only.
    """

    __tablename__ = "document"
    __table_args__ = (
        UniqueConstraint("kind", "subject_id", "version"),
        Index(None, "debtor_id", "id"),
        CheckConstraint("length(sha256) = 64", name="sha256_length"),
        CheckConstraint("(kind = 'original') = (facts IS NULL)", name="made_from_facts"),
    )

    company_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("company.id"))
    debtor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("debtor.id"))
    kind: Mapped[DocumentKind] = mapped_column(enum_column(DocumentKind))
    subject_id: Mapped[uuid.UUID]
    version: Mapped[str] = mapped_column(String(64), default="")
    language: Mapped[Language]
    name: Mapped[str] = mapped_column(String(160))
    media_type: Mapped[str] = mapped_column(String(96))
    sha256: Mapped[str] = mapped_column(String(64))
    size: Mapped[int]
    is_electronic: Mapped[bool] = mapped_column(Boolean, default=False)
    """True when the file carries its EN 16931 data (Factur-X)."""
    facts: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """What it was made from; None for an original that came from outside."""
    created_at: Mapped[datetime]


class OrderState(enum.Enum):
    """How far a paper has come that nobody could wait for."""

    WAITING = "waiting"
    MAKING = "making"
    READY = "ready"
    FAILED = "failed"


class PaperOrder(HasId, Base):
    """A long paper that is made in the background, portion after portion.

    `wanted` says what is asked for: while one is underway, whoever asks for the same gets the same order.
    """

    __tablename__ = "paper_order"
    __table_args__ = (
        Index(None, "debtor_id", "id"),
        Index(None, "created_at"),
        Index(
            "uq_paper_order_underway",
            "kind",
            "subject_id",
            "wanted",
            unique=True,
            postgresql_where=text("state IN ('waiting', 'making')"),
        ),
        CheckConstraint("(state = 'ready') = (document_id IS NOT NULL)", name="ready_has_document"),
    )

    company_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("company.id"))
    debtor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("debtor.id"))
    kind: Mapped[DocumentKind] = mapped_column(enum_column(DocumentKind))
    subject_id: Mapped[uuid.UUID]
    wanted: Mapped[str] = mapped_column(String(64))
    language: Mapped[Language]
    since_on: Mapped[date | None]
    """First and last day, of a statement."""
    until_on: Mapped[date | None]
    asked_on: Mapped[date]
    asked_by: Mapped[uuid.UUID]
    """The contact or member of staff."""
    state: Mapped[OrderState] = mapped_column(enum_column(OrderState), default=OrderState.WAITING)
    is_too_heavy: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    """It failed because it is too long to be made: asked for again it would fail again. One that was given up may succeed."""
    facts: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """What it is made from, while it is being made."""
    version: Mapped[str] = mapped_column(String(64), default="")
    portion_count: Mapped[int] = mapped_column(default=0)
    portions: Mapped[list[str]] = mapped_column(JSONB, default=list)
    """Digests of the stored pages so far."""
    document_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("document.id"))
    created_at: Mapped[datetime]
    touched_at: Mapped[datetime]
