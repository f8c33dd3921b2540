"""Reading collection runs and their decisions, for staff."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from payments.collections.models import (
    Collection,
    CollectionDecision,
    CollectionRun,
    CollectionState,
    Outcome,
    RunState,
)
from payments.collections.outlook import outlook
from payments.frozen import PAUSED
from shared.company.models import Company
from shared.debtors.models import BY_NAME, Debtor
from shared.invoices.models import Invoice, InvoiceKind
from shared.kit.db import among
from shared.kit.money import Money


@dataclass(frozen=True, slots=True)
class RunLine:
    """One run in a list."""

    id: uuid.UUID
    run_on: date
    state: RunState
    counts: dict[str, Any]
    started_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class DecisionLine:
    """What was decided for one invoice, and why."""

    debtor_id: uuid.UUID
    debtor_name: str
    invoice_id: uuid.UUID | None
    """None for an instalment of a plan."""
    number: str
    due_on: date
    outcome: Outcome
    reason: str
    money: Money
    charge_on: date | None
    payment_id: uuid.UUID | None
    at: datetime


@dataclass(frozen=True, slots=True)
class CollectionLine:
    """One attempt to collect an invoice."""

    id: uuid.UUID
    debtor_id: uuid.UUID
    debtor_name: str
    invoice_id: uuid.UUID | None
    """None for an instalment of a plan."""
    number: str
    attempt_no: int
    money: Money
    announced_at: datetime
    charge_on: date
    state: CollectionState
    reason: str
    payment_id: uuid.UUID | None


def list_runs(session: Session, company_id: uuid.UUID, *, limit: int = 60) -> list[RunLine]:
    """A company's runs, the latest first."""
    rows = session.scalars(
        select(CollectionRun)
        .where(CollectionRun.company_id == company_id)
        .order_by(CollectionRun.run_on.desc())
        .limit(limit)
    )
    return [_run_line(row) for row in rows]


def find_run(session: Session, company_id: uuid.UUID, run_id: uuid.UUID) -> RunLine | None:
    """One run of a company."""
    row = session.scalar(
        select(CollectionRun).where(CollectionRun.id == run_id, CollectionRun.company_id == company_id)
    )
    return _run_line(row) if row else None


def decisions_of(session: Session, run_id: uuid.UUID) -> list[DecisionLine]:
    """Every decision of a run, by debtor."""
    rows = session.execute(
        select(
            CollectionDecision,
            func.coalesce(Invoice.number, CollectionDecision.label),
            func.coalesce(Invoice.due_on, CollectionDecision.due_on),
            Debtor.name,
            Debtor.currency,
            Collection.payment_id,
        )
        .outerjoin(Invoice, Invoice.id == CollectionDecision.invoice_id)
        .join(Debtor, Debtor.id == CollectionDecision.debtor_id)
        .outerjoin(Collection, Collection.id == CollectionDecision.collection_id)
        .where(CollectionDecision.run_id == run_id)
        .order_by(BY_NAME, func.coalesce(Invoice.due_on, CollectionDecision.due_on), CollectionDecision.id)
    )
    return [
        DecisionLine(
            debtor_id=row.debtor_id,
            debtor_name=name,
            invoice_id=row.invoice_id,
            number=number,
            due_on=due_on,
            outcome=row.outcome,
            reason=row.reason,
            money=Money(row.amount_minor, currency),
            charge_on=row.charge_on,
            payment_id=payment_id,
            at=row.at,
        )
        for row, number, due_on, name, currency, payment_id in rows
    ]


def collections_of(
    session: Session,
    company_id: uuid.UUID,
    *,
    debtor_id: uuid.UUID | None = None,
    state: CollectionState | None = None,
    limit: int = 200,
) -> list[CollectionLine]:
    """A company's collections (of one debtor, in one state), the latest first."""
    query = (
        select(Collection, func.coalesce(Invoice.number, Collection.label), Debtor.name)
        .outerjoin(Invoice, Invoice.id == Collection.invoice_id)
        .join(Debtor, Debtor.id == Collection.debtor_id)
        .where(Collection.company_id == company_id)
        .order_by(Collection.id.desc())
        .limit(limit)
    )
    if debtor_id is not None:
        query = query.where(Collection.debtor_id == debtor_id)
    if state is not None:
        query = query.where(Collection.state == state)
    return [
        CollectionLine(
            id=row.id,
            debtor_id=row.debtor_id,
            debtor_name=name,
            invoice_id=row.invoice_id,
            number=number,
            attempt_no=row.attempt_no,
            money=Money(row.amount_minor, row.currency),
            announced_at=row.announced_at,
            charge_on=row.charge_on,
            state=row.state,
            reason=row.reason,
            payment_id=row.payment_id,
        )
        for row, number, name in session.execute(query)
    ]


@dataclass(frozen=True, slots=True)
class Choice:
    """An open invoice of a debtor on autopay: debited by itself, or left out at his wish."""

    invoice_id: uuid.UUID
    number: str
    due_on: date
    money: Money
    """What of it is open and not on its way."""
    charge_on: date | None
    """The day of its announced debit."""
    is_left_out: bool
    is_above_maximum: bool
    why_not: str = ""
    """The reason for which it is not debited as things stand, beside those two; empty when it is to be."""


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """Announced debits that do not take place: their days, and how many days ahead a new one is announced."""

    days: tuple[date, ...]
    notice_days: int


def withdrawn(session: Session, invoice_ids: Sequence[uuid.UUID], *, since: datetime) -> Withdrawn | None:
    """Debits of these invoices that were announced and do not take place, for money promised or declared; None: none.

    Those withdrawn since a moment, and those whose withdrawal is a matter of seconds.
    """
    going = and_(
        Collection.state == CollectionState.ANNOUNCED,
        Invoice.paused_minor > 0,
        Collection.amount_minor > Invoice.open_minor - Invoice.frozen_minor - Invoice.paused_minor,
    )
    gone = and_(Collection.state == CollectionState.SKIPPED, Collection.reason == PAUSED, Collection.closed_at >= since)
    rows = session.execute(
        select(Collection.charge_on, Company.notice_days)
        .join(Invoice, Invoice.id == Collection.invoice_id)
        .join(Company, Company.id == Collection.company_id)
        .where(among(Collection.invoice_id, invoice_ids), or_(going, gone))
        .distinct()
        .order_by(Collection.charge_on)
    ).all()
    return Withdrawn(tuple(row.charge_on for row in rows), rows[0].notice_days) if rows else None


def announced_days(session: Session, invoice_ids: Sequence[uuid.UUID]) -> list[date]:
    """The days for which debits of these invoices are announced."""
    return list(
        session.scalars(
            select(Collection.charge_on)
            .where(among(Collection.invoice_id, invoice_ids), Collection.state == CollectionState.ANNOUNCED)
            .distinct()
            .order_by(Collection.charge_on)
        )
    )


def choices_of(
    session: Session, debtor_id: uuid.UUID, *, words: str = "", limit: int = 200
) -> tuple[list[Choice], int]:
    """What would be debited by itself and what is left out, by due day; not what is on its way to the bank already.

    Those whose number contains the words, `limit` at most, with what is left out first; and how many there are in all.
    """
    debtor = session.get_one(Debtor, debtor_id)
    fits = (
        Invoice.debtor_id == debtor_id,
        Invoice.kind == InvoiceKind.INVOICE,
        Invoice.open_minor > Invoice.held_minor,
        Invoice.number.icontains(words, autoescape=True),
    )
    count = session.scalar(select(func.count()).select_from(Invoice).where(*fits)) or 0
    rows = session.execute(
        select(Invoice, Collection.charge_on)
        .outerjoin(
            Collection,
            (Collection.invoice_id == Invoice.id) & (Collection.state == CollectionState.ANNOUNCED),
        )
        .where(*fits)
        .order_by(Invoice.autopay_excluded_at.is_(None), Invoice.due_on, Invoice.id)
        .limit(limit)
    )
    most = debtor.autopay_maximum_minor
    found = outlook(session, debtor)
    shown = [
        Choice(
            invoice_id=invoice.id,
            number=invoice.number,
            due_on=invoice.due_on,
            money=Money(invoice.open_minor - invoice.held_minor, invoice.currency),
            charge_on=charge_on,
            is_left_out=invoice.autopay_excluded_at is not None,
            is_above_maximum=most is not None and invoice.collectable_minor > most,
            why_not=found[invoice.id].why_not if invoice.id in found else "",
        )
        for invoice, charge_on in rows
    ]
    return shown, count


def _run_line(row: CollectionRun) -> RunLine:
    return RunLine(row.id, row.run_on, row.state, dict(row.counts), row.started_at, row.finished_at)
