"""How many promises want a look: one scalar subquery on a partial index, for the navigation."""

from __future__ import annotations

import uuid
from datetime import date

from sqlalchemy import ScalarSelect, func, select

from shared.promises.models import Promise
from shared.promises.rules import PromiseState


def late_count(company_id: uuid.UUID, today: date) -> ScalarSelect[int]:
    """Live promises whose day is past."""
    return (
        select(func.count())
        .select_from(Promise)
        .where(Promise.company_id == company_id, Promise.state == PromiseState.EXPECTED, Promise.promised_on < today)
        .scalar_subquery()
    )
