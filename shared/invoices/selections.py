"""What somebody chose of the invoices of an account, kept under a short name."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from shared.invoices.models import KeptSelection
from shared.kit import clock
from shared.kit.errors import NotFound
from shared.kit.ids import new_id
from shared.kit.words import gettext as _

KEPT_FOR = timedelta(days=7)
"""A page left open over a week is made anew."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The chosen invoices in the order in which they were chosen, and of some how much, in minor units."""

    id: uuid.UUID
    invoice_ids: tuple[uuid.UUID, ...]
    amounts: Mapping[uuid.UUID, int]


def keep(
    session: Session,
    debtor_id: uuid.UUID,
    invoice_ids: Sequence[uuid.UUID],
    *,
    amounts: Mapping[uuid.UUID, int] | None = None,
) -> uuid.UUID:
    """Keep a choice and give its name. Whose the invoices are is asked when it is used."""
    wanted = list(dict.fromkeys(invoice_ids))
    minors = [(amounts or {}).get(one) for one in wanted]
    row = KeptSelection(id=new_id(), debtor_id=debtor_id, invoice_ids=wanted, minors=minors, created_at=clock.now())
    session.add(row)
    session.flush()
    return row.id


def change(session: Session, debtor_id: uuid.UUID, selection_id: uuid.UUID, invoice_ids: Sequence[uuid.UUID]) -> None:
    """Let a kept choice hold these invoices instead, all of each; raises NotFound like `read`."""
    row = _row(session, debtor_id, selection_id)
    row.invoice_ids = list(dict.fromkeys(invoice_ids))
    row.minors = [None] * len(row.invoice_ids)


def read(session: Session, debtor_id: uuid.UUID, selection_id: uuid.UUID | str) -> Selection:
    """A debtor's kept choice; raises NotFound for none, another's, or one that is too old."""
    row = _row(session, debtor_id, selection_id)
    return Selection(
        row.id,
        tuple(row.invoice_ids),
        {one: minor for one, minor in zip(row.invoice_ids, row.minors, strict=True) if minor is not None},
    )


def _row(session: Session, debtor_id: uuid.UUID, selection_id: uuid.UUID | str) -> KeptSelection:
    row = None
    try:
        wanted = uuid.UUID(str(selection_id))
    except ValueError:
        wanted = None
    if wanted is not None:
        row = session.scalars(
            select(KeptSelection).where(KeptSelection.id == wanted, KeptSelection.debtor_id == debtor_id)
        ).one_or_none()
    if row is None or row.created_at < clock.now() - KEPT_FOR:
        raise NotFound("selection.missing", _("This choice is no longer there. Please choose your invoices again."))
    return row


def forget_old(session: Session) -> int:
    """Drop what nobody can use any more; gives how many."""
    old = delete(KeptSelection).where(KeptSelection.created_at < clock.now() - KEPT_FOR)
    return session.execute(old).rowcount  # type: ignore[attr-defined, no-any-return]
