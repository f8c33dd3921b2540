"""Papers that were made or received, and are kept as they are."""

import enum
import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, CheckConstraint, ForeignKey, Index, String, UniqueConstraint
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
