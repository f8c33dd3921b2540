"""What was sent, as frozen values."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.messages.models import Message, MessageStatus


@dataclass(frozen=True, slots=True)
class MessageLine:
    """One message in a list."""

    id: uuid.UUID
    kind: str
    to_name: str
    to_address: str
    subject: str
    reason: str
    status: MessageStatus
    error: str | None
    created_at: datetime
    sent_at: datetime | None


def messages_of(
    session: Session, debtor_id: uuid.UUID, *, contact_id: uuid.UUID | None = None, limit: int = 100
) -> list[MessageLine]:
    """A debtor's messages (or those to one of its people), the latest first."""
    query = select(
        Message.id,
        Message.kind,
        Message.to_name,
        Message.to_address,
        Message.subject,
        Message.reason,
        Message.status,
        Message.error,
        Message.created_at,
        Message.sent_at,
    ).where(Message.debtor_id == debtor_id)
    if contact_id is not None:
        query = query.where(Message.contact_id == contact_id)
    rows = session.execute(query.order_by(Message.id.desc()).limit(limit))
    return [MessageLine(**row) for row in rows.mappings()]
