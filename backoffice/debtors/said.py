"""What a debtor has said and what became of it, on its page: disputes, promises, and transfers that are looked for."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from payments.declarations import queries as declarations
from payments.declarations.queries import DeclarationLine
from shared.disputes import queries as disputes
from shared.disputes.queries import DisputeRow
from shared.disputes.rules import LIVE
from shared.promises import queries as promises
from shared.promises.queries import PromiseLine, Record


@dataclass(frozen=True, slots=True)
class Said:
    """What is under way by the debtor's word, and how it keeps its word."""

    record: Record
    promises: list[PromiseLine]
    declarations: list[DeclarationLine]
    disputes: list[DisputeRow]
    """Those that are not decided."""


def said(session: Session, debtor_id: uuid.UUID, *, today: date) -> Said:
    """Of one debtor."""
    return Said(
        record=promises.record_of(session, debtor_id, today=today),
        promises=promises.live_of(session, debtor_id),
        declarations=declarations.live_of(session, debtor_id),
        disputes=[each for each in disputes.of_debtor(session, debtor_id) if each.status in LIVE],
    )
