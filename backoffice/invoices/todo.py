"""What invoices ask of a person."""

from __future__ import annotations

from flask import url_for
from sqlalchemy.orm import Session

from backoffice.access.member import Member
from backoffice.invoices.queries import count_came_back, count_waiting
from backoffice.todo import Part, Task
from shared.kit.money import Money
from shared.kit.words import gettext as _


def contribute(session: Session, member: Member) -> Part:
    """Cancellations above the company's limit, and cancelled invoices that are open again."""
    tasks = []
    asked, minor = count_waiting(session, member.company_id)
    if asked:
        tasks.append(
            Task(
                _("Cancellations to approve"),
                url_for("backoffice.invoices.browse", state="cancel_asked"),
                asked,
                "giving.approve",
                icon="bin",
                note=_("by somebody else than who asked"),
                amount=Money(minor, member.desk.currency),
            )
        )
    back, minor = count_came_back(session, member.company_id)
    if back:
        tasks.append(
            Task(
                _("Cancelled, and open again"),
                url_for("backoffice.invoices.browse", state="came_back"),
                back,
                "invoices.cancel",
                icon="bin",
                note=_("money of them went back; neither reminded nor debited until you decide"),
                amount=Money(minor, member.desk.currency),
            )
        )
    return Part(tuple(tasks))
