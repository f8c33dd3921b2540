"""Agreeing to a plan: what is read before, and the evidence that is kept."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from payments.plans import acknowledge, service
from payments.plans.models import Plan
from payments.plans.queries import PlanView
from payments.plans.service import Evidence
from payments.plans.status import UNANSWERED
from shared.access.models import PortalSession
from shared.access.queries import Visitor
from shared.company.models import Company
from shared.documents.spelled import amount_in_words
from shared.kit.db import retrying, transaction
from shared.kit.errors import Conflict
from shared.kit.money import Money
from shared.kit.words import current_language


@dataclass(frozen=True, slots=True)
class Reading:
    """What stands above the box that is ticked: the same words as on the paper."""

    creditor: str
    total_in_words: str
    clause: str


def reading_of(session: Session, visitor: Visitor, plan: PlanView) -> Reading:
    """The words of an acknowledgement, in the reader's language."""
    language = current_language()
    row = session.get_one(Plan, plan.line.id)
    return Reading(
        creditor=session.scalars(select(Company.legal_name).where(Company.id == visitor.company_id)).one(),
        total_in_words=amount_in_words(plan.line.total, "fr" if language == "fr" else "en"),
        clause=acknowledge.clause_of(session, row, language),
    )


def accept(visitor: Visitor, plan_id: uuid.UUID, *, shown: Money, address: str, user_agent: str) -> bool:
    """Acknowledge and accept; True when it is done.

    False when what is left to pay is no longer what was `shown`: the offer is then drawn up anew on what is left, and
    must be read again. Raises Conflict for an offer that has ended, or that needs a mandate.
    """

    def act() -> bool:
        with transaction() as session:
            row = session.get_one(Plan, plan_id)
            if row.status in UNANSWERED and row.total_minor != shown.minor:
                return False
            verified_at = session.scalar(
                select(PortalSession.verified_at).where(PortalSession.id == visitor.session_id)
            )
            evidence = Evidence(
                contact_id=visitor.contact_id,
                name=visitor.name,
                email=visitor.email,
                address=address,
                user_agent=user_agent,
                language=current_language(),
                session_id=visitor.session_id,
                verified_at=verified_at,
            )
            service.accept(session, plan_id=plan_id, evidence=evidence, by=visitor.as_actor())
            return True

    try:
        return retrying(act)
    except Conflict as conflict:
        if conflict.code != "plan.changed":
            raise
    with transaction() as session:
        service.renew(session, plan_id=plan_id, by=visitor.as_actor())
    return False
