"""What messages ask of a person."""

from __future__ import annotations

from datetime import timedelta

from flask import url_for
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backoffice.access.member import Member
from backoffice.messages.unreachable.queries import count as count_unreachable
from backoffice.todo import Part, Task
from shared.debtors.models import Contact
from shared.kit import clock
from shared.kit.words import gettext as _
from shared.messages.models import Message, MessageStatus
from shared.messages.queries import present_outage

ALARMING_AFTER = timedelta(minutes=5)
LOOKED_BACK = timedelta(days=14)


def contribute(session: Session, member: Member) -> Part:
    """A mail server that takes nothing, messages of which nobody knows whether they left or that cannot, dead addresses."""
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
    lasts = present_outage(session)
    if lasts is not None and lasts.is_certain and lasts.began_at <= clock.now() - ALARMING_AFTER:
        waiting = session.scalar(
            select(func.count()).where(Message.company_id == member.company_id, Message.status == MessageStatus.WAITING)
        )
        tasks.append(
            Task(
                _("The mail server takes no messages"),
                url_for("backoffice.messages.browse", state="waiting"),
                waiting or 0,
                "messages.read",
                tone="late",
                icon="mail",
                note=lasts.answer,
            )
        )
    unwritten = session.scalar(
        select(func.count(Message.id))
        .outerjoin(Contact, Contact.id == Message.contact_id)
        .where(Message.company_id == member.company_id, Message.status == MessageStatus.REFUSED)
        .where(Message.created_at > clock.now() - LOOKED_BACK, Contact.bounced_at.is_(None))
    )
    if unwritten:
        tasks.append(
            Task(
                _("Messages that could not leave"),
                url_for("backoffice.messages.browse", state="refused"),
                unwritten,
                "messages.send",
                icon="mail",
                note=_("in the last 14 days: read why, and send again what may leave now"),
            )
        )
    bounced = count_unreachable(session, member.company_id)
    if bounced:
        tasks.append(
            Task(
                _("Addresses that refuse messages"),
                url_for("backoffice.messages.unreachable.browse"),
                bounced,
                "debtors.write",
                icon="mail",
                note=_("nothing more is sent there: correct them, or try them again"),
            )
        )
    return Part(tuple(tasks))
