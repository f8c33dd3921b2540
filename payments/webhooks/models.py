"""The inbox: every event of a provider, once, as it came."""

import enum
from datetime import datetime
from typing import Any

from sqlalchemy import Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from payments.models import Provider
from shared.kit.columns import enum_column
from shared.kit.db import Base, HasId


class EventState(enum.Enum):
    """Where an event stands."""

    WAITING = "waiting"
    """Not handled yet."""
    HANDLED = "handled"
    IGNORED = "ignored"
    """News of a kind that does not matter to us."""
    PARKED = "parked"
    """Its object is not known to us yet; tried again later."""
    STUCK = "stuck"
    """Given up: somebody must look."""
    SET_ASIDE = "set_aside"
    """Signed by the provider and not to be read: somebody must look; its neighbours were handled."""


class InboxEvent(HasId, Base):
    """One event. The database keeps each once, however often it is delivered."""

    __tablename__ = "inbox_event"
    __table_args__ = (
        UniqueConstraint("provider", "event_id"),
        Index("ix_inbox_event_unhandled", "state", "received_at", postgresql_where="state IN ('waiting', 'parked')"),
        Index(None, "state", "id"),
        Index(
            "ix_inbox_event_waiting_names",
            "subject_references",
            postgresql_using="gin",
            postgresql_ops={"subject_references": "jsonb_path_ops"},
            postgresql_where="state = 'waiting'",
        ),
    )

    provider: Mapped[Provider] = mapped_column(enum_column(Provider))
    event_id: Mapped[str] = mapped_column(String(128))
    kind: Mapped[str] = mapped_column(String(96))
    subject: Mapped[str | None] = mapped_column(String(16))
    """payment, mandate or payout."""
    references: Mapped[dict[str, Any]] = mapped_column("subject_references", JSONB, default=dict)
    """The names by which the object may be known to us."""
    raw: Mapped[str] = mapped_column(Text)
    """The event as the provider wrote it."""
    body: Mapped[bytes | None] = mapped_column(LargeBinary)
    """The very bytes of one that is set aside; `raw` shows them with what no text can hold spelled out."""
    source: Mapped[str] = mapped_column(String(16))
    """webhook, or listed: found by asking for what we had missed."""
    state: Mapped[EventState] = mapped_column(enum_column(EventState), default=EventState.WAITING)
    tries: Mapped[int] = mapped_column(default=0)
    remark: Mapped[str] = mapped_column(Text, default="")
    """Why it is ignored, parked or stuck."""
    happened_at: Mapped[datetime]
    received_at: Mapped[datetime]
    handled_at: Mapped[datetime | None]
