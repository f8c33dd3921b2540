"""Who may be the second pair of eyes: somebody else, who was there before, and whom the first one did not put there."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy.orm import Session

from backoffice.access.models import StaffMember
from shared.kit.actors import Actor
from shared.kit.errors import Refused
from shared.kit.words import gettext as _


def must_be_independent(session: Session, by: Actor, *, asked_by_id: uuid.UUID | None, asked_at: datetime) -> None:
    """Raises Refused for whoever asked, was added or given more rights after it was asked, or ever was by who asked."""
    if by.id is None or by.id == asked_by_id:
        raise Refused("staff.second_person", _("Somebody else must decide on this."))
    member = session.get(StaffMember, by.id)
    if member is None:
        raise Refused("staff.second_person", _("Somebody else must decide on this."))
    since = member.raised_at or member.created_at
    if max(since, member.created_at) > asked_at:
        raise Refused(
            "staff.second_person_new",
            _("You were added, or given other rights, after this was asked for: somebody else must decide on it."),
        )
    if asked_by_id is not None and asked_by_id in (member.made_by_id, member.raised_by_id):
        raise Refused(
            "staff.second_person_made",
            _("Whoever asked for this has added you, or given you your rights: somebody else must decide on it."),
        )
