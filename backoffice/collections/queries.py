"""What is announced, and the decisions of a run."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backoffice.listing import Ask, Line, Orders, Query, one_page, ordered
from payments.collections.models import Collection, CollectionDecision, CollectionState, Outcome
from shared.debtors.models import Debtor
from shared.invoices.models import Invoice
from shared.kit.money import Money
from shared.web.paging import Page

ORDERS = Orders({"charge": Collection.charge_on}, identity=Collection.id, default="charge")
DECISION_ORDERS = Orders({"id": CollectionDecision.id}, identity=CollectionDecision.id, default="id")


@dataclass(frozen=True, slots=True)
class CollectionRow:
    """One announced, made or skipped collection."""

    id: uuid.UUID
    debtor_id: uuid.UUID
    debtor_name: str
    invoice_id: uuid.UUID | None
    number: str
    attempt_no: int
    amount: Money
    charge_on: date
    state: CollectionState
    reason: str
    payment_id: uuid.UUID | None


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """One decision of a run."""

    debtor_id: uuid.UUID
    debtor_name: str
    invoice_id: uuid.UUID | None
    number: str
    due_on: date
    outcome: Outcome
    reason: str
    remark: str
    amount: Money
    charge_on: date | None


@dataclass(frozen=True, slots=True)
class Totals:
    """Sum over the whole selection."""

    count: int
    amount: Money


def browse(session: Session, company_id: uuid.UUID, ask: Ask) -> Page[CollectionRow]:
    """One page of collections; those announced, by the day of charging, unless another state is asked for."""
    query = _filtered(
        select(
            Collection.id,
            Collection.debtor_id,
            Debtor.name,
            Collection.invoice_id,
            func.coalesce(Invoice.number, Collection.label).label("number"),
            Collection.attempt_no,
            Collection.amount_minor,
            Collection.currency,
            Collection.charge_on,
            Collection.state,
            Collection.reason,
            Collection.payment_id,
        )
        .join(Debtor, Debtor.id == Collection.debtor_id)
        .outerjoin(Invoice, Invoice.id == Collection.invoice_id),
        company_id,
        ask,
    )
    found = one_page(session, query, ORDERS, ask)
    rows = [
        CollectionRow(
            row.id,
            row.debtor_id,
            row.name,
            row.invoice_id,
            row.number,
            row.attempt_no,
            Money(row.amount_minor, row.currency),
            row.charge_on,
            row.state,
            row.reason,
            row.payment_id,
        )
        for row in found.rows
    ]
    return Page(rows, found.next_key, found.previous_key)


def totals(session: Session, company_id: uuid.UUID, ask: Ask, *, currency: str) -> Totals:
    """Count and sum of the whole selection."""
    query = select(func.count(), func.coalesce(func.sum(Collection.amount_minor), 0))
    count, amount = session.execute(_filtered(query, company_id, ask)).one()
    return Totals(count, Money(int(amount), currency))


def _filtered(query: Query, company_id: uuid.UUID, ask: Ask) -> Query:
    query = query.where(Collection.company_id == company_id)
    wanted = ask.get("state") or CollectionState.ANNOUNCED.value
    if wanted in {state.value for state in CollectionState}:
        query = query.where(Collection.state == CollectionState(wanted))
    return query


def decisions(session: Session, run_id: uuid.UUID, ask: Ask) -> Page[DecisionRow]:
    """One page of a run's decisions."""
    found = one_page(session, _decisions(run_id, ask), DECISION_ORDERS, ask)
    return Page([_decision(row) for row in found.rows], found.next_key, found.previous_key)


def every_decision(session: Session, run_id: uuid.UUID, ask: Ask) -> Iterator[DecisionRow]:
    """All of them, read in portions (exports)."""
    query = ordered(_decisions(run_id, ask), DECISION_ORDERS, "").execution_options(yield_per=2000)
    for row in session.execute(query):
        yield _decision(row)


def _decisions(run_id: uuid.UUID, ask: Ask) -> Query:
    query = (
        select(
            CollectionDecision.debtor_id,
            Debtor.name,
            CollectionDecision.invoice_id,
            func.coalesce(Invoice.number, CollectionDecision.label).label("number"),
            func.coalesce(Invoice.due_on, CollectionDecision.due_on).label("due_on"),
            CollectionDecision.outcome,
            CollectionDecision.reason,
            CollectionDecision.remark,
            CollectionDecision.amount_minor,
            Debtor.currency,
            CollectionDecision.charge_on,
        )
        .join(Debtor, Debtor.id == CollectionDecision.debtor_id)
        .outerjoin(Invoice, Invoice.id == CollectionDecision.invoice_id)
        .where(CollectionDecision.run_id == run_id)
    )
    if ask.get("outcome") in {outcome.value for outcome in Outcome}:
        query = query.where(CollectionDecision.outcome == Outcome(ask.get("outcome")))
    if ask.get("reason"):
        query = query.where(CollectionDecision.reason == ask.get("reason"))
    return query


def _decision(row: Line) -> DecisionRow:
    return DecisionRow(
        row.debtor_id,
        row.name,
        row.invoice_id,
        row.number,
        row.due_on,
        row.outcome,
        row.reason,
        row.remark,
        Money(row.amount_minor, row.currency),
        row.charge_on,
    )
