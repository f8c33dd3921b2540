"""What this room holds about persons: visits of staff, and the staff."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, delete, func, select
from sqlalchemy.orm import Session

from backoffice.access.models import StaffSession
from backoffice.labels import ACTIONS, SUBJECTS
from shared.kit.db import among
from shared.kit.personal import Basis, Keys, Kind, Scope, Term, ids, put_in_words, register
from shared.kit.words import lazy_gettext as _l


def _old_sessions(scope: Scope) -> Select[Any]:
    return select(StaffSession.id).where(func.coalesce(StaffSession.ended_at, StaffSession.seen_at) < scope.before)


def _drop_sessions(session: Session, keys: Keys) -> None:
    session.execute(delete(StaffSession).where(among(StaffSession.id, ids(keys))))


register(
    Kind(
        name="staff_sessions",
        label=_l("Visits of staff"),
        basis=Basis.SECURITY,
        holds=("staff_session.user_agent", "staff_session.address", "staff_session.end_reason"),
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
        holds=(
            "staff_member.email",
            "staff_member.name",
            "staff_member.password_hash",
            "chargeback.assigned_name",
            "chargeback.wished_by_name",
            "correction.asked_by",
            "correction.decided_by",
            "correction.reason",
            "declaration.assigned_name",
            "dispute.assignee_name",
            "dispute.decided_by_name",
            "dispute_credit_proposal.asked_by_name",
            "dispute_credit_proposal.decided_by_name",
            "gift.by_name",
            "gift.decided_by_name",
            "gift.reason",
            "import_run.started_by",
            "limit_raise.asked_by_name",
            "limit_raise.decided_by_name",
            "import_run.undone_by",
            "promise.assigned_name",
            "refund.approved_by",
            "refund.asked_by",
            "retention_release.asked_by",
            "retention_release.decided_by",
            "retention_term.set_by",
        ),
        why=_l("Who may come to the desk, and who decided what."),
        keeps=_l("Their names stand in the trail of acts, which is kept with the books (Commercial Code L123-22)."),
        of_company=False,
    ),
)

put_in_words("action", ACTIONS)
put_in_words("about", SUBJECTS)
