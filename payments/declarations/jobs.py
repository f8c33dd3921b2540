"""Declared transfers whose time is over, and receipts that were undone."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from payments.declarations import service
from payments.declarations.models import Declaration
from payments.declarations.rules import DeclarationState
from shared.company.queries import todays
from shared.kit.db import reading, transaction
from shared.kit.each import act_on_each
from shared.kit.jobs import duty, job, on


@duty(every=timedelta(minutes=30))
@job("declarations.expire", queue="night", timeout_s=900, exclusive=True)
def expire(_payload: dict[str, Any]) -> None:
    """End the searches whose money the books show, and those whose time is over, each in a transaction of its own.

    Twice is safe: what has ended is left.
    """
    with reading() as session:
        due = [
            declaration_id
            for company_id, today in todays(session).items()
            for declaration_id in session.scalars(
                select(Declaration.id)
                .where(Declaration.company_id == company_id, Declaration.state == DeclarationState.DECLARED)
                .where(Declaration.until_on < today)
                .order_by(Declaration.debtor_id, Declaration.id)
            )
        ]
        booked = service.maybe_in_the_books(session)
    act_on_each(
        [(service.settle_by_books, each) for each in booked] + [(service.expire, each) for each in due], _in_its_own
    )


def _in_its_own(end: tuple[Callable[[Session, uuid.UUID], object], uuid.UUID]) -> None:
    verb, declaration_id = end
    with transaction() as session:
        verb(session, declaration_id)


@on("payment.undone")
@job("declarations.reopen")
def reopen(payload: dict[str, Any]) -> None:
    """A receipt was undone: what it was matched with is looked for again. Twice is safe: only a matched one reopens."""
    with transaction() as session:
        service.reopen(session, payment_id=uuid.UUID(payload["payment_id"]))
