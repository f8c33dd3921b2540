"""Files that debtors and staff attach to what they say."""

import uuid
from datetime import datetime

from sqlalchemy import Boolean, CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from shared.attachments.rules import AttachmentState
from shared.kit.columns import above_zero, enum_column
from shared.kit.db import Base, HasId


class Attachment(HasId, Base):
    """One kept file. Its bytes are in the file store by `sha256`: decoded and written anew, not as they came."""

    __tablename__ = "attachment"
    __table_args__ = (
        Index(None, "subject_type", "subject_id", "id"),
        Index(None, "debtor_id", "id"),
        Index("ix_attachment_waiting", "id", postgresql_where="state IN ('scanning', 'unscanned')"),
        Index("ix_attachment_bad", "company_id", "id", postgresql_where="state IN ('infected', 'quarantined')"),
        above_zero("size"),
        CheckConstraint("length(sha256) = 64", name="sha256_length"),
        CheckConstraint("length(received_sha256) = 64", name="received_sha256_length"),
    )

    company_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("company.id"))
    debtor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("debtor.id"))
    subject_type: Mapped[str] = mapped_column(String(32))
    """"dispute", "declaration"."""
    subject_id: Mapped[uuid.UUID]
    part_id: Mapped[uuid.UUID | None]
    """The message of the conversation that it came with."""
    is_internal: Mapped[bool] = mapped_column(Boolean, default=False)
    """Staff's own: the debtor never sees it."""
    name: Mapped[str] = mapped_column(String(160))
    """For people: cleaned, with the ending of what the file really is."""
    media_type: Mapped[str] = mapped_column(String(96))
    """Found by its content."""
    size: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64))
    """Of what is kept."""
    received_sha256: Mapped[str] = mapped_column(String(64))
    """Of what was sent, so that somebody who kept his file can prove that it was this one."""
    state: Mapped[AttachmentState] = mapped_column(enum_column(AttachmentState))
    finding: Mapped[str] = mapped_column(String(200), default="")
    """What the scanner said, when it was not "clean"."""
    scanned_at: Mapped[datetime | None]
    uploaded_by_kind: Mapped[str] = mapped_column(String(16))
    uploaded_by_id: Mapped[uuid.UUID | None]
    uploaded_by_name: Mapped[str]
    uploaded_at: Mapped[datetime]
