"""Handling one event: find what it is about, ask the provider how that stands now, follow.

The event itself moves nothing. So any number of events, in any order, any number of times, end in the same state: the
provider's (I6). And events of one object that wait together are answered together, by one question.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from payments.follow import follow
from payments.gateways.base import Declined
from payments.gateways.choose import debits, gateway_of
from payments.mandates.follow import follow_mandate
from payments.models import Mandate, Payment, Provider
from payments.payouts.take import take_payouts
from payments.webhooks.models import EventState, InboxEvent
from shared.kit import clock
from shared.kit.db import among, reading, retrying, transaction
from shared.kit.errors import DomainError, NotFound, Unavailable
from shared.kit.jobs import NotYet
from shared.kit.words import gettext as _

log = logging.getLogger(__name__)

TOGETHER = 50
"""So many events that wait are answered with one at most."""

TRIES = 7
"""So often an event about an unknown object is tried (some hours); then it is stuck and shown to staff."""


def handle(event_id: uuid.UUID) -> EventState:
    """Handle an event that is waiting or parked; any other is left as it is.

    An object that is not ours yet parks the event, because our own record of it may still be on its way: raises
    Unavailable so that the queue tries again. An answer that contradicts our books makes it stuck: nothing is changed.
    """
    with reading() as session:
        event = session.get(InboxEvent, event_id)
        if event is None:
            raise NotFound("event.missing", _("There is no such event."))
        if event.state not in (EventState.WAITING, EventState.PARKED):
            return event.state
        provider, subject, kind = event.provider, event.subject, event.kind
        references = _names(event.references)
        others = _waiting_too(session, event)
    try:
        _act(provider, subject, references, kind)
    except Unavailable as error:
        retrying(lambda e=error: _note([event_id], EventState.WAITING, e.message))  # type: ignore[misc]
        raise
    except NotFound as error:
        return _park(event_id, error)
    except DomainError as error:
        log.warning("event %s is stuck: %s", event_id, error.code)
        return retrying(lambda e=error: _note([event_id], EventState.STUCK, f"{e.code}: {e.message}"))  # type: ignore[misc]
    return retrying(lambda: _note([event_id, *others], EventState.HANDLED, None))


def _waiting_too(session: Session, event: InboxEvent) -> list[uuid.UUID]:
    """Other events that the same question answers: they were kept before it is asked, and are about the same object.

    A card payment alone brings three or four. Alike is who shares a name and has no other value under any name of both.
    """
    names = _names(event.references)
    if not names:
        return []
    mine = [InboxEvent.references.contains({name: value}) for name, value in names.items()]
    rows = session.execute(
        select(InboxEvent.id, InboxEvent.references)
        .where(InboxEvent.state == EventState.WAITING, or_(*mine))
        .where(InboxEvent.provider == event.provider, InboxEvent.subject == event.subject, InboxEvent.id != event.id)
        .order_by(InboxEvent.id)
        .limit(TOGETHER)
    )
    return [other for other, theirs in rows if all(theirs.get(name, value) == value for name, value in names.items())]


def _names(references: Mapping[str, object]) -> dict[str, str]:
    return {str(name): str(value) for name, value in references.items()}


def _act(provider: Provider, subject: str | None, references: dict[str, str], kind: str) -> None:
    if subject == "payment":
        payment_id = _payment(provider, references)
        follow(
            payment_id,
            checkout_reference=references.get("checkout"),
            provider_reference=references.get("payment"),
            cause=kind,
        )
    elif subject == "mandate":
        follow_mandate(
            _mandate(references),
            request_reference=references.get("mandate_request"),
            provider_reference=references.get("mandate"),
            cause=kind,
        )
    elif subject == "payout":
        take_payouts(provider)


def _payment(provider: Provider, references: dict[str, str]) -> uuid.UUID:
    """Our payment: by our own id, by the provider's names, or by asking the provider whose it is."""
    with reading() as session:
        found = _known_payment(session, provider, references)
    if found is None:
        owner = _ask_owner(provider, references)
        with reading() as session:
            found = owner if owner and session.get(Payment, owner) else None
    if found is None:
        raise NotFound("event.unknown_object", "no payment of ours is known by this object")
    return found


def _known_payment(session: Session, provider: Provider, references: dict[str, str]) -> uuid.UUID | None:
    ours = _uuid(references.get("ours"))
    if ours and session.get(Payment, ours):
        return ours
    mine = select(Payment.id).where(Payment.provider == provider)
    if "payment" in references:
        known = session.scalar(mine.where(Payment.provider_reference == references["payment"]))
        if known:
            return known
    if "checkout" in references:
        return session.scalar(mine.where(Payment.checkout_reference == references["checkout"]))
    return None


def _ask_owner(provider: Provider, references: dict[str, str]) -> uuid.UUID | None:
    try:
        return gateway_of(provider).owner_of(references)
    except Declined:
        return None


def _mandate(references: dict[str, str]) -> uuid.UUID:
    with reading() as session:
        ours = _uuid(references.get("ours"))
        found = ours if ours and session.get(Mandate, ours) else None
        if found is None and "mandate" in references:
            found = session.scalar(select(Mandate.id).where(Mandate.provider_reference == references["mandate"]))
        if found is None and "mandate_request" in references:
            request = references["mandate_request"]
            found = session.scalar(select(Mandate.id).where(Mandate.billing_request_reference == request))
    if found is None:
        owner = debits().owner_of_mandate(references)
        with reading() as session:
            found = owner if owner and session.get(Mandate, owner) else None
    if found is None:
        raise NotFound("event.unknown_object", "no mandate of ours is known by this object")
    return found


def _park(event_id: uuid.UUID, error: NotFound) -> EventState:
    def park() -> EventState:
        with transaction() as session:
            event = session.get_one(InboxEvent, event_id, with_for_update=True)
            event.tries += 1
            event.state = EventState.STUCK if event.tries >= TRIES else EventState.PARKED
            event.remark = error.message
            return event.state

    if retrying(park) is EventState.STUCK:
        return EventState.STUCK
    raise NotYet("event.parked", error.message)


def _note(events: Sequence[uuid.UUID], state: EventState, remark: str | None) -> EventState:
    """Record what became of an event, the first of these, and of those that were answered with it."""
    learnt: dict[str, Any] = {} if remark is None else {"remark": remark}
    handled_at = clock.now() if state is EventState.HANDLED else None
    with transaction() as session:
        session.execute(
            update(InboxEvent)
            .where(among(InboxEvent.id, events))
            .where((InboxEvent.id == events[0]) | (InboxEvent.state == EventState.WAITING))
            .values(state=state, tries=InboxEvent.tries + 1, handled_at=handled_at, **learnt)
        )
    return state


def _uuid(text: str | None) -> uuid.UUID | None:
    try:
        return uuid.UUID(text) if text else None
    except ValueError:
        return None
