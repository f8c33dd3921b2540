"""All administrators hear by mail of what changes rights, limits and bank details: nobody does it unseen."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from sqlalchemy import select
from sqlalchemy.orm import Session

from backoffice.access.models import StaffMember
from backoffice.access.permissions import Role
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
    found = company_id or session.scalar(select(Company.id).order_by(Company.created_at, Company.id).limit(1))
    if found is None:
        return 0
    admins = session.scalars(
        select(StaffMember)
        .where(StaffMember.role == Role.ADMIN, StaffMember.disabled_at.is_(None))
        .order_by(StaffMember.id)
    ).all()
    occasion = new_id()
    for admin in admins:
        with speaking(admin.language):
            said = what()
        messages.write_to_staff(
            session,
            kind="staff_alert",
            company_id=found,
            name=admin.name,
            address=admin.email,
            language=admin.language,
            reason=lambda: _("Every administrator gets this whenever rights, limits or bank details change."),
            dedupe_key=f"staff-alert:{occasion}:{admin.id}",
            facts={
                "what": said,
                "by": by.name,
                "link": f"{get_settings().public_url}/backoffice/system/audit",
            },
        )
    return len(admins)
