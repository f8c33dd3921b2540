"""What this room holds about persons: their promises."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from shared.kit.personal import Basis, Kind, as_rows, register
from shared.kit.words import lazy_gettext as _l
from shared.promises.models import Promise


def _of(contact_id: uuid.UUID) -> Select[Any]:
    return select(Promise.id).where(Promise.contact_id == contact_id)


def _export(session: Session, contact_id: uuid.UUID) -> list[dict[str, Any]]:
    query = select(
        Promise.reference, Promise.state, Promise.promised_on, Promise.amount_minor, Promise.currency, Promise.note
    ).where(Promise.contact_id == contact_id)
    return as_rows(session.execute(query.order_by(Promise.id.desc())))


register(
    Kind(
        name="promises",
        label=_l("Promises"),
        basis=Basis.INTEREST,
        why=_l("By when somebody said that he would pay, and whether he did."),
        keeps=_l("An acknowledged debt is proof of a claim (Civil Code 2240; GDPR art. 17.3.e)."),
        of_person=_of,
        export=_export,
    )
)
