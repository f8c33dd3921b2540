"""What plans ask of a person."""

from __future__ import annotations

from flask import url_for
from sqlalchemy.orm import Session

from backoffice.access.member import Member
from backoffice.plans import queries
from backoffice.todo import Part, Task
from shared.kit import templating
from shared.kit.money import Money
from shared.kit.words import gettext as _


def contribute(session: Session, member: Member) -> Part:
    """Proposals to decide, instalments that are missed, and defaults after which somebody should speak with the debtor."""
    waiting, minor, since = queries.asked_sum(session, member.company_id)
    found = queries.counts(session, member.company_id, me=member.id, today=member.today)
    tasks = []
    if waiting and since is not None:
        note = _("the oldest since %(moment)s", moment=templating.moment(since, member.desk.zone))
        amount = Money(minor, member.desk.currency)
        tasks.append(
            Task(_("Plans to decide"), _queue("asked"), waiting, "plans.read", icon="plan", note=note, amount=amount)
        )
    if found["late"]:
        tasks.append(
            Task(
                _("Plans with a missed instalment"),
                _queue("late"),
                found["late"],
                "plans.read",
                tone="late",
                icon="plan",
            )
        )
    if found["default"]:
        tasks.append(
            Task(_("Plans in default"), _queue("default"), found["default"], "plans.read", tone="late", icon="stop")
        )
    return Part(tuple(tasks))


def _queue(state: str) -> str:
    return url_for("backoffice.plans.browse", state=state)
