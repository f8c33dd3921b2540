"""Who sits at a terminal: an address at the desk, and a code of its second factor."""

from __future__ import annotations

from backoffice.access import permissions, queries
from backoffice.access import service as access
from shared.debtors.service import normalise_email
from shared.kit.actors import Actor
from shared.kit.db import transaction
from shared.kit.errors import Refused


def proven(email: str, code: str, permission: str) -> Actor:
    """The member of staff with this address, who has just proved to be it. Raises Refused."""
    address = normalise_email(email)
    with transaction() as session:
        member = next((each for each in queries.staff(session) if each.email == address), None)
        is_right = (
            member is not None
            and member.disabled_at is None
            and permissions.may(member.role, permission)
            and access.take_code(session, member.id, code=code.strip())
        )
    if member is None or not is_right:
        raise Refused(
            "staff.who",
            f"{address} may not do this, or the code is not right: it needs a second factor and {permission}",
        )
    return Actor.staff(member.id, member.name or member.email)
