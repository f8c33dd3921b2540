"""What this room holds about persons: visits of staff, and the staff."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, delete, func, select
from sqlalchemy.orm import Session

from backoffice.access.models import StaffSession
from shared.kit.personal import Basis, Keys, Kind, Scope, Term, ids, register
from shared.kit.words import lazy_gettext as _l


def _old_sessions(scope: Scope) -> Select[Any]:
    return select(StaffSession.id).where(func.coalesce(StaffSession.ended_at, StaffSession.seen_at) < scope.before)


def _drop_sessions(session: Session, keys: Keys) -> None:
    session.execute(delete(StaffSession).where(StaffSession.id.in_(ids(keys))))


register(
    Kind(
        name="staff_sessions",
        label=_l("Visits of staff"),
        basis=Basis.SECURITY,
        why=_l("Who was at the desk, when, and from which network address and browser: it shows a stranger's visit."),
        counted=_l("from the last sign of the visit"),
        term=Term(
            12, 12, 12, "months", _l("CNIL, deliberation 2021-122 of 14 October 2021 on logs: six months to a year")
        ),
        of_company=False,
        is_security=True,
        in_real_time=True,
        due=_old_sessions,
        remove=_drop_sessions,
    ),
    Kind(
        name="staff",
        label=_l("Members of staff"),
        basis=Basis.CONTRACT,
        why=_l("Who may come to the desk, and who decided what."),
        keeps=_l("Their names stand in the trail of acts, which is kept with the books (Commercial Code L123-22)."),
        of_company=False,
    ),
)
