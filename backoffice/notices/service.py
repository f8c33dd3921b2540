"""Verbs on what staff hear."""

from __future__ import annotations

import uuid

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backoffice.notices.models import Delivery, NoticeGroup, StaffNotice, StaffNoticePreference
from backoffice.notices.rules import TOPICS, Wish
from shared.kit import clock
from shared.kit.db import among
from shared.kit.ids import new_id


def choose(session: Session, member_id: uuid.UUID, *, group: NoticeGroup, wish: Wish) -> None:
    """What a member wants to hear of a group from now on. Without mails, what waited for the digest is not mailed either."""
    values = {"delivery": wish.delivery, "scope": wish.scope, "changed_at": clock.now()}
    session.execute(
        insert(StaffNoticePreference)
        .values(id=new_id(), member_id=member_id, notice_group=group, **values)
        .on_conflict_do_update(index_elements=["member_id", "notice_group"], set_=values)
    )
    if wish.delivery is Delivery.NONE:
        session.execute(
            update(StaffNotice)
            .where(StaffNotice.member_id == member_id, StaffNotice.delivery == Delivery.DAILY)
            .where(StaffNotice.message_id.is_(None))
            .where(StaffNotice.topic.in_([topic for topic, of in TOPICS.items() if of is group]))
            .values(delivery=Delivery.NONE)
        )


def tick_off(session: Session, member_id: uuid.UUID, *, company_id: uuid.UUID, until: uuid.UUID) -> int:
    """Tick off a member's news of a company up to the one that was shown first; gives how many."""
    ticked = session.scalars(
        select(StaffNotice.id)
        .where(StaffNotice.member_id == member_id, StaffNotice.company_id == company_id)
        .where(StaffNotice.read_at.is_(None), StaffNotice.id <= until)
        .with_for_update()
    ).all()
    session.execute(update(StaffNotice).where(among(StaffNotice.id, ticked)).values(read_at=clock.now()))
    return len(ticked)
