"""What the machinery asks of a person."""

from __future__ import annotations

from flask import url_for
from sqlalchemy.orm import Session

from backoffice.access.member import Member
from backoffice.system import queries
from backoffice.todo import Part, Task
from payments.webhooks.models import EventState
from shared.kit.words import gettext as _


def contribute(session: Session, _member: Member) -> Part:
    """Webhooks that are stuck or set aside, and messages between rooms that are dead."""
    health = queries.health(session)
    tasks = []
    if stuck := health.events.get(EventState.STUCK, 0):
        tasks.append(
            Task(
                _("Stuck webhooks"),
                url_for("backoffice.system.inbox", state="stuck"),
                stuck,
                "system.read",
                tone="late",
                icon="system",
                note=_("a provider told something that could not be handled"),
            )
        )
    if odd := health.events.get(EventState.SET_ASIDE, 0):
        tasks.append(
            Task(
                _("Webhooks set aside"),
                url_for("backoffice.system.inbox", state="set_aside"),
                odd,
                "system.read",
                tone="late",
                icon="system",
                note=_("signed by a provider, but they cannot be read; all others were handled"),
            )
        )
    if health.messages_dead:
        tasks.append(
            Task(
                _("Dead messages in the outbox"),
                url_for("backoffice.system.outbox", state="dead"),
                health.messages_dead,
                "system.read",
                tone="late",
                icon="system",
                note=_("given up after their last try"),
            )
        )
    return Part(tuple(tasks))
