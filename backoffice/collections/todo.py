"""What collections did last."""

from __future__ import annotations

from flask import url_for
from sqlalchemy.orm import Session

from backoffice.access.member import Member
from backoffice.collections.labels import count_of
from backoffice.todo import LastRun, Part
from payments.collections.queries import list_runs
from shared.kit.templating import number
from shared.kit.words import gettext as _


def contribute(session: Session, member: Member) -> Part:
    """The last run."""
    runs = list_runs(session, member.company_id, limit=1)
    if not runs:
        return Part()
    run = runs[0]
    note = _(
        "%(announced)s announced, %(made)s debits made",
        announced=number(count_of(run.counts, "announce")),
        made=number(count_of(run.counts, "collect")),
    )
    href = url_for("backoffice.collections.show", run_id=run.id)
    tone = "good" if run.finished_at else "wait"
    last = LastRun(_("Collections"), href, run.finished_at or run.started_at, "collections.read", note, tone)
    return Part(runs=(last,))
