"""Who is told when staff, or a file of theirs, change the people of a debtor: everybody who was there before."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.access.models import LinkPurpose
from shared.debtors.models import DebtorContact
from shared.kit.ids import new_id
from shared.kit.words import gettext as _
from shared.messages import service as messages


def those_there(session: Session, debtor_id: uuid.UUID) -> list[uuid.UUID]:
    """Who acts for the debtor at this moment."""
    query = select(DebtorContact.contact_id).where(
        DebtorContact.debtor_id == debtor_id, DebtorContact.removed_at.is_(None)
    )
    return list(session.scalars(query.order_by(DebtorContact.id)))


def tell_those_there(session: Session, debtor_id: uuid.UUID, what: Callable[[], str]) -> int:
    """Write to everybody who acts for the debtor at this moment; gives how many messages were written.

    Call it before the change, so that a person whose address is changed, or who is removed, hears of it at the old one.
    """
    return tell(session, debtor_id, those_there(session, debtor_id), what)


def tell(session: Session, debtor_id: uuid.UUID, contact_ids: Collection[uuid.UUID], what: Callable[[], str]) -> int:
    """Write to some of those who act for the debtor that its people have changed; gives how many messages were written."""
    if not contact_ids:
        return 0
    return len(
        messages.write(
            session,
            kind="people_changed",
            debtor_id=debtor_id,
            contact_ids=list(contact_ids),
            facts={"what": what},
            link=LinkPurpose.NOTICE,
            reason=lambda: _("Everybody who has access to an account is told when our staff change who has."),
            dedupe_key=f"people:{new_id()}",
        )
    )
