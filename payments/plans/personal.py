"""What this room holds about persons: plans that they proposed, and debts that they acknowledged."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import Select, func, or_, select, update
from sqlalchemy.orm import Session

from payments.plans.models import Plan, PlanConsent
from payments.plans.status import PlanStatus
from shared.invoices.holds import is_held, is_owing
from shared.kit.db import among
from shared.kit.personal import Basis, Keys, Kind, Scope, Term, as_rows, ids, put_in_words, register
from shared.kit.words import lazy_gettext as _l


def _of(contact_id: uuid.UUID) -> Select[Any]:
    return select(Plan.id).where(Plan.contact_id == contact_id)


def _export(session: Session, contact_id: uuid.UUID) -> list[dict[str, Any]]:
    query = select(
        Plan.reference,
        Plan.status.label("state"),
        Plan.total_minor.label("amount_minor"),
        Plan.currency,
        Plan.message.label("text"),
        Plan.reasons.label("decided_by"),
        Plan.answer,
        Plan.end_reason.label("why"),
        Plan.created_at,
        Plan.accepted_at,
        Plan.ended_at,
    ).where(Plan.contact_id == contact_id)
    return as_rows(session.execute(query.order_by(Plan.id.desc())))


def _consents_of(contact_id: uuid.UUID) -> Select[Any]:
    return select(PlanConsent.id).where(PlanConsent.contact_id == contact_id)


def _export_consents(session: Session, contact_id: uuid.UUID) -> list[dict[str, Any]]:
    query = select(
        PlanConsent.accepted_at,
        PlanConsent.name,
        PlanConsent.email.label("address"),
        PlanConsent.address.label("network_address"),
        PlanConsent.user_agent.label("browser"),
        PlanConsent.clause.label("text"),
    ).where(PlanConsent.contact_id == contact_id)
    return as_rows(session.execute(query.order_by(PlanConsent.id.desc())))


def _old(scope: Scope) -> Select[Any]:
    has_words = or_(Plan.message != "", Plan.answer != "", Plan.end_reason != "")
    return select(Plan.id).where(
        Plan.company_id == scope.company_id,
        func.coalesce(Plan.ended_at, Plan.completed_at) < scope.before,
        has_words,
        ~is_owing(Plan.debtor_id),
        ~is_held(Plan.debtor_id),
    )


def _blank(session: Session, keys: Keys) -> None:
    """What was agreed, and how it ended, stays."""
    session.execute(update(Plan).where(among(Plan.id, ids(keys))).values(message="", answer="", end_reason=""))


register(
    Kind(
        name="plans",
        label=_l("Payment plans"),
        basis=Basis.CONTRACT,
        holds=("plan.message", "plan.answer", "plan.end_reason", "plan.reasons"),
        why=_l("What was agreed to be paid when, and by which rules it was decided."),
        counted=_l(
            "from the end of the plan, and never while the account owes something or is before a court; then its words go"
        ),
        term=Term(60, 60, 120, "months", _l("Civil Code 2224, Commercial Code L110-4: claims end after five years")),
        due=_old,
        remove=_blank,
        keeps=_l("A contract is kept for five years after its end (Civil Code 2224), and explains the books."),
        of_person=_of,
        export=_export,
    ),
    Kind(
        name="acknowledgements",
        label=_l("Acknowledgements of debt"),
        basis=Basis.INTEREST,
        holds=(
            "plan_consent.name",
            "plan_consent.email",
            "plan_consent.address",
            "plan_consent.user_agent",
            "plan_consent.clause",
            "plan_consent.facts",
        ),
        why=_l("They prove who agreed to what, when and from where (Civil Code 1376)."),
        keeps=_l("An acknowledged debt is proof of a claim (Civil Code 2240; GDPR art. 17.3.e)."),
        of_person=_consents_of,
        export=_export_consents,
    ),
)

put_in_words(
    "state",
    {
        PlanStatus.PROPOSED: _l("Proposed"),
        PlanStatus.NEEDS_PERSON: _l("We are looking at it"),
        PlanStatus.OFFERED: _l("Waits for your answer"),
        PlanStatus.ACTIVE: _l("Under way"),
        PlanStatus.PAUSED: _l("Paused"),
        PlanStatus.IN_DEFAULT: _l("Stopped: everything is due"),
        PlanStatus.COMPLETED: _l("Paid"),
        PlanStatus.CANCELLED: _l("Ended"),
        PlanStatus.DECLINED: _l("Not agreed"),
        PlanStatus.EXPIRED: _l("The offer has ended"),
    },
    kind="plans",
)
