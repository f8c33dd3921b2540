"""Who may be given something to work on."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from backoffice.access.models import StaffMember
from backoffice.access.permissions import may
from shared.debtors.service import by_name
from shared.kit.errors import NotFound
from shared.kit.words import gettext as _


@dataclass(frozen=True, slots=True)
class Colleague:
    """A member of staff."""

    id: uuid.UUID
    name: str


def colleagues(session: Session, permission: str) -> list[Colleague]:
    """Everybody who has a permission and still works here, by name."""
    rows = session.execute(
        select(StaffMember.id, StaffMember.name, StaffMember.role)
        .where(StaffMember.disabled_at.is_(None))
        .order_by(StaffMember.id)
    )
    found = [Colleague(row.id, row.name) for row in rows if may(row.role, permission)]
    return sorted(found, key=lambda each: by_name(each.name))


def find_colleague(session: Session, permission: str, text: str) -> Colleague | None:
    """The colleague that a form names; None for "" (nobody). Raises NotFound for anybody else."""
    if not text:
        return None
    found = next((each for each in colleagues(session, permission) if str(each.id) == text), None)
    if found is None:
        raise NotFound("staff.missing", _("There is no such colleague."))
    return found
