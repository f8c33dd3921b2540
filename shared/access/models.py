"""Links, codes and sessions of debtors. Of every secret only a hash is kept."""

import enum
import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, SmallInteger, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shared.kit.columns import enum_column
from shared.kit.db import Base, HasId


class LinkPurpose(enum.Enum):
    """Why a link was made."""

    REMINDER = "reminder"
    REQUESTED = "requested"
    """The debtor asked for a new one."""
    STAFF = "staff"
    NOTICE = "notice"
    """Receipts, pre-notifications."""
    INVITATION = "invitation"


class MagicLink(HasId, Base):
    """The capability link of a message (tier 1): per contact and debtor, multi-use, revocable, ending."""

    __tablename__ = "magic_link"
    __table_args__ = (UniqueConstraint("token_hash"), Index(None, "debtor_id", "contact_id"), Index(None, "contact_id"))

    token_hash: Mapped[bytes] = mapped_column(LargeBinary)
    debtor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("debtor.id"))
    contact_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("contact.id"))
    purpose: Mapped[LinkPurpose] = mapped_column(enum_column(LinkPurpose))
    message_id: Mapped[uuid.UUID | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    use_count: Mapped[int] = mapped_column(default=0)
    revoked_at: Mapped[datetime | None]
    revoked_by: Mapped[str | None]


class PortalSession(HasId, Base):
    """A debtor's session, kept on the server so that it can be ended there. Tier 2 ends sooner than tier 1."""

    __tablename__ = "portal_session"
    __table_args__ = (UniqueConstraint("token_hash"), Index(None, "debtor_id"), Index(None, "link_id"))

    token_hash: Mapped[bytes] = mapped_column(LargeBinary)
    link_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("magic_link.id"))
    debtor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("debtor.id"))
    contact_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("contact.id"))
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    verified_at: Mapped[datetime | None]
    """When a one-time code lifted the session to tier 2; refreshed by use, gone after idle time."""
    ended_at: Mapped[datetime | None]
    user_agent: Mapped[str] = mapped_column(String(200), default="")
    address: Mapped[str] = mapped_column(String(45), default="")


class OneTimeCode(HasId, Base):
    """Eight digits sent by mail, bound to the session that asked, ten minutes, five tries (ASVS 6.5.5, 6.6.2)."""

    __tablename__ = "one_time_code"
    __table_args__ = (Index(None, "session_id", "id"),)

    session_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("portal_session.id"))
    code_hash: Mapped[bytes] = mapped_column(LargeBinary)
    salt: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    tries: Mapped[int] = mapped_column(SmallInteger, default=0)
    used_at: Mapped[datetime | None]
