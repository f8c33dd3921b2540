"""Reading the inbox, for staff and for health."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from payments.webhooks.models import EventState, InboxEvent

OPEN = (EventState.WAITING, EventState.PARKED)


@dataclass(frozen=True, slots=True)
class EventLine:
    """One event as a list shows it."""

    id: uuid.UUID
    provider: str
    event_id: str
    kind: str
    state: EventState
    tries: int
    remark: str
    source: str
    happened_at: datetime
    received_at: datetime
    handled_at: datetime | None


@dataclass(frozen=True, slots=True)
class EventDetail:
    """One event with the text that the provider wrote."""

    line: EventLine
    references: dict[str, str]
    raw: str


def list_events(
    session: Session,
    *,
    state: EventState | None = None,
    kind: str = "",
    before: uuid.UUID | None = None,
    limit: int = 50,
) -> list[EventLine]:
    """Events, the newest first, `limit` and one more so that a page knows whether there is a next one."""
    query = select(InboxEvent).order_by(InboxEvent.id.desc()).limit(limit + 1)
    if state is not None:
        query = query.where(InboxEvent.state == state)
    if kind:
        query = query.where(InboxEvent.kind.contains(kind, autoescape=True))
    if before is not None:
        query = query.where(InboxEvent.id < before)
    return [_line(event) for event in session.scalars(query)]


def find_event(session: Session, event_id: uuid.UUID) -> EventDetail | None:
    """One event whole."""
    event = session.get(InboxEvent, event_id)
    return EventDetail(_line(event), dict(event.references), event.raw) if event else None


def count_by_state(session: Session) -> dict[EventState, int]:
    """How many events stand where."""
    rows = session.execute(select(InboxEvent.state, func.count()).group_by(InboxEvent.state))
    return {state: int(count) for state, count in rows}


def oldest_unhandled_at(session: Session) -> datetime | None:
    """When the oldest event that is not handled yet came in."""
    return session.scalar(select(func.min(InboxEvent.received_at)).where(InboxEvent.state.in_(OPEN)))


def _line(event: InboxEvent) -> EventLine:
    return EventLine(
        id=event.id,
        provider=event.provider.value,
        event_id=event.event_id,
        kind=event.kind,
        state=event.state,
        tries=event.tries,
        remark=event.remark,
        source=event.source,
        happened_at=event.happened_at,
        received_at=event.received_at,
        handled_at=event.handled_at,
    )
