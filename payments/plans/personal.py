"""What this room holds about persons: plans that they proposed, and debts that they acknowledged."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from payments.plans.models import Plan, PlanConsent
from shared.kit.personal import Basis, Kind, as_rows, register
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


register(
    Kind(
        name="plans",
        label=_l("Payment plans"),
        basis=Basis.CONTRACT,
        why=_l("What was agreed to be paid when, and by which rules it was decided."),
        keeps=_l("A contract is kept for five years after its end (Civil Code 2224), and explains the books."),
        of_person=_of,
        export=_export,
    ),
    Kind(
        name="acknowledgements",
        label=_l("Acknowledgements of debt"),
        basis=Basis.INTEREST,
        why=_l("They prove who agreed to what, when and from where (Civil Code 1376)."),
        keeps=_l("An acknowledged debt is proof of a claim (Civil Code 2240; GDPR art. 17.3.e)."),
        of_person=_consents_of,
        export=_export_consents,
    ),
)
