"""The weekly digest: what was gathered for one person and account becomes one message.

Each digest is one short transaction that writes the message and marks what it tells, so a killed run has either told
something or not begun with it; the next run goes on.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.access.models import LinkPurpose
from shared.company.models import Company
from shared.debtors.models import Contact
from shared.kit import clock
from shared.kit.db import reading, transaction
from shared.kit.each import act_on_each
from shared.kit.words import gettext as _
from shared.messages import last_look, service
from shared.messages.models import Message, MessageStatus
from shared.messages.render import link_place
from shared.messages.rules import excerpt, is_digest_time, last_digest_moment

Pair = tuple[uuid.UUID, uuid.UUID]
"""A contact and a debtor."""


def run() -> int:
    """Write every digest that is due; gives how many. Twice is harmless."""
    with reading() as session:
        zones = session.execute(select(Company.id, Company.zone).order_by(Company.id)).all()
    now = clock.now()
    count = 0

    def one(company_id: uuid.UUID, until: datetime, pair: Pair) -> None:
        nonlocal count
        count += write(company_id, pair, until=until)

    def of_company(row: tuple[uuid.UUID, str]) -> None:
        company_id, zone = row
        _release_unwanted(company_id)
        if is_digest_time(now, zone):
            until = last_digest_moment(now, zone)
            act_on_each(_due(company_id, until), partial(one, company_id, until))

    act_on_each([(row.id, row.zone) for row in zones], of_company)
    return count


def _due(company_id: uuid.UUID, until: datetime) -> Sequence[Pair]:
    with reading() as session:
        rows = session.execute(
            select(Message.contact_id, Message.debtor_id)
            .where(Message.company_id == company_id, Message.status == MessageStatus.GATHERED)
            .where(Message.created_at < until, Message.contact_id.is_not(None), Message.debtor_id.is_not(None))
            .distinct()
            .order_by(Message.contact_id, Message.debtor_id)
        )
        return [(contact_id, debtor_id) for contact_id, debtor_id in rows if contact_id and debtor_id]


def _release_unwanted(company_id: uuid.UUID) -> None:
    """What was gathered in the moment in which somebody switched the digest off is sent by itself."""
    with transaction() as session:
        stray = session.scalars(
            select(Message.contact_id)
            .join(Contact, Contact.id == Message.contact_id)
            .where(Message.company_id == company_id, Message.status == MessageStatus.GATHERED)
            .where(Contact.wants_digest.is_(False))
            .distinct()
        ).all()
        for contact_id in stray:
            if contact_id is not None:
                service.release(session, contact_id)


def write(company_id: uuid.UUID, pair: Pair, *, until: datetime) -> bool:
    """Tell one person in one message all that was gathered before `until`; False when there is nothing (any more).

    A person whose address was refused is not written to: what is gathered waits for a better address. For one who no
    longer acts for the account it is dropped.
    """
    contact_id, debtor_id = pair
    with transaction() as session:
        gathered = session.scalars(
            select(Message)
            .where(Message.contact_id == contact_id, Message.debtor_id == debtor_id)
            .where(Message.status == MessageStatus.GATHERED, Message.created_at < until)
            .order_by(Message.id)
            .with_for_update()
        ).all()
        if not gathered or session.get_one(Contact, contact_id).bounced_at is not None:
            return False
        if not service.recipients(session, debtor_id, [contact_id]):
            for message in gathered:
                service.drop(message, "no longer a person of this account")
            return False
        untrue = last_look.look(session, gathered)
        for message in gathered:
            if message.id in untrue:
                service.drop(message, untrue[message.id])
        gathered = [message for message in gathered if message.id not in untrue]
        if not gathered:
            return False
        zone = session.get_one(Company, company_id).zone
        digest_id = _write(session, pair, gathered, zone)
        for message in gathered:
            message.status = MessageStatus.TOLD
            message.digest_id = digest_id
            message.sent_at = clock.now()
        return True


def _write(session: Session, pair: Pair, gathered: Sequence[Message], zone: str) -> uuid.UUID:
    """The digest itself. Its identity is the first message it tells: none is told twice."""
    files = {str(each["sha256"]): each for message in gathered for each in message.attachments}
    written = service.write(
        session,
        kind="digest",
        debtor_id=pair[1],
        contact_ids=[pair[0]],
        reason=lambda: _(
            "You asked for one message a week instead of single ones. You can change this on your account."
        ),
        dedupe_key=f"digest:{gathered[0].id}",
        facts={"items": [_told(message, zone) for message in gathered]},
        link=LinkPurpose.NOTICE,
        attachments=[service.Attachment(**each) for each in files.values()],
    )
    return written[0]


def _told(message: Message, zone: str) -> dict[str, Any]:
    return {
        "subject": message.subject,
        "on": message.created_at.astimezone(ZoneInfo(zone)).date(),
        "paragraphs": excerpt(message.text_body, link=link_place(message.marker)),
    }
