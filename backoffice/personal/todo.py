"""What personal data asks of a person."""

from __future__ import annotations

from datetime import timedelta

from flask import url_for
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backoffice.access.member import Member
from backoffice.todo import Part, Task
from shared.kit import clock
from shared.kit.words import gettext as _
from shared.personal import queries
from shared.personal.models import ErasureRequest, ErasureState

SOON = timedelta(days=10)


def contribute(session: Session, member: Member) -> Part:
    """Wishes to be erased, and the first sweep that waits for a second person."""
    tasks = []
    count, first = session.execute(
        select(func.count(), func.min(ErasureRequest.due_on)).where(
            ErasureRequest.company_id == member.company_id, ErasureRequest.state == ErasureState.ASKED
        )
    ).one()
    here = url_for("backoffice.personal.show")
    if count:
        is_late = first - SOON <= clock.today(member.desk.zone)
        tone = "late" if is_late else "wait"
        note = _("the law wants an answer within a month")
        tasks.append(
            Task(_("People who want to be erased"), here, count, "personal.erase", tone=tone, icon="users", note=note)
        )
    waiting = queries.waiting_release(session, member.company_id)
    if waiting and waiting.asked_by_id != member.id:
        note = _("before old data is removed for the first time")
        tasks.append(Task(_("A second person has to agree"), here, 1, "personal.sweep", icon="users", note=note))
    return Part(tuple(tasks))
