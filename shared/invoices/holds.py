"""Accounts that are before the courts, or on their way there: what could be evidence does not go."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, exists

from shared.invoices.models import Freeze, FreezeKind, Invoice


def is_held(debtor_id: Any) -> ColumnElement[bool]:
    """Whether a debtor (a column) has an invoice under legal hold, paid or not."""
    return exists().where(
        Freeze.debtor_id == debtor_id, Freeze.kind == FreezeKind.LEGAL_HOLD, Freeze.lifted_at.is_(None)
    )


def is_owing(debtor_id: Any) -> ColumnElement[bool]:
    """Whether a debtor (a column) has an invoice that is not settled."""
    return exists().where(Invoice.debtor_id == debtor_id, Invoice.open_minor > 0)
