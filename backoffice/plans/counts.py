"""How many plans wait for the house: the figure in the rail."""

from __future__ import annotations

import uuid

from sqlalchemy import ScalarSelect, func, select

from payments.plans.models import Plan
from payments.plans.status import PlanStatus


def asked_count(company_id: uuid.UUID) -> ScalarSelect[int]:
    """Proposals that a person must decide, as part of a larger question; reads their partial index."""
    return (
        select(func.count())
        .select_from(Plan)
        .where(Plan.company_id == company_id, Plan.status == PlanStatus.NEEDS_PERSON)
        .scalar_subquery()
    )
