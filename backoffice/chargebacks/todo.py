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
    """Cases to answer before the bank's day, cases to decide, and money to give up that waits for a second person."""
    soon = member.today + timedelta(days=WARN_DAYS)
    rows = session.execute(
        select(
            Chargeback.state,
            func.count(),
            func.sum(Chargeback.amount_minor),
            func.count().filter(Chargeback.due_on <= soon),
            func.count().filter(Chargeback.wished_by_id.is_not(None)),
        )
        .where(Chargeback.company_id == member.company_id)
        .where(Chargeback.state.in_((ChargebackState.OPEN, ChargebackState.TO_DECIDE)))
        .group_by(Chargeback.state)
    ).all()
    titles = {
        ChargebackState.OPEN: (_("Contested payments to answer"), _("the bank takes evidence until a day")),
        ChargebackState.TO_DECIDE: (_("Contested payments to decide"), _("neither reminded nor collected until then")),
    }
    addresses = {state: url_for("backoffice.chargebacks.browse", state=state.value) for state in titles}
    return Part(
        tuple(
            Task(
                titles[state][0],
                addresses[state],
                count,
                "chargebacks.read",
                tone="late" if near or state is ChargebackState.OPEN else "wait",
                icon="bank",
                note=_("the day of %(count)s is near or over", count=near) if near else titles[state][1],
                amount=Money(int(minor), member.desk.currency),
            )
            for state, count, minor, near, _wished in rows
        )
        + tuple(
            Task(
                _("Contested payments that a colleague wants to give up"),
                addresses[state],
                wished,
                "giving.approve",
                icon="bank",
                note=_("somebody else must agree"),
            )
            for state, _count, _minor, _near, wished in rows
            if wished
        )
    )
