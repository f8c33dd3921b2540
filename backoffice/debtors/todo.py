"""What debtors' accounts ask of a person."""

from __future__ import annotations

from flask import url_for
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backoffice.access.member import Member
from backoffice.todo import Part, Task
from shared.debtors.models import Debtor
from shared.kit.money import Money
from shared.kit.words import gettext as _


def contribute(session: Session, member: Member) -> Part:
    """Credit that could settle something."""
    count, minor = session.execute(
        select(func.count(), func.coalesce(func.sum(func.least(Debtor.credit_minor, Debtor.open_minor)), 0)).where(
            Debtor.company_id == member.company_id, Debtor.credit_minor > 0, Debtor.open_minor > 0
        )
    ).one()
    if not count:
        return Part()
    task = Task(
        _("Credit to put to use"),
        url_for("backoffice.debtors.browse", state="credit", sort="-credit"),
        count,
        "credit.apply",
        icon="transfer",
        note=_("accounts that have credit and open invoices"),
        amount=Money(int(minor), member.desk.currency),
    )
    return Part((task,))
