"""How well plans do, in figures."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, exists, func, select
from sqlalchemy.orm import Session

from payments.plans.models import Plan, PlanInstalment, PlanOrigin, PlanTransition
from payments.plans.status import FREEZES, PlanStatus
from shared.kit.money import Money

S = PlanStatus
_REST = PlanInstalment.amount_minor - PlanInstalment.credited_minor - PlanInstalment.settled_minor


@dataclass(frozen=True, slots=True)
class Statistics:
    """How plans of a company did that were accepted in a period."""

    accepted: int
    completed: int
    defaulted: int
    """Of the accepted ones: that came to a default at least once."""
    answered_at_once: int
    """Of those proposed by debtors in the period: answered by the policy."""
    proposed: int
    under_plan: Money
    """What is left to pay by live plans now."""

    @property
    def default_rate(self) -> float:
        return self.defaulted / self.accepted if self.accepted else 0.0


def statistics(session: Session, company_id: uuid.UUID, *, since: datetime, currency: str = "EUR") -> Statistics:
    """How a company's plans did that were accepted since a moment, and how many proposals the policy answered."""
    accepted = and_(Plan.company_id == company_id, Plan.accepted_at >= since)
    defaulted = exists().where(PlanTransition.plan_id == Plan.id, PlanTransition.after == S.IN_DEFAULT)
    row = session.execute(
        select(
            func.count().label("accepted"),
            func.count().filter(Plan.status == S.COMPLETED).label("completed"),
            func.count().filter(defaulted).label("defaulted"),
        )
        .select_from(Plan)
        .where(accepted)
    ).one()
    asked = exists().where(PlanTransition.plan_id == Plan.id, PlanTransition.after == S.NEEDS_PERSON)
    wished = session.execute(
        select(func.count().label("all"), func.count().filter(~asked).label("at_once"))
        .select_from(Plan)
        .where(Plan.company_id == company_id, Plan.created_at >= since, Plan.origin == PlanOrigin.DEBTOR)
    ).one()
    left = session.scalar(
        select(func.coalesce(func.sum(_REST), 0))
        .select_from(PlanInstalment)
        .join(Plan, Plan.id == PlanInstalment.plan_id)
        .where(Plan.company_id == company_id, Plan.status.in_(FREEZES), Plan.currency == currency)
    )
    return Statistics(
        accepted=row.accepted,
        completed=row.completed,
        defaulted=row.defaulted,
        answered_at_once=wished.at_once,
        proposed=wished.all,
        under_plan=Money(int(left or 0), currency),
    )
