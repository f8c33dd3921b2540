"""The list of messages, and one message as it was sent."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from backoffice.listing import Ask, Line, Orders, Query, like, one_page, ordered
from shared.debtors.models import Contact, Debtor, DebtorContact
from shared.debtors.service import searchable
from shared.kit.errors import NotFound
from shared.kit.words import gettext as _
from shared.messages.models import Message, MessageStatus
from shared.web.paging import Page

ORDERS = Orders({"written": Message.id}, identity=Message.id, default="-written")


@dataclass(frozen=True, slots=True)
class MessageRow:
    """One message in the list."""

    id: uuid.UUID
    kind: str
    to_name: str
    to_address: str
    subject: str
    status: MessageStatus
    error: str | None
    created_at: datetime
    sent_at: datetime | None
    debtor_id: uuid.UUID | None
    debtor_name: str | None


def browse(session: Session, company_id: uuid.UUID, ask: Ask) -> Page[MessageRow]:
    """One page of messages, the latest first."""
    found = one_page(session, _rows(company_id, ask), ORDERS, ask)
    return Page([_row(row) for row in found.rows], found.next_key, found.previous_key)


def everything(session: Session, company_id: uuid.UUID, ask: Ask) -> Iterator[MessageRow]:
    """The whole selection, read in portions (exports)."""
    for row in session.execute(ordered(_rows(company_id, ask), ORDERS, "").execution_options(yield_per=2000)):
        yield _row(row)


def _rows(company_id: uuid.UUID, ask: Ask) -> Query:
    query = (
        select(
            Message.id,
            Message.kind,
            Message.to_name,
            Message.to_address,
            Message.subject,
            Message.status,
            Message.error,
            Message.created_at,
            Message.sent_at,
            Message.debtor_id,
            Debtor.name.label("debtor_name"),
        )
        .outerjoin(Debtor, Debtor.id == Message.debtor_id)
        .where(Message.company_id == company_id)
    )
    if ask.get("state") in {status.value for status in MessageStatus}:
        query = query.where(Message.status == MessageStatus(ask.get("state")))
    if ask.get("kind"):
        query = query.where(Message.kind == ask.get("kind"))
    return query.where(_search(company_id, ask.q)) if ask.q else query


def _search(company_id: uuid.UUID, text: str) -> ColumnElement[bool]:
    """A whole address, or a debtor by words: both lead to debtors, whose messages are indexed."""
    if "@" in text:
        acting = (
            select(DebtorContact.debtor_id)
            .join(Contact, Contact.id == DebtorContact.contact_id)
            .where(Contact.company_id == company_id, Contact.email == text.lower())
        )
        return Message.debtor_id.in_(acting)
    debtors = select(Debtor.id).where(Debtor.company_id == company_id)
    for word in searchable(text).split():
        debtors = debtors.where(Debtor.search_text.like(like(word)))
    return Message.debtor_id.in_(debtors)


def _row(row: Line) -> MessageRow:
    return MessageRow(*row[:11])


def get_message(session: Session, company_id: uuid.UUID, message_id: uuid.UUID) -> Message:
    """A message of this company; raises NotFound for anybody else's."""
    message = session.scalar(select(Message).where(Message.id == message_id, Message.company_id == company_id))
    if message is None:
        raise NotFound("message.missing", _("There is no such message."))
    return message
