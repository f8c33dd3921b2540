"""All administrators hear by mail of what changes rights, limits and bank details: nobody does it unseen."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from sqlalchemy import select
from sqlalchemy.orm import Session

from backoffice.access.models import StaffMember
from backoffice.access.permissions import PERMISSIONS, Role
from shared.company.models import Company
from shared.kit.actors import Actor
from shared.kit.ids import new_id
from shared.kit.settings import get_settings
from shared.kit.words import gettext as _
from shared.kit.words import speaking
from shared.messages import service as messages


def tell_administrators(
    session: Session, what: Callable[[], str], *, by: Actor, company_id: uuid.UUID | None = None
) -> int:
    """Write to every administrator who works here what was done and by whom; gives how many messages were written.

    `what` says it in the language of the moment. `company_id`: in whose name; None is the first company's. Without any
    company nothing can be written yet: gives 0.
    """
    return _tell(session, what, {Role.ADMIN}, by=by, company_id=company_id)


def tell_leaders(session: Session, what: Callable[[], str], *, by: Actor, company_id: uuid.UUID | None = None) -> int:
    """Write it to every manager as well: to everybody who may agree to what others ask for, or stop it."""
    return _tell(session, what, set(PERMISSIONS["giving.approve"]), by=by, company_id=company_id)


def _tell(
    session: Session, what: Callable[[], str], roles: set[Role], *, by: Actor, company_id: uuid.UUID | None
) -> int:
    found = company_id or session.scalar(select(Company.id).order_by(Company.created_at, Company.id).limit(1))
    if found is None:
        return 0
    told = session.scalars(
        select(StaffMember)
        .where(StaffMember.role.in_(roles), StaffMember.disabled_at.is_(None))
        .order_by(StaffMember.id)
    ).all()
    occasion = new_id()
    for admin in told:
        with speaking(admin.language):
            said = what()
        messages.write_to_staff(
            session,
            kind="staff_alert",
            company_id=found,
            name=admin.name,
            address=admin.email,
            language=admin.language,
            reason=lambda: (
                _("Every administrator gets this whenever rights, limits or bank details change.")
                if Role.MANAGER not in roles
                else _("Every manager and administrator gets this whenever a limit is to be raised.")
            ),
            dedupe_key=f"staff-alert:{occasion}:{admin.id}",
            facts={
                "what": said,
                "by": by.name,
                "link": f"{get_settings().public_url}/backoffice/system/audit",
            },
        )
    return len(told)
