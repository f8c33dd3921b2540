"""Long papers that are being made."""

from __future__ import annotations

import uuid

from sqlalchemy.orm import Session

from shared.documents.models import DocumentKind, PaperOrder
from shared.kit import clock
from shared.kit.ids import new_id


def a_long_paper(session: Session, *, company_id: uuid.UUID, debtor_id: uuid.UUID, contact_id: uuid.UUID) -> PaperOrder:
    """A statement that is being made."""
    today = clock.today()
    order = PaperOrder(
        id=new_id(),
        company_id=company_id,
        debtor_id=debtor_id,
        kind=DocumentKind.STATEMENT,
        subject_id=debtor_id,
        wanted="a year",
        language="en",
        since_on=today,
        until_on=today,
        asked_on=today,
        asked_by=contact_id,
        created_at=clock.now(),
        touched_at=clock.now(),
    )
    session.add(order)
    session.flush()
    return order
