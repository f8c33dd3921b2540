"""What promises ask of a person."""

from __future__ import annotations

from datetime import timedelta

from flask import url_for
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backoffice.access.member import Member
from backoffice.todo import Part, Task
from shared.kit.money import Money
from shared.kit.words import gettext as _
from shared.promises.models import Promise
from shared.promises.rules import PromiseState

RECENT_DAYS = 14


def contribute(session: Session, member: Member) -> Part:
    """Promises broken lately, and those whose day is past and whose grace runs."""
    currency, today = member.desk.currency, member.today
    mine = Promise.company_id == member.company_id
    left = func.coalesce(func.sum(Promise.amount_minor - Promise.kept_minor), 0)
    broken = session.execute(
        select(func.count(), left).where(
            mine,
            Promise.state == PromiseState.BROKEN,
            Promise.promised_on >= today - timedelta(days=RECENT_DAYS),
            Promise.kept_minor < Promise.amount_minor,
        )
    ).one()
    late = session.execute(
        select(func.count(), left).where(mine, Promise.state == PromiseState.EXPECTED, Promise.promised_on < today)
    ).one()
    tasks = []
    if broken[0]:
        tasks.append(
            Task(
                _("Broken promises"),
                url_for("backoffice.promises.browse", state="broken", sort="-due"),
                broken[0],
                "promises.read",
                tone="late",
                icon="promise",
                note=_("in the last two weeks; reminders go on by themselves"),
                amount=Money(int(broken[1]), currency),
            )
        )
    if late[0]:
        tasks.append(
            Task(
                _("Promises whose day is past"),
                url_for("backoffice.promises.browse", state="late"),
                late[0],
                "promises.read",
                tone="info",
                icon="promise",
                note=_("the grace runs, or the money is on its way"),
                amount=Money(int(late[1]), currency),
            )
        )
    return Part(tuple(tasks))
