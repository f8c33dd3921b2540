"""Keeping events: one row each, in one transaction, before the provider gets its 2xx (I6)."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import Session

from payments.gateways import odd
from payments.gateways.base import EventSeen
from payments.models import Provider
from payments.webhooks.models import EventState, InboxEvent
from shared.kit import audit, clock, outbox
from shared.kit.actors import Actor
from shared.kit.db import retrying, transaction
from shared.kit.errors import Conflict
from shared.kit.ids import new_id
from shared.kit.words import gettext as _

log = logging.getLogger(__name__)

JOB = "payments.webhooks.handle"


def store(provider: Provider, events: Iterable[EventSeen], *, source: str = "webhook", version: str = "") -> int:
    """Keep events that are not kept yet, and ask for their handling; gives how many were new.

    One transaction: all or none. Kinds that do not matter are kept as ignored, what cannot be read is set aside. When the
    database refuses them together, each is kept in a transaction of its own, and what it refuses is set aside too. An event written in another API version
    than ours is handled all the same, because it is only a hint and the object is fetched in ours; the remark tells
    staff to set the webhook endpoint right.
    """
    found = list(events)

    def keep() -> int:
        with transaction() as session:
            return sum(_keep(session, provider, event, source, version) for event in found)

    try:
        return retrying(keep)
    except (DataError, IntegrityError, UnicodeError) as error:
        if len(found) == 1:
            [event] = found
            if event.problem:
                raise
            why = f"refused by the database: {type(error).__name__}"
            log.warning("an event is %s", why)
            return store(provider, [odd.reduced(event, why)], source=source)
        return sum(store(provider, [event], source=source, version=version) for event in found)


def _keep(session: Session, provider: Provider, event: EventSeen, source: str, version: str) -> int:
    now = clock.now()
    is_odd = bool(version and event.version and event.version != version)
    odd_version = f"written in API version {event.version}, ours is {version}"[:500] if is_odd else ""
    identity = session.scalar(
        insert(InboxEvent)
        .values(
            id=new_id(),
            provider=provider,
            event_id=event.id,
            kind=event.kind,
            subject=event.subject,
            references=dict(event.references),
            raw=event.raw,
            source=source,
            body=event.body,
            state=_first_state(event),
            tries=0,
            remark=event.problem or odd_version,
            happened_at=event.created_at,
            received_at=now,
            handled_at=None if event.subject or event.problem else now,
        )
        .on_conflict_do_nothing(index_elements=["provider", "event_id"])
        .returning(InboxEvent.id)
    )
    if identity is None:
        return 0
    if event.subject:
        outbox.enqueue(session, JOB, {"event_id": str(identity)}, dedupe_key=str(identity))
    return 1


def _first_state(event: EventSeen) -> EventState:
    if event.problem:
        return EventState.SET_ASIDE
    return EventState.WAITING if event.subject else EventState.IGNORED


def put_away(session: Session, event_id: uuid.UUID, *, by: Actor) -> None:
    """Somebody has looked at an event that was set aside: it is kept and asks for nothing any more."""
    event = session.get(InboxEvent, event_id, with_for_update=True)
    if event is None or event.state is not EventState.SET_ASIDE:
        raise Conflict("event.not_set_aside", _("Only an event that was set aside can be put away."))
    event.state, event.handled_at = EventState.IGNORED, clock.now()
    audit.record(
        session,
        by,
        "webhook.put_away",
        subject_type="inbox_event",
        subject_id=event.id,
        before={"state": EventState.SET_ASIDE.value},
        after={"state": event.state.value},
    )


def replay(session: Session, event_id: uuid.UUID, *, by: Actor) -> InboxEvent:
    """Handle an event once more (staff); harmless, because handling asks the provider how things stand now."""
    event = session.get(InboxEvent, event_id, with_for_update=True)
    if event is None or event.subject is None:
        raise Conflict("event.not_again", _("There is nothing to do for this event."))
    before = event.state
    event.state, event.tries, event.remark = EventState.WAITING, 0, ""
    event.handled_at = None
    outbox.enqueue(session, JOB, {"event_id": str(event.id)})
    audit.record(
        session,
        by,
        "webhook.replayed",
        subject_type="inbox_event",
        subject_id=event.id,
        before={"state": before.value},
        after={"state": event.state.value},
    )
    return event
