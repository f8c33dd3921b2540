"""Reads on the inbox, the outbox, the duties and the audit trail."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from backoffice.listing import Ask, Orders, Query, one_page, ordered
from backoffice.system.labels import duty_words
from payments.models import Provider
from payments.webhooks.models import EventState, InboxEvent
from shared.debtors.models import Debtor
from shared.kit import clock, jobs
from shared.kit.audit import AuditLine
from shared.kit.errors import NotFound
from shared.kit.outbox.models import DutyState, MessageState, OutboxMessage
from shared.kit.words import gettext as _
from shared.web.forms import parse_day
from shared.web.paging import Page

INBOX_ORDERS = Orders({"received": InboxEvent.id}, identity=InboxEvent.id, default="-received")
OUTBOX_ORDERS = Orders({"written": OutboxMessage.id}, identity=OutboxMessage.id, default="-written")
AUDIT_ORDERS = Orders({"at": AuditLine.id}, identity=AuditLine.id, default="-at")

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Health:
    """How the machinery stands."""

    events: dict[EventState, int]
    oldest_event_at: datetime | None
    messages_waiting: int
    messages_dead: int
    oldest_message_at: datetime | None


@dataclass(frozen=True, slots=True)
class DutyRow:
    """A duty of the clock and when it was last asked for."""

    name: str
    every: timedelta
    last_at: datetime | None
    explained: str


def health(session: Session) -> Health:
    """Counts and ages; each reads a partial index or the few rows that are not done."""
    unhandled = (EventState.WAITING, EventState.PARKED, EventState.STUCK, EventState.SET_ASIDE)
    rows = session.execute(
        select(InboxEvent.state, func.count()).where(InboxEvent.state.in_(unhandled)).group_by(InboxEvent.state)
    )
    waiting = OutboxMessage.state == MessageState.WAITING
    outbox = session.execute(
        select(func.count(), func.min(OutboxMessage.due_at)).where(waiting, OutboxMessage.due_at <= clock.now())
    ).one()
    dead = session.scalar(select(func.count()).where(OutboxMessage.state == MessageState.DEAD))
    oldest = session.scalar(select(func.min(InboxEvent.received_at)).where(InboxEvent.state.in_(unhandled)))
    return Health({row[0]: int(row[1]) for row in rows}, oldest, outbox[0], dead or 0, outbox[1])


def duties(session: Session) -> list[DutyRow]:
    """Every duty that this program knows."""
    last = {row.name: row.last_at for row in session.scalars(select(DutyState))}
    return [
        DutyRow(each.name, each.every, last.get(each.name), duty_words(each.name))
        for each in sorted(jobs.all_duties(), key=lambda duty: duty.name)
    ]


def inbox(session: Session, ask: Ask) -> Page[Any]:
    """One page of events, the latest first."""
    query = select(
        InboxEvent.id,
        InboxEvent.provider,
        InboxEvent.event_id,
        InboxEvent.kind,
        InboxEvent.state,
        InboxEvent.tries,
        InboxEvent.remark,
        InboxEvent.happened_at,
        InboxEvent.received_at,
        InboxEvent.handled_at,
    )
    if ask.get("state") in {state.value for state in EventState}:
        query = query.where(InboxEvent.state == EventState(ask.get("state")))
    if ask.get("provider") in {provider.value for provider in Provider}:
        query = query.where(InboxEvent.provider == Provider(ask.get("provider")))
    if ask.q:
        query = query.where(
            or_(
                InboxEvent.event_id == ask.q,
                InboxEvent.kind == ask.q,
                InboxEvent.kind.startswith(ask.q, autoescape=True),
            )
        )
    return one_page(session, query, INBOX_ORDERS, ask)


def get_event(session: Session, event_id: uuid.UUID) -> InboxEvent:
    """One event whole; raises NotFound."""
    event = session.get(InboxEvent, event_id)
    if event is None:
        raise NotFound("event.missing", _("There is no such event."))
    return event


def outbox(session: Session, ask: Ask) -> Page[Any]:
    """One page of messages between rooms, the latest first."""
    query = select(
        OutboxMessage.id,
        OutboxMessage.topic,
        OutboxMessage.job,
        OutboxMessage.queue,
        OutboxMessage.state,
        OutboxMessage.tries,
        OutboxMessage.due_at,
        OutboxMessage.created_at,
        OutboxMessage.done_at,
        OutboxMessage.last_error,
    )
    if ask.get("state") in {state.value for state in MessageState}:
        query = query.where(OutboxMessage.state == MessageState(ask.get("state")))
    if ask.q:
        query = query.where(or_(OutboxMessage.job == ask.q, OutboxMessage.topic == ask.q))
    return one_page(session, query, OUTBOX_ORDERS, ask)


def get_outbox_message(session: Session, message_id: uuid.UUID) -> OutboxMessage:
    """One message whole; raises NotFound."""
    message = session.get(OutboxMessage, message_id)
    if message is None:
        raise NotFound("outbox.missing", _("There is no such message."))
    return message


def trail(session: Session, company_id: uuid.UUID, ask: Ask, *, zone: str) -> Page[Any]:
    """One page of the audit trail: this company's lines and those of the whole installation."""
    return one_page(session, _trail(company_id, ask, zone), AUDIT_ORDERS, ask)


def whole_trail(session: Session, company_id: uuid.UUID, ask: Ask, *, zone: str) -> Iterator[Any]:
    """The whole selection, read in portions (exports)."""
    query = ordered(_trail(company_id, ask, zone), AUDIT_ORDERS, "").execution_options(yield_per=2000)
    yield from session.execute(query)


def _trail(company_id: uuid.UUID, ask: Ask, zone: str) -> Query:
    query = select(
        AuditLine.id,
        AuditLine.at,
        AuditLine.actor_kind,
        AuditLine.actor_name,
        AuditLine.action,
        AuditLine.subject_type,
        AuditLine.subject_id,
        AuditLine.debtor_id,
        AuditLine.before,
        AuditLine.after,
        Debtor.name.label("debtor_name"),
    ).outerjoin(Debtor, Debtor.id == AuditLine.debtor_id)
    query = query.where(
        or_(
            AuditLine.company_id == company_id,
            and_(AuditLine.company_id.is_(None), AuditLine.debtor_id.is_(None)),  # the installation's: staff, duties
            and_(AuditLine.company_id.is_(None), Debtor.company_id == company_id),  # written before lines said it
        )
    )
    if ask.get("who") in ("contact", "staff", "provider", "system"):
        query = query.where(AuditLine.actor_kind == ask.get("who"))
    for name, identity in (("debtor", AuditLine.debtor_id), ("subject", AuditLine.subject_id)):
        try:
            if ask.get(name):
                query = query.where(identity == uuid.UUID(ask.get(name)))
        except ValueError:
            continue
    for name, days in (("from", 0), ("to", 1)):
        try:
            day = parse_day(ask.get(name), clock.today(zone)) if ask.get(name) else None
        except ValueError:
            continue
        if day is not None:
            edge = datetime.combine(day + days * DAY, datetime.min.time(), ZoneInfo(zone))
            query = query.where(AuditLine.at < edge if days else AuditLine.at >= edge)
    if ask.q:
        begins = AuditLine.action.startswith(ask.q.lower(), autoescape=True)
        query = query.where(or_(begins, AuditLine.actor_name == ask.q))
    return query
