"""What disputes ask of a person."""

from __future__ import annotations

from flask import url_for
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backoffice.access.member import Member
from backoffice.disputes.queries import count_asked
from backoffice.todo import Part, Task
from shared.disputes.models import Dispute
from shared.disputes.queries import counts, is_live
from shared.disputes.rules import Status
from shared.kit.money import Money
from shared.kit.words import gettext as _


def contribute(session: Session, member: Member) -> Part:
    """Answers that are late, words that nobody has answered, what is nobody's, credits to approve, files set apart."""
    found = counts(session, member.company_id, staff_id=member.id, today=member.today)
    tasks = []
    if found.late:
        tasks.append(
            Task(
                _("Disputes whose answer is late"),
                _queue("late"),
                found.late,
                "disputes.read",
                tone="late",
                icon="flag",
                amount=_late_amount(session, member),
            )
        )
    if found.unanswered:
        tasks.append(
            Task(
                _("Disputes where the debtor spoke last"),
                _queue("unanswered"),
                found.unanswered,
                "disputes.read",
                icon="speak",
            )
        )
    if found.unassigned:
        tasks.append(
            Task(_("Disputes that are nobody’s"), _queue("unassigned"), found.unassigned, "disputes.read", icon="flag")
        )
    asked, minor = count_asked(session, member.company_id)
    if asked:
        tasks.append(
            Task(
                _("Credits to approve"),
                _queue("credit"),
                asked,
                "giving.approve",
                icon="undo",
                note=_("by somebody else than who asked"),
                amount=Money(minor, member.desk.currency),
            )
        )
    return Part(tuple(tasks))


def _queue(state: str) -> str:
    return url_for("backoffice.disputes.browse", state=state)


def _late_amount(session: Session, member: Member) -> Money:
    minor = session.scalar(
        select(func.coalesce(func.sum(Dispute.claimed_minor), 0)).where(
            Dispute.company_id == member.company_id,
            is_live(),
            Dispute.status != Status.WAITING,
            Dispute.due_on < member.today,
        )
    )
    return Money(int(minor or 0), member.desk.currency)
