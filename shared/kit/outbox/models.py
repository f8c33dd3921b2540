"""One row per message and subscribed job."""

import enum
import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import Index, String, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from shared.kit.columns import enum_column
from shared.kit.db import Base, HasId


class MessageState(enum.Enum):
    """Where a message stands: `dead` waits for a person."""

    WAITING = "waiting"
    DONE = "done"
    DEAD = "dead"


class OutboxMessage(HasId, Base):
    """A job to be done at least once. `tries` counts the starts; `locked_until` is a lease in the database's time."""

    __tablename__ = "outbox_message"
    __table_args__ = (
        UniqueConstraint("job", "dedupe_key"),
        Index("ix_outbox_message_due", "due_at", postgresql_where="state = 'waiting'"),
        Index("ix_outbox_message_state", "state", "id"),
    )

    topic: Mapped[str | None] = mapped_column(String(64))
    job: Mapped[str] = mapped_column(String(64))
    queue: Mapped[str] = mapped_column(String(16))
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)
    dedupe_key: Mapped[str] = mapped_column(String(200))
    state: Mapped[MessageState] = mapped_column(enum_column(MessageState), default=MessageState.WAITING)
    due_at: Mapped[datetime]
    locked_until: Mapped[datetime | None]
    tries: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]
    done_at: Mapped[datetime | None]


class DutyState(Base):
    """When the clock last knocked for a duty."""

    __tablename__ = "duty_state"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    last_at: Mapped[datetime]


def new_dedupe_key(identity: uuid.UUID) -> str:
    return f"id:{identity}"
