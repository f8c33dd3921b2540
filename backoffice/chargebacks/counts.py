"""How many contested payments wait for us: one scalar subquery on a partial index, for the navigation."""

from __future__ import annotations

import uuid

from sqlalchemy import ScalarSelect, func, select

from payments.chargebacks.models import Chargeback
from payments.chargebacks.rules import FREEZES, ChargebackState


def contested_count(company_id: uuid.UUID) -> ScalarSelect[int]:
    """Cases to answer or to decide."""
    return (
        select(func.count())
        .select_from(Chargeback)
        .where(Chargeback.company_id == company_id, Chargeback.state.in_(FREEZES))
        .where(Chargeback.state != ChargebackState.ANSWERED)
        .scalar_subquery()
    )
