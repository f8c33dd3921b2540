"""What was sent, as frozen values."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from shared.debtors.models import Contact
from shared.kit.errors import NotFound
from shared.kit.words import gettext as _
from shared.messages import decision, outage
from shared.messages.decision import Decision
from shared.messages.models import Message, MessageStatus
from shared.messages.render import code_place, link_place

MASK = "•••"
"""Stands for links and codes, which were never stored."""


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


@dataclass(frozen=True, slots=True)
class Portion:
    """Some messages of a list, the latest first, and whether there are others on either side."""

    lines: Sequence[MessageLine]
    has_older: bool
    has_newer: bool


@dataclass(frozen=True, slots=True)
class Told:
    """One message as its reader may see it again: links and codes masked."""

    line: MessageLine
    text: str
    decision: Decision | None
    digest: MessageLine | None
    """The digest that told it."""
    files: Sequence[dict[str, Any]]
    is_forgotten: bool
    """Its words are no longer kept."""


_LINE = (
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
)


def messages_of(
    session: Session, debtor_id: uuid.UUID, *, contact_id: uuid.UUID | None = None, limit: int = 100
) -> list[MessageLine]:
    """A debtor's messages (or those to one of its people), the latest first."""
    query = select(*_LINE).where(Message.debtor_id == debtor_id)
    if contact_id is not None:
        query = query.where(Message.contact_id == contact_id)
    rows = session.execute(query.order_by(Message.id.desc()).limit(limit))
    return [MessageLine(**row) for row in rows.mappings()]


def messages_to(
    session: Session,
    debtor_id: uuid.UUID,
    contact_id: uuid.UUID,
    *,
    before: uuid.UUID | None = None,
    since: uuid.UUID | None = None,
    size: int = 25,
) -> Portion:
    """What a person was sent about an account, the latest first; what was never sent is left out.

    `before` continues after the last message of a portion, `since` goes back to what came after its first.
    """
    query = _to(select(*_LINE), debtor_id, contact_id)
    backwards = since is not None and before is None
    if before is not None:
        query = query.where(Message.id < before)
    elif since is not None:
        query = query.where(Message.id > since)
    query = query.order_by(Message.id.asc() if backwards else Message.id.desc()).limit(size + 1)
    rows = [MessageLine(**row) for row in session.execute(query).mappings()]
    more, rows = len(rows) > size, rows[:size]
    if backwards:
        rows.reverse()
    return Portion(rows, has_older=more or backwards, has_newer=more if backwards else before is not None)


def message_to(session: Session, message_id: uuid.UUID, debtor_id: uuid.UUID, contact_id: uuid.UUID) -> Told:
    """One message that this person was sent about this account; raises NotFound for any other."""
    message = session.scalar(_to(select(Message), debtor_id, contact_id).where(Message.id == message_id))
    if message is None:
        raise NotFound("message.missing", _("There is no such message."))
    digest = session.get(Message, message.digest_id) if message.digest_id else None
    return Told(
        line=_line(message),
        text=masked(message.text_body, message.marker),
        decision=decision.read(message.decision),
        digest=_line(digest) if digest else None,
        files=tuple(message.attachments),
        is_forgotten=message.forgotten_at is not None,
    )


def masked(body: str, marker: str) -> str:
    """A kept text with the places of links and codes masked."""
    return body.replace(link_place(marker), MASK).replace(code_place(marker), MASK)


_Any = tuple[Any, ...]


def _to(query: Select[*_Any], debtor_id: uuid.UUID, contact_id: uuid.UUID) -> Select[*_Any]:
    return query.where(
        Message.debtor_id == debtor_id, Message.contact_id == contact_id, Message.status != MessageStatus.DROPPED
    )


def _line(message: Message) -> MessageLine:
    return MessageLine(*(getattr(message, column.key) for column in _LINE))


@dataclass(frozen=True, slots=True)
class Outage:
    """That nothing leaves, since when, and what the mail server said last."""

    began_at: datetime
    answer: str
    is_certain: bool


def present_outage(session: Session) -> Outage | None:
    """The outage of the mail server that lasts, or None."""
    found = outage.present(session)
    return Outage(found.began_at, found.answer, found.is_certain) if found else None


def is_held_up(session: Session) -> bool:
    """Whether messages do not leave now: whoever is told of one that was written is told this, too."""
    found = outage.present(session)
    return found is not None and found.is_certain


def wants_digest(session: Session, contact_id: uuid.UUID) -> bool:
    """Whether news waits for one message a week to this person."""
    return bool(session.scalar(select(Contact.wants_digest).where(Contact.id == contact_id)))
