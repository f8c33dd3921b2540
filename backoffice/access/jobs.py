"""Queue entry points of the staff's door."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import select

from backoffice.access import service
from backoffice.access.models import StaffMember
from shared.company.models import Company
from shared.kit.db import reading, transaction
from shared.kit.errors import Invalid
from shared.kit.jobs import job
from shared.kit.settings import get_settings
from shared.kit.words import gettext as _
from shared.messages import unkept


@job("staff.password_link", queue="now")
def send_password_link(payload: dict[str, Any]) -> None:
    """Mail the link by which somebody chooses a password. Twice is safe: each run makes a new link, which ends the one before."""
    member_id = uuid.UUID(payload["member_id"])
    with reading() as session:
        company = session.scalar(select(Company).order_by(Company.created_at, Company.id).limit(1))
        member = session.get(StaffMember, member_id)
    if company is None or member is None or member.disabled_at is not None:
        return
    with transaction() as session:
        token = service.make_password_link(session, member_id)
    try:
        unkept.send(
            company,
            kind="staff_password",
            name=member.name,
            address=member.email,
            language=member.language,
            facts={
                "link": f"{get_settings().public_url}/backoffice/welcome/{token}",
                "hours": int(service.PASSWORD_LINK_LIFE.total_seconds()) // 3600,
                "is_new": member.password_hash == "",
                "why": _("You get this because an administrator has set up or renewed your access."),
            },
        )
    except Invalid as error:  # the address was refused: it is seen in the audit trail, and trying again helps nobody
        with transaction() as session:
            service.record_refused_link(session, member_id, error.message)
