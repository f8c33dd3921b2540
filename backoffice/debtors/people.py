"""Who is told when staff change the people of a debtor: everybody who was there before, at their present addresses."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from sqlalchemy.orm import Session

from backoffice.debtors import queries
from shared.access.models import LinkPurpose
from shared.kit.ids import new_id
from shared.kit.words import gettext as _
from shared.messages import service as messages


def tell_those_there(session: Session, debtor_id: uuid.UUID, what: Callable[[], str]) -> int:
    """Write to everybody who acts for the debtor at this moment; gives how many messages were written.

    Call it before the change, so that a person whose address is changed, or who is removed, hears of it at the old one.
    """
    there = [each.id for each in queries.contacts(session, debtor_id)]
    if not there:
        return 0
    return len(
        messages.write(
            session,
            kind="people_changed",
            debtor_id=debtor_id,
            contact_ids=there,
            facts={"what": what},
            link=LinkPurpose.NOTICE,
            reason=lambda: _("Everybody who has access to an account is told when our staff change who has."),
            dedupe_key=f"people:{new_id()}",
        )
    )
