"""The cached amounts of many invoices at once: locked in one statement, raised or lowered in one other."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from sqlalchemy import ARRAY, BigInteger, Row, Uuid, cast, func, select, update
from sqlalchemy.orm import Session

from shared.invoices.models import Invoice
from shared.kit import db

Amount = Literal["held_minor", "frozen_minor", "paused_minor"]


def lock(session: Session, identities: Iterable[uuid.UUID]) -> dict[uuid.UUID, Row[Any]]:
    """Lock invoices in the order of their ids, and read what decides on their amounts."""
    wanted = sorted(set(identities))
    if not wanted:
        return {}
    rows: Any = session.execute(
        select(
            Invoice.id,
            Invoice.company_id,
            Invoice.debtor_id,
            Invoice.kind,
            Invoice.number,
            Invoice.total_minor,
            Invoice.open_minor,
            Invoice.held_minor,
            Invoice.frozen_minor,
            Invoice.paused_minor,
            Invoice.elsewhere_minor,
            Invoice.settled_on,
        )
        .where(Invoice.id == func.any(cast(wanted, ARRAY(Uuid))))
        .order_by(Invoice.id)
        .with_for_update()
    ).all()
    return {row.id: row for row in rows}


def add(session: Session, amount: Amount, minors: Mapping[uuid.UUID, int]) -> None:
    """Raise (or lower) one cached amount of each invoice; the caller has locked them. What the session holds is read anew."""
    if not minors:
        return
    change = (
        func.unnest(cast(list(minors), ARRAY(Uuid)), cast(list(minors.values()), ARRAY(BigInteger)))
        .table_valued("id", "minor", name="change")
        .render_derived()
    )
    column = getattr(Invoice, amount)
    session.execute(
        update(Invoice).where(Invoice.id == change.c.id).values({amount: column + change.c.minor}),
        execution_options={"synchronize_session": False},
    )
    db.forget(session, Invoice, minors, amount)
