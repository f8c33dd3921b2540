"""What messages ask of a person."""

from __future__ import annotations

from datetime import timedelta

from flask import url_for
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backoffice.access.member import Member
from backoffice.todo import Part, Task
from shared.debtors.models import Contact
from shared.kit import clock
from shared.kit.words import gettext as _
from shared.messages.models import Message, MessageStatus


def contribute(session: Session, member: Member) -> Part:
    """Messages of which nobody knows whether they left, and addresses that refused them."""
    tasks = []
    uncertain = session.scalar(
        select(func.count()).where(Message.company_id == member.company_id, Message.status == MessageStatus.UNCERTAIN)
    )
    if uncertain:
        tasks.append(
            Task(
                _("Uncertain messages"),
                url_for("backoffice.messages.browse", state="uncertain"),
                uncertain,
                "messages.send",
                icon="question",
                note=_("the mail server's answer was lost: send again, or leave it"),
            )
        )
    bounced = session.scalar(
        select(func.count()).where(
            Contact.company_id == member.company_id,
            Contact.bounced_at >= clock.now() - timedelta(days=90),
        )
    )
    if bounced:
        tasks.append(
            Task(
                _("Addresses that refuse messages"),
                url_for("backoffice.debtors.browse", state="unreachable"),
                bounced,
                "debtors.write",
                icon="mail",
                note=_("in the last 90 days; nothing more is sent there"),
            )
        )
    return Part(tuple(tasks))
