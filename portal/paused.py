"""What the debtor has said of invoices (that he will pay them, or has paid them), for lists of them."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from sqlalchemy.orm import Session

from shared.invoices.queries import InvoiceRow
from shared.promises import queries as promises
from shared.promises.queries import Pause


def pauses_on(session: Session, rows: Iterable[InvoiceRow]) -> dict[uuid.UUID, Pause]:
    """Invoice → what was said of it; asks only when something is paused."""
    return promises.pauses_of(session, [row.id for row in rows if row.paused_minor])
