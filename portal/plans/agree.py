"""Agreeing to a plan: what is read before, and the evidence that is kept."""

from __future__ import annotations

import uuid
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from payments.plans import accepting, acknowledge, rules
from payments.plans.accepting import Evidence
from payments.plans.models import Plan
from payments.plans.queries import PlanView
from payments.plans.status import UNANSWERED
from portal.plans.sketch import notice_days
from shared.access.models import PortalSession
from shared.access.queries import Visitor
from shared.kit.db import retrying, transaction
from shared.kit.errors import Conflict
from shared.kit.money import Money
from shared.kit.words import current_language


def words_of(session: Session, plan_id: uuid.UUID) -> tuple[str, ...]:
    """What stands above the box that is ticked, in paragraphs: the same words as on the paper."""
    return acknowledge.words(session, plan_id, language=current_language())


def debit_days(session: Session, visitor: Visitor, plan: PlanView) -> dict[int, date]:
    """Position → day of the debit, if the plan is accepted today; empty when instalments are paid otherwise."""
    if plan.terms is None or not plan.terms.by_mandate:
        return {}
    return rules.charge_days(plan.days, accepted_on=visitor.today, notice_days=notice_days(session, visitor))


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
            accepting.accept(session, plan_id=plan_id, evidence=evidence, by=visitor.as_actor())
            return True

    try:
        return retrying(act)
    except Conflict as conflict:
        if conflict.code != "plan.changed":
            raise
    with transaction() as session:
        accepting.renew(session, plan_id=plan_id, by=visitor.as_actor())
    return False
