"""What the ledger knows of the invoices of a promise."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Row, func, or_, select
from sqlalchemy.orm import Session, aliased

from shared.invoices.models import Freeze, FreezeKind, Invoice
from shared.kit.db import among
from shared.ledger.models import Account, Kind, Phase, Transfer
from shared.promises.models import PromisePart
from shared.promises.rules import PartFacts

_NO_MONEY = (Kind.ISSUE, Kind.WRITE_OFF, Kind.REFUND, Kind.REFUND_FAILED)
"""What is no payment; nor does what we give back ourselves break what was promised and kept."""
_BACK_AGAIN = frozenset({Kind.CHARGEBACK_WON})
"""Money that had been taken back and returns: it counts with the payment it belongs to, whatever the day."""


@dataclass(frozen=True, slots=True)
class Settled:
    """Money that settled an invoice: an amount with the day on which it was begun; negative when it went back."""

    invoice_id: uuid.UUID
    payment_id: uuid.UUID | None
    minor: int
    begun_on: date
    is_back: bool
    """Whether it follows another movement instead of being one of its own."""


def settled(session: Session, debtor_id: uuid.UUID, invoice_ids: Sequence[uuid.UUID]) -> list[Settled]:
    """The money that settled these invoices, in the ledger's order. Credit notes and write-offs are no money."""
    these = frozenset(invoice_ids)
    pending = aliased(Transfer)
    rows = session.execute(
        select(
            Transfer.kind,
            Transfer.payment_id,
            Transfer.amount_minor,
            Transfer.credit_account,
            Transfer.credit_owner,
            Transfer.debit_account,
            Transfer.debit_owner,
            func.coalesce(pending.value_on, Transfer.value_on).label("begun_on"),
        )
        .outerjoin(pending, pending.id == Transfer.pending_id)
        .where(Transfer.debtor_id == debtor_id, Transfer.phase.in_((Phase.POSTED, Phase.POST)))
        .where(Transfer.kind.not_in(_NO_MONEY))
        .where(or_(among(Transfer.credit_owner, invoice_ids), among(Transfer.debit_owner, invoice_ids)))
        .order_by(Transfer.id)
    )
    found = []
    for transfer in rows:
        came = transfer.credit_account is Account.RECEIVABLE and transfer.credit_owner in these
        other = transfer.debit_account if came else transfer.credit_account
        owner = transfer.credit_owner if came else transfer.debit_owner
        if other is Account.RECEIVABLE or owner is None:
            continue
        found.append(
            Settled(
                invoice_id=owner,
                payment_id=transfer.payment_id,
                minor=transfer.amount_minor if came else -transfer.amount_minor,
                begun_on=transfer.begun_on,
                is_back=not came or transfer.kind in _BACK_AGAIN,
            )
        )
    return found


def by_invoice(moves: Iterable[Settled]) -> Mapping[uuid.UUID, list[Settled]]:
    """The moves of each invoice; of one that nothing settled, none."""
    found: defaultdict[uuid.UUID, list[Settled]] = defaultdict(list)
    for move in moves:
        found[move.invoice_id].append(move)
    return found


def before(mine: Sequence[Settled]) -> dict[str, Any]:
    """What had settled an invoice when a promise was given: what of it moves later neither keeps nor breaks it."""
    return {
        "payments": sorted({str(move.payment_id) for move in mine if move.payment_id}),
        "other_minor": sum(move.minor for move in mine if move.payment_id is None),
    }


def parts_of(session: Session, promise_id: uuid.UUID) -> Sequence[Row[Any]]:
    """What was promised of each invoice, in the order of locking."""
    rows: Sequence[Row[Any]] = session.execute(
        select(
            PromisePart.id,
            PromisePart.invoice_id,
            PromisePart.amount_minor,
            PromisePart.kept_minor,
            PromisePart.before,
        )
        .where(PromisePart.promise_id == promise_id)
        .order_by(PromisePart.invoice_id)
    ).all()
    return rows


def part_facts(
    session: Session, debtor_id: uuid.UUID, parts: Sequence[Row[Any]], *, until_on: date, zone: str
) -> dict[uuid.UUID, PartFacts]:
    """The facts of each part by its invoice. The invoices are read as this transaction sees them."""
    invoice_ids = [part.invoice_id for part in parts]
    moves = by_invoice(settled(session, debtor_id, invoice_ids))
    under_way = _in_flight(session, debtor_id, invoice_ids, until_on)
    for invoice_id, minor in _declared(session, invoice_ids, until_on, zone):
        under_way[invoice_id] += minor
    invoices = {
        row.id: row
        for row in session.execute(
            select(Invoice.id, Invoice.open_minor, Invoice.frozen_minor).where(among(Invoice.id, invoice_ids))
        )
    }
    return {
        part.invoice_id: PartFacts(
            promised=part.amount_minor,
            came=_came(moves[part.invoice_id], part, None),
            came_in_time=_came(moves[part.invoice_id], part, until_on),
            open=invoices[part.invoice_id].open_minor,
            frozen=invoices[part.invoice_id].frozen_minor,
            under_way=under_way[part.invoice_id],
        )
        for part in parts
    }


def _came(moves: Iterable[Settled], part: Row[Any], until_on: date | None) -> int:
    known = set(part.before.get("payments", ()))
    came = -int(part.before.get("other_minor", 0))
    for move in moves:
        if str(move.payment_id) in known:
            continue
        if until_on is None or move.is_back or move.begun_on <= until_on:
            came += move.minor
    return came


def _in_flight(
    session: Session, debtor_id: uuid.UUID, invoice_ids: Sequence[uuid.UUID], until_on: date
) -> defaultdict[uuid.UUID, int]:
    """What payments that were begun by a day hold of each invoice."""
    answer = aliased(Transfer)
    rows = session.execute(
        select(Transfer.credit_owner, func.sum(Transfer.amount_minor))
        .where(Transfer.debtor_id == debtor_id, Transfer.phase == Phase.PENDING, Transfer.value_on <= until_on)
        .where(among(Transfer.credit_owner, invoice_ids))
        .where(~select(answer.id).where(answer.pending_id == Transfer.id).exists())
        .group_by(Transfer.credit_owner)
    )
    held: defaultdict[uuid.UUID, int] = defaultdict(int)
    for invoice_id, minor in rows:
        if invoice_id is not None:
            held[invoice_id] += int(minor)
    return held


def _declared(
    session: Session, invoice_ids: Sequence[uuid.UUID], until_on: date, zone: str
) -> list[tuple[uuid.UUID, int]]:
    """What the debtor says, in time, to have paid, and nobody has found or missed yet."""
    rows = session.execute(
        select(Freeze.invoice_id, Freeze.amount_minor, Freeze.frozen_at)
        .where(among(Freeze.invoice_id, invoice_ids), Freeze.lifted_at.is_(None))
        .where(Freeze.kind == FreezeKind.DECLARATION)
    )
    return [(row[0], row[1]) for row in rows if row[2].astimezone(ZoneInfo(zone)).date() <= until_on]
