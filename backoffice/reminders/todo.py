"""What reminders ask of a person."""

from __future__ import annotations

from flask import url_for
from sqlalchemy import select
from sqlalchemy.orm import Session

from backoffice.access.member import Member
from backoffice.reminders.models import ReminderRun
from backoffice.reminders.rules import Outcome
from backoffice.todo import LastRun, Part, Task
from shared.kit.templating import number
from shared.kit.words import gettext as _


def contribute(session: Session, member: Member) -> Part:
    """The last run, and whom it could not write to."""
    run = session.scalar(
        select(ReminderRun)
        .where(ReminderRun.company_id == member.company_id)
        .order_by(ReminderRun.run_on.desc())
        .limit(1)
    )
    if run is None:
        return Part()
    unreachable = int(run.reasons.get(Outcome.NO_ADDRESS.value, 0))
    last = LastRun(
        _("Reminders"),
        url_for("backoffice.reminders.show", run_id=run.id),
        run.finished_at or run.started_at,
        "reminders.read",
        note=_(
            "%(reminded)s reminded of %(considered)s",
            reminded=number(run.reminded_count),
            considered=number(run.considered_count),
        ),
        tone="good" if run.finished_at else "wait",
    )
    if not unreachable:
        return Part(runs=(last,))
    task = Task(
        _("Debtors without an address"),
        url_for("backoffice.reminders.show", run_id=run.id, outcome=Outcome.NO_ADDRESS.value),
        unreachable,
        "debtors.write",
        icon="bell",
        note=_("the last reminder run could not write to them"),
    )
    return Part((task,), (last,))
