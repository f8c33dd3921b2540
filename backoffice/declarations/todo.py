"""What declared transfers ask of a person."""

from __future__ import annotations

from datetime import timedelta

from flask import url_for
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backoffice.access.member import Member
from backoffice.declarations.queries import SOON_DAYS
from backoffice.todo import Part, Task
from payments.declarations.models import Declaration
from payments.declarations.rules import DeclarationState
from shared.kit.money import Money
from shared.kit.words import gettext as _


def contribute(session: Session, member: Member) -> Part:
    """Transfers to look for; late when the search of one ends today or tomorrow."""
    soon = member.today + timedelta(days=SOON_DAYS)
    row = session.execute(
        select(
            func.count(),
            func.coalesce(func.sum(Declaration.amount_minor), 0),
            func.count().filter(Declaration.until_on <= soon),
        ).where(Declaration.company_id == member.company_id, Declaration.state == DeclarationState.DECLARED)
    ).one()
    if not row[0]:
        return Part()
    return Part(
        (
            Task(
                _("Declared transfers to look for"),
                url_for("backoffice.declarations.browse"),
                row[0],
                "declarations.read",
                tone="late" if row[2] else "wait",
                icon="transfer",
                note=_("the search of %(count)s ends today or tomorrow", count=row[2]) if row[2] else "",
                amount=Money(int(row[1]), member.desk.currency),
            ),
        )
    )
