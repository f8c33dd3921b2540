"""What became of the notice of a debit, and the last look before one leaves. In the caller's session."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from payments.collections.models import Collection, CollectionState
from payments.deciding import Told
from shared.company.models import Company
from shared.company.queries import today_of
from shared.debtors.models import DebtorContact
from shared.kit.db import among
from shared.messages.models import Message, MessageStatus
from shared.messages.service import drop

_ON_ITS_WAY = frozenset({MessageStatus.WAITING, MessageStatus.SENDING})
_MAY_BE_THERE = frozenset({MessageStatus.SENT, MessageStatus.UNCERTAIN})


def told(session: Session, collection: Collection) -> Told:
    """The day on which somebody was told of this debit: a written row is no notice, only a message that was sent is."""
    found = _messages(session, collection)
    zone = ZoneInfo(session.get_one(Company, collection.company_id).zone)
    sent = [one.sent_at for one in found if one.status is MessageStatus.SENT and one.sent_at is not None]
    if sent:
        return Told(min(sent).astimezone(zone).date())
    return Told(None, is_lost=not any(one.status in _ON_ITS_WAY for one in found))


def may_be_read(session: Session, collection: Collection) -> bool:
    """Whether somebody has its notice, or will: sent, just leaving, or waiting with other debits that still stand."""
    return any(one.status in _ON_ITS_WAY | _MAY_BE_THERE for one in _messages(session, collection))


def call_back(session: Session, collection: Collection) -> None:
    """A notice that has not left names a day that is no longer true: it is not sent any more.

    A notice of several debits is left when another of them still stands.
    """
    others = select(Collection.id).where(
        Collection.notice_key == collection.notice_key,
        Collection.id != collection.id,
        Collection.debtor_id == collection.debtor_id,
        Collection.state == CollectionState.ANNOUNCED,
    )
    if session.scalar(others.limit(1)) is not None:
        return
    for message in _messages(session, collection):
        if message.kind == "prenotification" and message.status is MessageStatus.WAITING:
            drop(message, "the debit it announces does not take place")


def still_true(session: Session, messages: Sequence[Message]) -> dict[uuid.UUID, str]:
    """The last look at notices that are about to leave: those that are not sent, and why.

    Each says "on that day we debit": with less than the notice's days left, or nothing announced under it, that is not so.
    """
    found = {each.id: _why_untrue(session, each) for each in messages}
    return {identity: why for identity, why in found.items() if why is not None}


def _why_untrue(session: Session, message: Message) -> str | None:
    first = session.get(Collection, message.subject_id) if message.subject_id else None
    if first is None:
        return None
    live = session.scalars(
        select(Collection.charge_on).where(
            Collection.debtor_id == first.debtor_id,
            Collection.notice_key == first.notice_key,
            Collection.state == CollectionState.ANNOUNCED,
        )
    ).all()
    if not live:
        return "the debit it announces does not take place"
    company = session.get_one(Company, first.company_id)
    if min(live) < today_of(session, company.id) + timedelta(days=company.notice_days):
        return "too late: it would leave less than the notice's days"
    return None


def _messages(session: Session, collection: Collection) -> Sequence[Message]:
    if not collection.notice_key:
        return ()
    people = select(DebtorContact.contact_id).where(DebtorContact.debtor_id == collection.debtor_id)
    keys = [f"{collection.notice_key}:{person}" for person in set[uuid.UUID](session.scalars(people))]
    return session.scalars(select(Message).where(among(Message.dedupe_key, keys)).order_by(Message.id)).all()
