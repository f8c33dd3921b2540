"""How many declared transfers wait to be found: one scalar subquery on a partial index, for the navigation."""

from __future__ import annotations

import uuid

from sqlalchemy import ScalarSelect, func, select

from payments.declarations.models import Declaration
from payments.declarations.rules import DeclarationState


def declared_count(company_id: uuid.UUID) -> ScalarSelect[int]:
    """Transfers that nobody has found or missed yet."""
    return (
        select(func.count())
        .select_from(Declaration)
        .where(Declaration.company_id == company_id, Declaration.state == DeclarationState.DECLARED)
        .scalar_subquery()
    )
