"""What invoices ask of a person."""

from __future__ import annotations

from flask import url_for
from sqlalchemy.orm import Session

from backoffice.access.member import Member
from backoffice.invoices.queries import count_waiting
from backoffice.todo import Part, Task
from shared.kit.money import Money
from shared.kit.words import gettext as _


def contribute(session: Session, member: Member) -> Part:
    """Cancellations above the company's limit."""
    asked, minor = count_waiting(session, member.company_id)
    if not asked:
        return Part()
    task = Task(
        _("Cancellations to approve"),
        url_for("backoffice.invoices.browse", state="cancel_asked"),
        asked,
        "giving.approve",
        icon="bin",
        note=_("by somebody else than who asked"),
        amount=Money(minor, member.desk.currency),
    )
    return Part((task,))
