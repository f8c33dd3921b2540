"""The daily run: facts by pages of debtors, one pure decision each, written in bulk; resumable anywhere.

A page is one short transaction that also moves the cursor, so a killed run goes on where it stood. Writing and
sending come after it, reminder by reminder, each looking at the debtor again.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, time
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ARRAY, Uuid, any_, func, literal, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backoffice.reminders import queries
from backoffice.reminders.models import (
    Reminder,
    ReminderDecision,
    ReminderInvoice,
    ReminderRun,
    ReminderStatus,
    RunStatus,
)
from backoffice.reminders.rules import Decision, Outcome, decide
from backoffice.reminders.scenarios.queries import Policies, policies
from backoffice.reminders.scenarios.service import ensure_default
from shared.company.queries import today_of
from shared.debtors.models import Debtor
from shared.kit import clock, db, outbox
from shared.kit.bulk import copy_rows, uncollected
from shared.kit.db import reading, transaction
from shared.kit.errors import Refused
from shared.kit.ids import new_id
from shared.kit.words import gettext as _

PAGE = 5_000
WRITTEN_TOGETHER = 250
"""So many reminders are written by one job."""


@dataclass(slots=True)
class Report:
    """What a run decided."""

    run_on: date
    is_dry: bool
    considered_count: int = 0
    reminded_count: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    lines: list[dict[str, Any]] = field(default_factory=list)
    """In a dry run: debtor, outcome, amount and step of each."""


def run(company_id: uuid.UUID, *, run_on: date | None = None, dry: bool = False) -> Report:
    """Decide for every debtor of a company that has something open; twice on one day changes nothing.

    A dry run writes nothing and may be for any day; a real one is for today or a day past (a late catch-up). Raises
    Refused for a day to come.
    """
    with reading() as session:
        today = today_of(session, company_id)
        day = run_on or today
        if dry:
            return _dry_run(session, company_id, day)
    if day > today:
        raise Refused("reminders.future", _("A run for a day to come can only be a dry run."))
    with transaction() as session:
        ensure_default(session, company_id)
        found = policies(session, company_id)
    run_id = _open(company_id, day, found)
    with uncollected():
        while _decide_page(run_id, found, day):
            pass
    return _report(run_id)


def _open(company_id: uuid.UUID, day: date, found: Policies) -> uuid.UUID:
    """The run of that day: a new one, or the one to resume."""
    with transaction() as session:
        session.execute(
            insert(ReminderRun)
            .values(
                id=new_id(),
                company_id=company_id,
                run_on=day,
                status=RunStatus.DECIDING,
                considered_count=0,
                reminded_count=0,
                reasons={},
                scenario=found.as_json(),
                started_at=clock.now(),
            )
            .on_conflict_do_nothing(index_elements=["company_id", "run_on"])
        )
        return session.scalars(
            select(ReminderRun.id).where(ReminderRun.company_id == company_id, ReminderRun.run_on == day)
        ).one()


def _decide_page(run_id: uuid.UUID, found: Policies, day: date) -> bool:
    """One page of the run; False when there was none left."""
    with transaction() as session:
        run_row = db.lock(session, ReminderRun, run_id)
        if run_row.status is RunStatus.DONE:
            return False
        page = queries.facts_page(session, run_row.company_id, day, after=run_row.cursor, limit=PAGE)
        if not page:
            if strays := queries.count_strays(session, run_id):
                raise RuntimeError(f"run {run_id}: {strays} lines point at nothing")
            run_row.status = RunStatus.DONE
            run_row.finished_at = clock.now()
            return False
        decisions = [(debtor_id, decide(facts, found.of(facts.scenario_id), day)) for debtor_id, facts in page]
        _write(session, run_row, decisions, day)
        run_row.cursor = page[-1][0]
        return True


def _write(session: Session, run_row: ReminderRun, decisions: Sequence[tuple[uuid.UUID, Decision]], day: date) -> None:
    copy_rows(
        session,
        ReminderDecision,
        ("id", "run_id", "debtor_id", "run_on", "outcome", "step_offset", "amount_minor", "invoice_count", "detail"),
        (
            (
                new_id(),
                run_row.id,
                debtor_id,
                day,
                decision.outcome.value,
                decision.step.offset_days if decision.step else None,
                decision.amount_minor,
                decision.invoice_count,
                "",
            )
            for debtor_id, decision in decisions
        ),
    )
    reminded = [(debtor_id, decision) for debtor_id, decision in decisions if decision.outcome is Outcome.REMIND]
    _write_reminders(session, run_row, reminded, day)
    tally = Counter(run_row.reasons) + Counter(decision.outcome.value for _debtor, decision in decisions)
    run_row.reasons = dict(tally)
    run_row.considered_count += len(decisions)
    run_row.reminded_count += len(reminded)


def _write_reminders(
    session: Session, run_row: ReminderRun, reminded: Sequence[tuple[uuid.UUID, Decision]], day: date
) -> None:
    if not reminded:
        return
    cycles = _cycles(session, [debtor_id for debtor_id, _decision in reminded])
    ids = [debtor_id for debtor_id, _decision in reminded]
    them = Debtor.id == any_(literal(ids, ARRAY(Uuid)))
    currencies = {row.id: row.currency for row in session.execute(select(Debtor.id, Debtor.currency).where(them))}
    now = clock.now()
    reminders = []
    invoices: list[tuple[object, ...]] = []
    for debtor_id, decision in reminded:
        step = decision.step
        if step is None:
            continue
        identity = new_id()
        cycle = cycles.get((debtor_id, step.id), 0) + 1
        reminders.append(
            (
                identity,
                run_row.id,
                debtor_id,
                step.id,
                cycle,
                day,
                ReminderStatus.DECIDED.value,
                "",
                decision.amount_minor,
                currencies[debtor_id],
                now,
            )
        )
        invoices.extend((new_id(), identity, invoice_id, at.id, at.offset_days) for invoice_id, at in decision.reached)
    names = [
        "id",
        "run_id",
        "debtor_id",
        "step_id",
        "cycle",
        "remind_on",
        "status",
        "dropped_why",
        "amount_minor",
        "currency",
        "created_at",
    ]
    copy_rows(session, Reminder, names, reminders)
    copy_rows(session, ReminderInvoice, ["id", "reminder_id", "invoice_id", "step_id", "offset_days"], invoices)
    chunks = _chunks([str(row[0]) for row in reminders], WRITTEN_TOGETHER)
    outbox.enqueue_all(session, "reminders.write", {f"write:{ids[0]}": {"reminder_ids": ids} for ids in chunks})


def _chunks(values: Sequence[str], size: int) -> Iterator[list[str]]:
    for start in range(0, len(values), size):
        yield list(values[start : start + size])


def _cycles(session: Session, debtor_ids: Sequence[uuid.UUID]) -> dict[tuple[uuid.UUID, uuid.UUID], int]:
    rows = session.execute(
        select(Reminder.debtor_id, Reminder.step_id, func.max(Reminder.cycle))
        .where(Reminder.debtor_id == any_(literal(list(debtor_ids), ARRAY(Uuid))))
        .group_by(Reminder.debtor_id, Reminder.step_id)
    )
    return {(debtor_id, step_id): cycle for debtor_id, step_id, cycle in rows}


def _dry_run(session: Session, company_id: uuid.UUID, day: date) -> Report:
    report = Report(run_on=day, is_dry=True)
    cursor: uuid.UUID | None = None
    found = policies(session, company_id)
    while page := queries.facts_page(session, company_id, day, after=cursor, limit=PAGE):
        for debtor_id, facts in page:
            decision = decide(facts, found.of(facts.scenario_id), day)
            report.considered_count += 1
            report.reasons[decision.outcome.value] += 1
            report.reminded_count += decision.outcome is Outcome.REMIND
            report.lines.append(
                {
                    "debtor_id": str(debtor_id),
                    "outcome": decision.outcome.value,
                    "amount_minor": decision.amount_minor,
                    "invoice_count": decision.invoice_count,
                    "step": decision.step.offset_days if decision.step else None,
                }
            )
        cursor = page[-1][0]
    return report


def _report(run_id: uuid.UUID) -> Report:
    with reading() as session:
        row = session.get_one(ReminderRun, run_id)
        return Report(row.run_on, False, row.considered_count, row.reminded_count, Counter(row.reasons))


def local_time(zone: str) -> time:
    """The time of day in a company's zone."""
    return clock.now().astimezone(ZoneInfo(zone)).time()
