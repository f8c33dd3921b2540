"""What the debtor has said and waits for an end: promises, transfers that are looked for, disputes."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from payments.declarations import queries as declarations
from payments.declarations.queries import DeclarationLine
from portal.paused import pauses_on
from shared.access.queries import Visitor
from shared.disputes import queries as disputes
from shared.disputes.queries import DisputeRow
from shared.invoices.queries import InvoiceRow
from shared.kit.db import reading
from shared.promises import queries as promises
from shared.promises.queries import Pause, PromiseLine


@dataclass(frozen=True, slots=True)
class Live:
    """What is under way by the debtor's word."""

    promises: list[PromiseLine]
    declarations: list[DeclarationLine]
    disputes: list[DisputeRow]
    pauses: dict[uuid.UUID, Pause]
    """Of the invoices shown: what was said of each."""


def live_of(visitor: Visitor, rows: Iterable[InvoiceRow]) -> Live:
    """Of this account; most have none and are not asked."""
    with reading() as session:
        return Live(
            promises.live_of(session, visitor.debtor_id),
            declarations.live_of(session, visitor.debtor_id),
            [row for row in disputes.of_debtor(session, visitor.debtor_id) if row.is_live],
            pauses_on(session, rows),
        )
