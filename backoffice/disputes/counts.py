"""How many disputes wait for the house: the figure in the rail."""

from __future__ import annotations

import uuid

from sqlalchemy import ScalarSelect, func, select

from shared.disputes.models import Dispute
from shared.disputes.queries import is_live
from shared.disputes.rules import Status


def waiting_count(company_id: uuid.UUID) -> ScalarSelect[int]:
    """Live disputes whose answer the house owes, as part of a larger question; reads the partial index of live ones."""
    return (
        select(func.count())
        .select_from(Dispute)
        .where(Dispute.company_id == company_id, is_live(), Dispute.status != Status.WAITING)
        .scalar_subquery()
    )
