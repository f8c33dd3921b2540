"""What the pages of this room read: runs, decisions, the scenario."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from backoffice.listing import Ask, Line, Orders, Query, like, one_page, ordered
from backoffice.reminders.models import (
    Reminder,
    ReminderDecision,
    ReminderRun,
    ReminderStatus,
    RunStatus,
)
from shared.debtors.models import Debtor
from shared.debtors.service import searchable
from shared.kit.db import among
from shared.kit.errors import NotFound
from shared.kit.money import Money
from shared.kit.words import gettext as _
from shared.web.paging import Page

ORDERS = Orders({"id": ReminderDecision.id}, identity=ReminderDecision.id, default="id")
RUN_ORDERS = Orders({"day": ReminderRun.run_on}, identity=ReminderRun.id, default="-day")


@dataclass(frozen=True, slots=True)
class RunRow:
    """One day's run."""

    id: uuid.UUID
    run_on: date
    status: RunStatus
    considered_count: int
    reminded_count: int
    reasons: dict[str, Any]
    started_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """What was decided for one debtor, and what became of the reminder."""

    debtor_id: uuid.UUID
    name: str
    account_code: str
    outcome: str
    step_offset: int | None
    amount: Money
    invoice_count: int
    detail: str
    reminder: ReminderStatus | None
    dropped_why: str


def runs(session: Session, company_id: uuid.UUID, ask: Ask) -> Page[RunRow]:
    """One page of runs, the latest first."""
    query = select(
        ReminderRun.id,
        ReminderRun.run_on,
        ReminderRun.status,
        ReminderRun.considered_count,
        ReminderRun.reminded_count,
        ReminderRun.reasons,
        ReminderRun.started_at,
        ReminderRun.finished_at,
    ).where(ReminderRun.company_id == company_id)
    found = one_page(session, query, RUN_ORDERS, ask, size=30)
    return Page([RunRow(*row[:8]) for row in found.rows], found.next_key, found.previous_key)


def get_run(session: Session, company_id: uuid.UUID, run_id: uuid.UUID) -> ReminderRun:
    """A run of this company; raises NotFound."""
    run = session.scalar(select(ReminderRun).where(ReminderRun.id == run_id, ReminderRun.company_id == company_id))
    if run is None:
        raise NotFound("run.missing", _("There is no such run."))
    return run


def decisions(session: Session, run: ReminderRun, ask: Ask) -> Page[DecisionRow]:
    """One page of a run's decisions."""
    found = one_page(session, _decisions(run, ask), ORDERS, ask)
    return Page([_decision(row) for row in found.rows], found.next_key, found.previous_key)


def every_decision(session: Session, run: ReminderRun, ask: Ask) -> Iterator[DecisionRow]:
    """All of them, read in portions (exports)."""
    query = ordered(_decisions(run, ask), ORDERS, "").execution_options(yield_per=2000)
    for row in session.execute(query):
        yield _decision(row)


def _decisions(run: ReminderRun, ask: Ask) -> Query:
    query = (
        select(
            ReminderDecision.debtor_id,
            Debtor.name,
            Debtor.account_code,
            Debtor.currency,
            ReminderDecision.outcome,
            ReminderDecision.step_offset,
            ReminderDecision.amount_minor,
            ReminderDecision.invoice_count,
            ReminderDecision.detail,
            Reminder.status.label("reminder"),
            Reminder.dropped_why,
        )
        .join(Debtor, Debtor.id == ReminderDecision.debtor_id)
        .outerjoin(
            Reminder,
            (Reminder.debtor_id == ReminderDecision.debtor_id) & (Reminder.remind_on == ReminderDecision.run_on),
        )
        .where(ReminderDecision.run_id == run.id)
    )
    if ask.get("outcome"):
        query = query.where(ReminderDecision.outcome == ask.get("outcome"))
    for word in searchable(ask.q).split():
        query = query.where(Debtor.search_text.like(like(word)))
    return query


def _decision(row: Line) -> DecisionRow:
    return DecisionRow(
        debtor_id=row.debtor_id,
        name=row.name,
        account_code=row.account_code,
        outcome=row.outcome,
        step_offset=row.step_offset,
        amount=Money(row.amount_minor, row.currency),
        invoice_count=row.invoice_count,
        detail=row.detail,
        reminder=row.reminder,
        dropped_why=row.dropped_why or "",
    )


def names(session: Session, company_id: uuid.UUID, debtor_ids: list[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Debtors' names (for a try-out, which knows ids)."""
    query = select(Debtor.id, Debtor.name).where(Debtor.company_id == company_id, among(Debtor.id, debtor_ids))
    return {row.id: row.name for row in session.execute(query)}
