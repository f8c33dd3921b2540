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


def tell_those_there(
    session: Session, debtor_id: uuid.UUID, what: Callable[[], str], *, leaving: uuid.UUID | None = None
) -> int:
    """Write to everybody who acts for the debtor at this moment; gives how many messages were written.

    Call it before the change: a person whose address is changed, or who is removed (`leaving`), hears of it at the old one, and
    gets no link there.
    """
    there = those_there(session, debtor_id)
    gone = [each for each in there if each == leaving]
    return tell(session, debtor_id, [each for each in there if each != leaving], what) + tell(
        session, debtor_id, gone, what, link=None
    )


def tell(
    session: Session,
    debtor_id: uuid.UUID,
    contact_ids: Collection[uuid.UUID],
    what: Callable[[], str],
    *,
    link: LinkPurpose | None = LinkPurpose.NOTICE,
) -> int:
    """Write to some of those who act for the debtor that its people have changed; gives how many messages were written."""
    if not contact_ids:
        return 0
    return len(
        messages.write(
            session,
            kind="people_changed",
            debtor_id=debtor_id,
            contact_ids=list(contact_ids),
            facts={"what": what, "may_look": link is not None},
            link=link,
            reason=lambda: _("Everybody who has access to an account is told when our staff change who has."),
            dedupe_key=f"people:{new_id()}",
        )
    )
