"""What contested payments ask of a person."""

from __future__ import annotations

from datetime import timedelta

from flask import url_for
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backoffice.access.member import Member
from backoffice.todo import Part, Task
from payments.chargebacks.models import Chargeback
from payments.chargebacks.rules import WARN_DAYS, ChargebackState
from shared.kit.money import Money
from shared.kit.words import gettext as _


def contribute(session: Session, member: Member) -> Part:
    """Cases to answer before the bank's day, and cases to decide."""
    soon = member.today + timedelta(days=WARN_DAYS)
    rows = session.execute(
        select(
            Chargeback.state,
            func.count(),
            func.sum(Chargeback.amount_minor),
            func.count().filter(Chargeback.due_on <= soon),
            func.min(Chargeback.due_on),
        )
        .where(Chargeback.company_id == member.company_id)
        .where(Chargeback.state.in_((ChargebackState.OPEN, ChargebackState.TO_DECIDE)))
        .group_by(Chargeback.state)
    ).all()
    titles = {
        ChargebackState.OPEN: (_("Contested payments to answer"), _("the bank takes evidence until a day")),
        ChargebackState.TO_DECIDE: (_("Contested payments to decide"), _("neither reminded nor collected until then")),
    }
    return Part(
        tuple(
            Task(
                titles[state][0],
                url_for("backoffice.chargebacks.browse", state=state.value),
                count,
                "chargebacks.read",
                tone="late" if near or state is ChargebackState.OPEN else "wait",
                icon="bank",
                note=_("the day of %(count)s is near or over", count=near) if near else titles[state][1],
                amount=Money(int(minor), member.desk.currency),
            )
            for state, count, minor, near, _first in rows
        )
    )
