"""What a member wants to hear of, and what was noted for one."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ScalarSelect, func, select
from sqlalchemy.orm import Session

from backoffice.access.models import StaffMember
from backoffice.listing import Ask, Orders, like, one_page
from backoffice.notices.models import Delivery, NoticeGroup, StaffNotice, StaffNoticePreference
from backoffice.notices.rules import DEFAULTS, TOPICS, Wish
from shared.debtors.models import Debtor
from shared.debtors.service import searchable
from shared.kit.errors import NotFound
from shared.kit.words import gettext as _
from shared.web.paging import Page

ORDERS = Orders({"at": StaffNotice.id}, identity=StaffNotice.id, default="-at")


@dataclass(frozen=True, slots=True)
class NoticeRow:
    """One piece of news in the list."""

    id: uuid.UUID
    topic: str
    by_kind: str
    debtor_id: uuid.UUID
    debtor_name: str
    delivery: Delivery
    created_at: datetime
    told_at: datetime | None
    read_at: datetime | None

    @property
    def group(self) -> NoticeGroup:
        return TOPICS[self.topic]


@dataclass(frozen=True, slots=True)
class Target:
    """What a notice leads to."""

    company_id: uuid.UUID
    debtor_id: uuid.UUID
    subject_id: uuid.UUID
    topic: str


def wishes(session: Session, group: NoticeGroup) -> Iterator[tuple[StaffMember, Wish]]:
    """Everybody who works at the desk, with what each wants to hear of a group."""
    rows = session.execute(
        select(StaffMember, StaffNoticePreference)
        .outerjoin(
            StaffNoticePreference,
            (StaffNoticePreference.member_id == StaffMember.id) & (StaffNoticePreference.notice_group == group),
        )
        .where(StaffMember.disabled_at.is_(None))
        .order_by(StaffMember.id)
    )
    for member, chosen in rows:
        yield member, Wish(chosen.delivery, chosen.scope) if chosen else DEFAULTS[group]


def wishes_of(session: Session, member_id: uuid.UUID) -> dict[NoticeGroup, Wish]:
    """What one member wants to hear, of every group."""
    rows = session.scalars(select(StaffNoticePreference).where(StaffNoticePreference.member_id == member_id))
    return DEFAULTS | {row.notice_group: Wish(row.delivery, row.scope) for row in rows}


def browse(session: Session, member_id: uuid.UUID, company_id: uuid.UUID, ask: Ask) -> Page[NoticeRow]:
    """One page of a member's news of one company, the latest first."""
    query = (
        select(
            StaffNotice.id,
            StaffNotice.topic,
            StaffNotice.by_kind,
            StaffNotice.debtor_id,
            Debtor.name,
            StaffNotice.delivery,
            StaffNotice.created_at,
            StaffNotice.told_at,
            StaffNotice.read_at,
        )
        .join(Debtor, Debtor.id == StaffNotice.debtor_id)
        .where(StaffNotice.member_id == member_id, StaffNotice.company_id == company_id)
    )
    if ask.get("group") in {group.value for group in NoticeGroup}:
        query = query.where(
            StaffNotice.topic.in_([t for t, group in TOPICS.items() if group.value == ask.get("group")])
        )
    if ask.get("state") == "new":
        query = query.where(StaffNotice.read_at.is_(None))
    for word in searchable(ask.q).split():
        query = query.where(Debtor.search_text.like(like(word)))
    found = one_page(session, query, ORDERS, ask)
    return Page([NoticeRow(*row[:9]) for row in found.rows], found.next_key, found.previous_key)


def unread_count(member_id: uuid.UUID, company_id: uuid.UUID) -> ScalarSelect[int]:
    """How many pieces of news a member has not ticked off, as part of a larger question."""
    return (
        select(func.count())
        .select_from(StaffNotice)
        .where(StaffNotice.member_id == member_id, StaffNotice.company_id == company_id, StaffNotice.read_at.is_(None))
        .scalar_subquery()
    )


def target(session: Session, member_id: uuid.UUID, notice_id: uuid.UUID) -> Target:
    """What a notice of this member leads to; raises NotFound for anybody else's."""
    row = session.scalar(select(StaffNotice).where(StaffNotice.id == notice_id, StaffNotice.member_id == member_id))
    if row is None:
        raise NotFound("notice.missing", _("There is no such notice."))
    return Target(row.company_id, row.debtor_id, row.subject_id, row.topic)
