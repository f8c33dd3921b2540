"""One day's run for one company: announce what is due to be announced, make the debits whose time has come.

Identity never hangs on the day: a run that is killed, repeated or late finds what was done by (invoice or instalment,
attempt number).
"""

from __future__ import annotations

import logging
import uuid
from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from payments.collections.announce import announce_debtor
from payments.collections.collect import ask_about, due_collections, subject_of
from payments.collections.eligible import (
    Candidate,
    ask_to_announce,
    debtors_to_consider,
    find_mandate,
    horizon_of,
    wishes_of,
)
from payments.collections.models import Collection, CollectionDecision, CollectionRun, Outcome, RunState
from payments.collections.pace import collect_all
from payments.collections.rules import CREATE_AHEAD_BANK_DAYS
from payments.deciding import NOT_YET, Later, Never, Stage, Verdict, decide
from payments.gateways.choose import takes_debits
from shared.company.models import Company
from shared.debtors.models import Debtor
from shared.invoices.models import Invoice
from shared.kit import clock
from shared.kit.calendars import add_target_days
from shared.kit.db import reading, retrying, transaction
from shared.kit.ids import new_id

log = logging.getLogger(__name__)

_PAGE = 200


@dataclass(frozen=True, slots=True)
class Line:
    """One decision as a report shows it; amounts in minor units."""

    debtor: str
    invoice: str
    outcome: str
    reason: str
    minor: int
    charge_on: date | None


@dataclass(slots=True)
class Report:
    """What a run did, or would do."""

    company: str
    run_on: date
    is_dry: bool
    counts: Counter[str] = field(default_factory=Counter)
    """By "outcome reason"."""
    lines: list[Line] = field(default_factory=list)
    is_whole: bool = True
    """False when the provider did not answer: the rest follows with the next run."""

    def as_json(self) -> dict[str, Any]:
        return {
            "company": self.company,
            "run_on": self.run_on.isoformat(),
            "dry_run": self.is_dry,
            "complete": self.is_whole,
            "counts": dict(self.counts),
            "decisions": [
                {
                    "debtor": line.debtor,
                    "invoice": line.invoice,
                    "outcome": line.outcome,
                    "reason": line.reason,
                    "minor": line.minor,
                    "charge_on": line.charge_on.isoformat() if line.charge_on else None,
                }
                for line in self.lines
            ],
        }


def run(company_id: uuid.UUID, *, on: date | None = None, dry: bool = False) -> Report:
    """Run one company's day (today unless given).

    A run of the day that was cut off is resumed at its cursor; one that is finished is looked through again, which finds
    only what is new. A day in the past never shortens a notice: it counts from today. Raises nothing when the provider is silent: the
    report says that it is not whole.
    """
    with reading() as session:
        company = session.get_one(Company, company_id)
        name, today = company.code, clock.today(company.zone)
        collects = company.debits_by_itself
    day = max(on or today, today)
    report = Report(name, day, is_dry=dry)
    if not collects or not takes_debits():
        return report
    if dry:
        _try_out(company_id, day, report)
        return report
    run_id = retrying(lambda: _open(company_id, day))
    _announce_all(run_id, company_id, day)
    report.is_whole = _collect_all(run_id, company_id, day)
    retrying(lambda: _close(run_id, report))
    return report


def _open(company_id: uuid.UUID, day: date) -> uuid.UUID:
    with transaction() as session:
        session.execute(
            insert(CollectionRun)
            .values(
                id=new_id(),
                company_id=company_id,
                run_on=day,
                state=RunState.RUNNING,
                counts={},
                started_at=clock.now(),
            )
            .on_conflict_do_nothing(index_elements=["company_id", "run_on"])
        )
        query = select(CollectionRun).where(CollectionRun.company_id == company_id, CollectionRun.run_on == day)
        found = session.scalars(query.with_for_update()).one()
        if found.state is RunState.FINISHED:
            found.state, found.cursor = RunState.RUNNING, None
        return found.id


def _announce_all(run_id: uuid.UUID, company_id: uuid.UUID, day: date) -> None:
    while True:
        with reading() as session:
            company = session.get_one(Company, company_id)
            after = session.get_one(CollectionRun, run_id).cursor
            page = debtors_to_consider(session, company, today=day, after=after, limit=_PAGE)
        for debtor_id in page:
            try:
                retrying(lambda d=debtor_id: announce_debtor(run_id, d, today=day))  # type: ignore[misc]
            except Exception:
                log.exception("debtor %s could not be considered: the others go on", debtor_id)
                retrying(lambda d=debtor_id: _pass(run_id, d))  # type: ignore[misc]
        if len(page) < _PAGE:
            return


def _pass(run_id: uuid.UUID, debtor_id: uuid.UUID) -> None:
    with transaction() as session:
        session.get_one(CollectionRun, run_id, with_for_update=True).cursor = debtor_id


def _collect_all(run_id: uuid.UUID, company_id: uuid.UUID, day: date) -> bool:
    with reading() as session:
        due = due_collections(session, company_id, until=add_target_days(day, CREATE_AHEAD_BANK_DAYS))
    return collect_all(run_id, due, today=day)


def _close(run_id: uuid.UUID, report: Report) -> None:
    with transaction() as session:
        found = session.get_one(CollectionRun, run_id, with_for_update=True)
        rows = session.execute(
            select(CollectionDecision, func.coalesce(Invoice.number, CollectionDecision.label), Debtor.account_code)
            .outerjoin(Invoice, Invoice.id == CollectionDecision.invoice_id)
            .join(Debtor, Debtor.id == CollectionDecision.debtor_id)
            .where(CollectionDecision.run_id == run_id)
            .order_by(
                Debtor.account_code, func.coalesce(Invoice.due_on, CollectionDecision.due_on), CollectionDecision.id
            )
        ).all()
        for decision, number, code in rows:
            line = Line(
                code, number, decision.outcome.value, decision.reason, decision.amount_minor, decision.charge_on
            )
            _note(report, line)
        found.counts = dict(report.counts)
        found.cursor = None
        if report.is_whole:
            found.state, found.finished_at = RunState.FINISHED, clock.now()


def _note(report: Report, line: Line) -> None:
    report.counts[f"{line.outcome} {line.reason}"] += 1
    report.lines.append(line)


def _try_out(company_id: uuid.UUID, day: date, report: Report) -> None:
    """Decide everything, write nothing, ask nobody: the mandate's own last word stands in for the provider's."""
    with reading() as session:
        company = session.get_one(Company, company_id)
        after: uuid.UUID | None = None
        while True:
            page = debtors_to_consider(session, company, today=day, after=after, limit=_PAGE)
            for debtor_id in page:
                debtor, mandate = session.get_one(Debtor, debtor_id), find_mandate(session, debtor_id)
                ask = ask_to_announce(session, company, debtor_id, mandate, today=day)
                for each in wishes_of(session, debtor, until=horizon_of(company, day)):
                    verdict = decide(each.facts, ask)
                    if verdict.reason != NOT_YET:
                        name = each.number if isinstance(each, Candidate) else each.label
                        _note(report, _line(debtor.account_code, name, verdict, each.facts.available_minor))
            if len(page) < _PAGE:
                break
            after = page[-1]
        for identity in due_collections(session, company_id, until=add_target_days(day, CREATE_AHEAD_BANK_DAYS)):
            collection = session.get_one(Collection, identity)
            debtor = session.get_one(Debtor, collection.debtor_id)
            mandate = find_mandate(session, debtor.id, collection.mandate_id)
            facts = subject_of(session, debtor, collection).facts
            possible_on = add_target_days(day, 3)
            ask = ask_about(session, debtor, collection, Stage.MAKE, mandate, today=day, possible_on=possible_on)
            verdict = decide(facts, ask)
            number = collection.label
            if collection.invoice_id is not None:
                number = session.get_one(Invoice, collection.invoice_id).number
            _note(report, _line(debtor.account_code, number, verdict, facts.available_minor))


def _line(debtor: str, number: str, verdict: Verdict, available: int) -> Line:
    if isinstance(verdict, Never):
        return Line(debtor, number, Outcome.SKIP.value, verdict.reason, available, None)
    outcome = Outcome.COLLECT
    if isinstance(verdict, Later):
        outcome = Outcome.ANNOUNCE if verdict.reason == "notice_given" else Outcome.SHIFT
    return Line(debtor, number, outcome.value, verdict.reason, verdict.minor, verdict.charge_on)
