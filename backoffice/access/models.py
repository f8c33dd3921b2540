"""Staff, their recovery codes and their sessions. Of every secret only a hash is kept, or what it is derived from."""

import uuid
from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from backoffice.access.permissions import Role
from shared.kit.columns import Language, enum_column
from shared.kit.db import Base, HasId


class StaffMember(HasId, Base):
    """A person who works at the desk."""

    __tablename__ = "staff_member"
    __table_args__ = (UniqueConstraint("email"),)

    email: Mapped[str] = mapped_column(String(254))
    """In lower case."""
    name: Mapped[str]
    password_hash: Mapped[str] = mapped_column(Text)
    """Argon2id with its parameters; "" until a first password is chosen."""
    role: Mapped[Role] = mapped_column(enum_column(Role))
    language: Mapped[Language] = mapped_column(default="fr")
    totp_salt: Mapped[bytes | None] = mapped_column(LargeBinary)
    """The second factor's secret is HMAC(secret key of the installation, this salt): a copy of the database alone
    reveals none, and nothing has to be decrypted. A new secret key means that everybody enrols again."""
    totp_confirmed_at: Mapped[datetime | None]
    """Set, with the salt, once a first code was right; before that the second factor is not asked for."""
    totp_last_step: Mapped[int] = mapped_column(BigInteger, default=0)
    """The thirty-second step of the last code taken: no code passes twice."""
    created_at: Mapped[datetime]
    made_by_id: Mapped[uuid.UUID | None]
    """The member of staff who added this one; None for the command line."""
    raised_at: Mapped[datetime | None]
    """When the role was last changed, or a disabled member let in again."""
    raised_by_id: Mapped[uuid.UUID | None]
    disabled_at: Mapped[datetime | None]
    password_link_hash: Mapped[bytes | None] = mapped_column(LargeBinary, unique=True)
    """SHA-256 of the token in the mailed link by which this person chooses a password: one use."""
    password_link_until: Mapped[datetime | None]


class StaffRecoveryCode(HasId, Base):
    """A code for the day on which the phone is lost; single use."""

    __tablename__ = "staff_recovery_code"
    __table_args__ = (UniqueConstraint("member_id", "code_hash"),)

    member_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("staff_member.id"))
    code_hash: Mapped[bytes] = mapped_column(LargeBinary)
    used_at: Mapped[datetime | None]


class StaffSession(HasId, Base):
    """A session at the desk, kept on the server so that it can be listed and ended there."""

    __tablename__ = "staff_session"
    __table_args__ = (UniqueConstraint("token_hash"), Index(None, "member_id", "id"))

    token_hash: Mapped[bytes] = mapped_column(LargeBinary)
    member_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("staff_member.id"))
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    confirmed_at: Mapped[datetime]
    """When this person last proved to be who they are; dangerous acts ask for it anew."""
    ended_at: Mapped[datetime | None]
    end_reason: Mapped[str] = mapped_column(default="")
    user_agent: Mapped[str] = mapped_column(String(200), default="")
    address: Mapped[str] = mapped_column(String(45), default="")
