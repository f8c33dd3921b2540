"""Members of staff as second pairs of eyes."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from backoffice.access.models import StaffMember
from backoffice.access.permissions import Role, may
from shared.kit import second_person
from shared.kit.actors import Actor
from shared.kit.errors import Refused
from shared.kit.second_person import Witness
from shared.kit.words import gettext as _


def witness(session: Session, by: Actor) -> Witness:
    """What makes a member of staff somebody else than another one. Raises Refused for whoever is none, or works here no more."""
    member = session.get(StaffMember, by.id) if by.id else None
    if member is None or member.disabled_at is not None:
        raise Refused("staff.second_person", _("Somebody else must decide on this."))
    return Witness(
        by,
        leads=may(member.role, "giving.approve"),
        since=max(member.raised_at or member.created_at, member.created_at),
        put_there_by=frozenset(each for each in (member.made_by_id, member.raised_by_id) if each),
    )


def has_independent(session: Session, by: Actor, *, role: Role) -> bool:
    """Whether somebody else of this role works here who could be the second person for what `by` asks for now."""
    others = session.scalars(
        select(StaffMember).where(StaffMember.role == role, StaffMember.disabled_at.is_(None), StaffMember.id != by.id)
    )
    return any(by.id not in witness(session, Actor.staff(each.id, each.name)).put_there_by for each in others)


def must_be_independent(session: Session, by: Actor, *, asked_by_id: uuid.UUID | None, asked_at: datetime) -> None:
    """Raises Refused for whoever asked, was added or given more rights after it was asked, or ever was by who asked."""
    second_person.must_be_independent(witness(session, by), asked_by_id=asked_by_id, asked_at=asked_at)
