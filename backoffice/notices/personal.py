"""What this room holds about persons: what staff were told of."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, delete, select
from sqlalchemy.orm import Session

from backoffice.notices.models import Delivery, StaffNotice
from shared.kit.db import among
from shared.kit.personal import Basis, Keys, Kind, Scope, Term, ids, register
from shared.kit.words import lazy_gettext as _l


def _old(scope: Scope) -> Select[Any]:
    is_told = (StaffNotice.delivery != Delivery.DAILY) | StaffNotice.message_id.is_not(None)
    return select(StaffNotice.id).where(
        StaffNotice.company_id == scope.company_id, StaffNotice.created_at < scope.before, is_told
    )


def _drop(session: Session, keys: Keys) -> None:
    session.execute(delete(StaffNotice).where(among(StaffNotice.id, ids(keys))))


register(
    Kind(
        name="notices",
        label=_l("Notices to staff"),
        basis=Basis.CONTRACT,
        holds=("staff_notice.dedupe_key",),
        why=_l("They tell colleagues of what waits for them."),
        counted=_l("from the day of the notice"),
        term=Term(12, 3, 24, "months", _l("GDPR art. 5.1.e")),
        due=_old,
        remove=_drop,
    )
)
