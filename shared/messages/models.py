"""What was really sent: one row per message and person, with its exact text."""

import enum
import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, ForeignKey, Index, SmallInteger, String, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from shared.access.models import LinkPurpose
from shared.kit.columns import Language, enum_column
from shared.kit.db import Base, HasId
from shared.kit.mailer import Stage


class MessageStatus(enum.Enum):
    """Where a message stands."""

    WAITING = "waiting"
    GATHERED = "gathered"
    """Kept for the weekly digest that this person wants instead of single messages."""
    TOLD = "told"
    """Its words went out in a digest: `digest_id` says in which."""
    SENDING = "sending"
    """Handed to the relay, answer not recorded yet."""
    SENT = "sent"
    UNCERTAIN = "uncertain"
    """Nobody can know whether it left; a person decides about sending it again."""
    REFUSED = "refused"
    """It will never leave as it is; `error` says why: no such mailbox, too large, not to be composed, tried for days."""
    DROPPED = "dropped"
    """Not sent any more because its cause was gone; `error` says why."""


class Message(HasId, Base):
    """A message to one person. Links and codes are stored as placeholders and filled in on the way out."""

    __tablename__ = "message"
    __table_args__ = (
        Index("uq_message_dedupe_key", "dedupe_key", unique=True),
        Index(None, "debtor_id", "id"),
        Index(None, "company_id", "id"),
        Index(
            "ix_message_unsent",
            "status",
            "created_at",
            postgresql_where="status IN ('waiting', 'sending', 'uncertain')",
        ),
        Index("ix_message_refused", "company_id", "created_at", postgresql_where="status = 'refused'"),
        Index("ix_message_waiting", "rank", "id", postgresql_where="status = 'waiting'"),
        Index("ix_message_kept", "company_id", "created_at", postgresql_where="forgotten_at IS NULL"),
        Index("ix_message_gathered", "company_id", "contact_id", "debtor_id", postgresql_where="status = 'gathered'"),
    )

    company_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("company.id"))
    debtor_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("debtor.id"))
    contact_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("contact.id"))
    kind: Mapped[str] = mapped_column(String(32))
    """The name of its template in templates/mail."""
    language: Mapped[Language]
    to_name: Mapped[str] = mapped_column(default="")
    to_address: Mapped[str] = mapped_column(String(254))
    subject: Mapped[str]
    text_body: Mapped[str] = mapped_column(Text)
    html_body: Mapped[str] = mapped_column(Text)
    attachments: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list)
    """[{"name", "sha256", "media_type"}] of stored files."""
    link_purpose: Mapped[LinkPurpose | None] = mapped_column(enum_column(LinkPurpose))
    """When set, a magic link of this purpose is made on the way out."""
    subject_id: Mapped[uuid.UUID | None]
    """What it speaks of: a payment, a reminder, a session."""
    reason: Mapped[str] = mapped_column(Text)
    """Why this person gets it, in the person's language."""
    decision: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """Of a reminder: what it was decided by, kept as it stood (`shared.messages.queries.Decision`)."""
    digest_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("message.id"))
    """The digest that told it."""
    dedupe_key: Mapped[str] = mapped_column(String(200))
    at_most_once: Mapped[bool] = mapped_column(Boolean, default=False)
    status: Mapped[MessageStatus] = mapped_column(enum_column(MessageStatus), default=MessageStatus.WAITING)
    error: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    marker: Mapped[str] = mapped_column(String(24), default="")
    """Stands in the bodies where the link or the code goes: random, so that nobody can write it himself. Those written
    before there were markers have none (`render.LINK_PLACEHOLDER`)."""
    rank: Mapped[int] = mapped_column(SmallInteger, default=1)
    """0 when a person waits for it: it leaves before all others."""
    until_at: Mapped[datetime | None]
    """From then on it would say something untrue: it does not leave any more."""
    tries: Mapped[int] = mapped_column(default=0)
    """Starts that failed for its own sake, not for that of the mail server."""
    try_at: Mapped[datetime | None]
    """Not again before then."""
    locked_until: Mapped[datetime | None]
    """While it is being sent: until when its process may take, in the database's time."""
    forgotten_at: Mapped[datetime | None]
    """When its words, name and address were taken away: its time was over, or the person asked for it."""
    text_sha256: Mapped[str | None] = mapped_column(String(64))
    """Of the text that stood here: whoever kept the message can prove that it was this one."""


class MailOutage(HasId, Base):
    """A time in which nothing leaves: the mail server does not answer, or refuses us whoever is written to.

    One at most is open. Messages wait, nobody's address is marked, and a probe closes it.
    """

    __tablename__ = "mail_outage"
    __table_args__ = (
        Index("uq_mail_outage_open", text("(ended_at IS NULL)"), unique=True, postgresql_where="ended_at IS NULL"),
    )

    stage: Mapped[Stage] = mapped_column(enum_column(Stage))
    answer: Mapped[str] = mapped_column(Text)
    """What the server said last, or what became of the connection."""
    is_certain: Mapped[bool] = mapped_column(Boolean)
    """False while one single message was refused: it may be that one's own fault, and the next message tells."""
    message_id: Mapped[uuid.UUID | None]
    """That message."""
    probes: Mapped[int] = mapped_column(default=0)
    probe_at: Mapped[datetime]
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
