"""The daily digest for staff: what waits for one member becomes one mail, on working mornings.

Each is one short transaction that writes the mail and marks what it tells: a killed run goes on where it stood.
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

from backoffice.access.models import StaffMember
from backoffice.notices import labels
from backoffice.notices.models import Delivery, NoticeGroup, StaffNotice
from backoffice.notices.rules import TOPICS, last_digest_moment, may_hear_of
from backoffice.notices.tell import page_of
from shared.company.models import Company
from shared.debtors.models import Debtor
from shared.kit import clock
from shared.kit.calendars import is_working_day
from shared.kit.db import among, reading, transaction
from shared.kit.each import act_on_each
from shared.kit.settings import get_settings
from shared.kit.words import gettext as _
from shared.kit.words import speaking
from shared.messages import service as messages

LISTED = 25
"""So many lines of one group stand in a mail; the rest is in the list."""


def run() -> int:
    """Write every digest that is due; gives how many. Twice is harmless."""
    now = clock.now()
    with reading() as session:
        zones = session.execute(select(Company.id, Company.zone).order_by(Company.id)).all()
    count = 0

    def one(company_id: uuid.UUID, until: datetime, member_id: uuid.UUID) -> None:
        nonlocal count
        count += write(company_id, member_id, until=until)

    def of_company(row: tuple[uuid.UUID, str]) -> None:
        company_id, zone = row
        local, until = now.astimezone(ZoneInfo(zone)), last_digest_moment(now, zone)
        if is_working_day(local.date()) and local >= until and until.date() == local.date():
            act_on_each(_due(company_id, until), partial(one, company_id, until))

    act_on_each([(row.id, row.zone) for row in zones], of_company)
    return count


def _due(company_id: uuid.UUID, until: datetime) -> Sequence[uuid.UUID]:
    with reading() as session:
        return session.scalars(
            select(StaffNotice.member_id)
            .where(StaffNotice.company_id == company_id, StaffNotice.created_at < until)
            .where(StaffNotice.delivery == Delivery.DAILY, StaffNotice.message_id.is_(None))
            .distinct()
            .order_by(StaffNotice.member_id)
        ).all()


def write(company_id: uuid.UUID, member_id: uuid.UUID, *, until: datetime) -> bool:
    """Tell one member in one mail all that waited before `until`; False when nothing does (any more).

    Who has left, or may no longer act on such affairs, is not written to: the lines stay in the list alone.
    """
    with transaction() as session:
        member = session.get_one(StaffMember, member_id)
        waiting = session.scalars(
            select(StaffNotice)
            .where(StaffNotice.company_id == company_id, StaffNotice.member_id == member_id)
            .where(StaffNotice.delivery == Delivery.DAILY, StaffNotice.message_id.is_(None))
            .where(StaffNotice.created_at < until)
            .order_by(StaffNotice.id)
            .with_for_update()
        ).all()
        told = []
        for notice in waiting:
            if member.disabled_at is None and may_hear_of(member.role, notice.topic):
                told.append(notice)
            else:
                notice.delivery = Delivery.NONE
        if not told:
            return False
        message_id = _mail(session, company_id, member, told)
        for notice in told:
            notice.message_id = message_id
            notice.told_at = clock.now()
        return True


def _mail(
    session: Session, company_id: uuid.UUID, member: StaffMember, told: Sequence[StaffNotice]
) -> uuid.UUID | None:
    rows = session.execute(select(Debtor.id, Debtor.name).where(among(Debtor.id, {each.debtor_id for each in told})))
    names = {row.id: row.name for row in rows}
    with speaking(member.language):
        facts: dict[str, Any] = {
            "count": len(told),
            "groups": [part for group in NoticeGroup if (part := _part(group, told, names))],
            "link": f"{get_settings().public_url}/backoffice/notices",
            "choices": f"{get_settings().public_url}/backoffice/me/notices",
        }
    return messages.write_to_staff(
        session,
        kind="staff_digest",
        company_id=company_id,
        name=member.name,
        address=member.email,
        language=member.language,
        reason=lambda: _("You get this because you work on such affairs here. What you hear of is your choice."),
        dedupe_key=f"staff-digest:{told[0].id}",
        facts=facts,
    )


def _part(group: NoticeGroup, told: Sequence[StaffNotice], names: dict[uuid.UUID, str]) -> dict[str, Any] | None:
    mine = [each for each in told if TOPICS[each.topic] is group]
    if not mine:
        return None
    return {
        "title": str(labels.GROUPS[group]),
        "rows": [
            {"said": labels.sentence(each.topic, names[each.debtor_id], by=each.by_kind), "url": page_of(each.id)}
            for each in mine[:LISTED]
        ],
        "hidden_count": max(len(mine) - LISTED, 0),
    }
