"""From an event to notices: who is to hear of it, and the mail for those who want it at once.

One transaction: the notice and its mail exist together or not at all. The event's message identifies it, so that a job
that is performed again finds its notices and adds nothing.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backoffice.access.models import StaffMember
from backoffice.notices import labels, queries
from backoffice.notices.models import Delivery, StaffNotice
from backoffice.notices.rules import MAILS_AN_HOUR, TOPICS, Event, concerns, may_hear, may_hear_of
from shared.debtors.models import Debtor
from shared.kit import clock
from shared.kit.audit import AuditLine
from shared.kit.db import transaction
from shared.kit.ids import new_id
from shared.kit.jobs import Occasion
from shared.kit.settings import get_settings
from shared.kit.words import gettext as _
from shared.kit.words import speaking
from shared.messages import service as messages


def tell(occasion: Occasion, payload: dict[str, Any]) -> int:
    """Note an event for every member of staff whom it concerns; gives how many. Twice adds nothing."""
    topic = str(occasion.topic)
    subject_id = uuid.UUID(payload["id"])
    with transaction() as session:
        event = Event(
            topic=topic,
            by=str(payload["by"]),
            assignee=_present(session, topic, uuid.UUID(payload["staff"])) if payload["staff"] else None,
            doer=_doer(session, topic, subject_id, payload) if payload["by"] == "staff" else None,
        )
        debtor = session.get_one(Debtor, uuid.UUID(payload["debtor"]))
        count = 0
        for member, wish in queries.wishes(session, TOPICS[topic]):
            if may_hear_of(member.role, topic) and concerns(event, member.id, wish.scope):
                count += _note(session, _Scene(event, debtor, subject_id, occasion.id), member, wish.delivery)
        return count


def _present(session: Session, topic: str, staff_id: uuid.UUID) -> uuid.UUID | None:
    """The member to whom it is assigned; nobody when he has left, or his role no longer looks after such affairs."""
    member = session.get(StaffMember, staff_id)
    if member is None or member.disabled_at is not None or not may_hear(member.role, TOPICS[topic]):
        return None
    return staff_id


@dataclass(frozen=True, slots=True)
class _Scene:
    """An event with what it is about and the message that brought it."""

    event: Event
    debtor: Debtor
    subject_id: uuid.UUID
    occasion_id: uuid.UUID


def _doer(session: Session, topic: str, subject_id: uuid.UUID, payload: dict[str, Any]) -> uuid.UUID | None:
    """The member of staff who did it: as the event says, else who acted last on this affair (its audit line)."""
    if payload.get("doer"):
        return uuid.UUID(payload["doer"])
    return session.scalar(
        select(AuditLine.actor_id)
        .where(AuditLine.subject_type == topic.partition(".")[0], AuditLine.subject_id == subject_id)
        .where(AuditLine.actor_kind == "staff")
        .order_by(AuditLine.id.desc())
        .limit(1)
    )


def _note(session: Session, scene: _Scene, member: StaffMember, delivery: Delivery) -> int:
    if delivery is Delivery.IMMEDIATE and _told_lately(session, member.id) >= MAILS_AN_HOUR:
        delivery = Delivery.DAILY
    identity = session.scalar(
        insert(StaffNotice)
        .values(
            id=new_id(),
            member_id=member.id,
            company_id=scene.debtor.company_id,
            debtor_id=scene.debtor.id,
            topic=scene.event.topic,
            by_kind=scene.event.by,
            subject_id=scene.subject_id,
            delivery=delivery,
            dedupe_key=f"{scene.occasion_id}:{member.id}",
            created_at=clock.now(),
        )
        .on_conflict_do_nothing(index_elements=["dedupe_key"])
        .returning(StaffNotice.id)
    )
    if identity is None:
        return 0
    if delivery is Delivery.IMMEDIATE:
        _mail(session, identity, scene.event, member, scene.debtor)
    return 1


def _told_lately(session: Session, member_id: uuid.UUID) -> int:
    """How many single mails a member got within the last hour."""
    query = select(func.count()).where(
        StaffNotice.member_id == member_id,
        StaffNotice.delivery == Delivery.IMMEDIATE,
        StaffNotice.created_at > clock.now() - timedelta(hours=1),
    )
    return session.scalar(query) or 0


def _mail(session: Session, notice_id: uuid.UUID, event: Event, member: StaffMember, debtor: Debtor) -> None:
    with speaking(member.language):
        facts = {
            "what": labels.sentence(event.topic, debtor.name, by=event.by),
            "debtor": {"name": debtor.name, "account_code": debtor.account_code},
            "group": str(labels.GROUPS[event.group]),
            "link": page_of(notice_id),
            "choices": f"{get_settings().public_url}/backoffice/me/notices",
        }
    message_id = messages.write_to_staff(
        session,
        kind="staff_notice",
        company_id=debtor.company_id,
        name=member.name,
        address=member.email,
        language=member.language,
        reason=lambda: _("You get this because you work on such affairs here. What you hear of is your choice."),
        dedupe_key=f"staff-notice:{notice_id}",
        facts=facts,
    )
    notice = session.get_one(StaffNotice, notice_id)
    notice.message_id = message_id
    notice.told_at = clock.now()


def page_of(notice_id: uuid.UUID) -> str:
    """The address that leads from a mail to what it speaks of."""
    return f"{get_settings().public_url}/backoffice/notices/{notice_id}"
