"""The writing of a confirmed import: one transaction with its certificate, or nothing.

Steps of `write`: (1) the file is read once more and staged while it is read; (2) with faults everything is dropped;
(3) debtors and invoices are recognised, and the debtors whose affairs change are locked; (4) balances carried forward are
set against older invoices; (5) new debtors and contacts; (6) new invoices are written with their movements, known ones
changed by movements; (7) unapplied credit; (8) totals; (9) the certificate, or nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from functools import partial
from typing import Any

from psycopg import Cursor
from psycopg import errors as pg
from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from backoffice import people
from backoffice.imports import carried, staging
from backoffice.imports.columns import signature
from backoffice.imports.compare import Comparison
from backoffice.imports.faults import Findings
from backoffice.imports.models import ImportMapping, ImportRun, RunState
from backoffice.imports.outcome import Outcome, keep, outcome_of
from backoffice.imports.plan import ImportPlan
from backoffice.imports.progress import Progress, progress_of
from backoffice.imports.questions import Questions
from backoffice.imports.setting import (
    Setting,
    Task,
    against_company,
    last_day_of,
    over,
    questions_of,
    read_plan,
    remembered_of,
    setting_of,
    unheld_of,
)
from backoffice.imports.statements import Books
from backoffice.imports.write import Writer
from shared.debtors import affairs
from shared.debtors.models import Contact
from shared.kit import audit, clock, outbox
from shared.kit.actors import Actor
from shared.kit.db import among, lock, reading, transaction
from shared.kit.errors import Unavailable
from shared.kit.ids import new_id
from shared.kit.words import gettext as _
from shared.kit.words import speaking


class _Refusal(Exception):  # noqa: N818 - it only carries faults out of the transaction
    """Rolls everything back."""

    def __init__(self, plan: ImportPlan, faults: Findings, warnings: Findings, questions: Questions) -> None:
        super().__init__("refused")
        self.plan, self.faults, self.warnings, self.questions = plan, faults, warnings, questions


def write(run_id: uuid.UUID, *, only_confirmed: bool = False) -> Outcome:
    """Import a run's file in one transaction, or not at all. Twice is harmless: what is done stays done.

    `only_confirmed`: a run that nobody has said yes to (any more) is left as it is. Raises Unavailable when another import of
    the company runs.
    """
    with transaction() as session:
        run = lock(session, ImportRun, run_id)
        if run.state in (RunState.DONE, RunState.REFUSED, RunState.CANCELLED):
            return outcome_of(run)
        if only_confirmed and run.state not in (RunState.WAITING, RunState.WRITING):
            return outcome_of(run)
        run.state = RunState.WRITING
    with reading() as session:
        setting, last_day = setting_of(session, run), last_day_of(session, run)
        remembered = remembered_of(session, run)
    task = Task(setting, over(run.choices, remembered), last_day, questions_of(run, remembered))
    try:
        with progress_of(run) as progress, transaction() as session:
            prepare(session, setting.company_id)
            return _write(session, run_id, task, progress)
    except _Refusal as refusal:
        return _refuse(run_id, refusal)
    except DBAPIError as error:
        if isinstance(error.orig, pg.LockNotAvailable):
            raise Unavailable("import.busy", _("Another import of this company is running.")) from error
        raise
    except pg.LockNotAvailable as error:
        raise Unavailable("import.busy", _("Somebody is working on one of these accounts.")) from error


def take_time(session: Session) -> None:
    """A million lines take longer than a page may."""
    session.execute(text("SET LOCAL statement_timeout = 0"))
    session.execute(text("SET LOCAL work_mem = '96MB'"))


def prepare(session: Session, company_id: uuid.UUID) -> None:
    """One import of a company at a time."""
    take_time(session)
    session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 7))"), {"name": f"guichet.import.{company_id}"}
    )


@contextmanager
def raw_cursor(session: Session) -> Iterator[tuple[Cursor[Any], str]]:
    """The session's own connection for COPY, with the name of its function for new identities."""
    connection = session.connection().connection.driver_connection
    if connection is None:
        raise RuntimeError("the session has no connection")
    with connection.cursor() as cursor:
        yield cursor, staging.new_id_function(connection)


def _write(session: Session, run_id: uuid.UUID, task: Task, progress: Progress) -> Outcome:
    run = session.get_one(ImportRun, run_id)
    setting = task.setting
    with raw_cursor(session) as (cursor, generator):
        staging.create(cursor, generator)
        with staging.item_sink(cursor, progress.at) as sink:
            plan = read_plan(run, setting, task.choices, sink, task.questions)
        unheld = unheld_of(session, setting, plan)
        faults, warnings = against_company(plan, setting, task.last_day, unheld)
        if faults or task.questions.open:
            raise _Refusal(plan, faults, warnings, task.questions)
        staging.stage_debtors(cursor, plan.debtors, plan.certificate)
        writer = Writer(session, cursor, books_of(run, setting, generator))
        comparison = Comparison(writer, plan, task.choices, faults, warnings, task.questions)
        result = _post(comparison)
        lowered, moved, credited = writer.lowered(), writer.moved(), writer.credited()
    tell_payments(session, lowered, moved)
    for debtor in credited:
        affairs.owes_otherwise(session, debtor)
    _tell_people(session, writer.unknown)
    run.choices = dict(task.choices)
    keep(run, plan, faults, warnings, task.questions)
    run.state, run.finished_at, run.result = RunState.DONE, clock.now(), result | {"may_be_undone": True}
    _remember(session, run, task)
    by = Actor("staff", run.started_by_id, run.started_by) if run.started_by_id else Actor.system(run.started_by)
    audit.record(
        session,
        by,
        "import.done",
        subject_type="import_run",
        subject_id=run.id,
        company_id=run.company_id,
        after=result | {"file": run.file_name, "sha256": run.file_sha256},
    )
    session.flush()
    return outcome_of(run)


def tell_payments(
    session: Session,
    lowered: list[tuple[uuid.UUID, uuid.UUID]],
    moved: list[tuple[uuid.UUID, uuid.UUID, date, date]],
) -> None:
    """Debits that were announced or written over what the books now say otherwise are looked at again."""
    for invoice, debtor in lowered:
        outbox.publish(session, "invoice.lowered", {"invoice": str(invoice), "debtor": str(debtor)})
    for invoice, debtor, before, after in moved:
        days = {"before": before.isoformat(), "after": after.isoformat()}
        outbox.publish(session, "invoice.due_moved", {"invoice": str(invoice), "debtor": str(debtor)} | days)


def _tell_people(session: Session, unknown: Sequence[tuple[uuid.UUID, uuid.UUID]]) -> None:
    """Who acted for an account before hears whom the file brought."""
    brought: dict[uuid.UUID, list[uuid.UUID]] = {}
    for debtor_id, contact_id in unknown:
        brought.setdefault(debtor_id, []).append(contact_id)
    for debtor_id, new in brought.items():
        emails = ", ".join(session.scalars(select(Contact.email).where(among(Contact.id, new)).order_by(Contact.email)))
        before = [each for each in people.those_there(session, debtor_id) if each not in new]
        people.tell(session, debtor_id, before, partial(_brought, emails))


def _brought(emails: str) -> str:
    return _("Our staff have given %(email)s access to your account.", email=emails)


def books_of(run: ImportRun, setting: Setting, generator: str) -> Books:
    with speaking(setting.language):
        title = _("Balance carried forward")
    return Books(
        setting.company_id,
        run.id,
        setting.currency,
        setting.language,
        title,
        clock.now(),
        clock.today(setting.zone),
        generator,
        run.started_by_id,
        run.started_by,
    )


def _post(comparison: Comparison) -> dict[str, Any]:
    """All statements in their order; raises _Refusal when something stands against it."""
    writer, plan, faults, warnings = comparison.writer, comparison.plan, comparison.faults, comparison.warnings
    whole = comparison.is_fec
    refusal = _Refusal(plan, faults, warnings, comparison.questions)
    comparison.run(locking=True)
    if faults or comparison.questions.open:
        raise refusal
    result = {"settled_by_list": 0, "cancelled": 0} | {
        {"settled": "settled_by_list", "paid": "settled_by_list", "gone": "cancelled"}[why]: count
        for why, count in writer.gone().items()
    }
    writer.settle_gone()
    carried_count = carried.fold(writer, date.fromisoformat(plan.facts["first_day"]), warnings) if whole else 0
    result |= {"debtors_added": writer.add_debtors(), "contacts_added": writer.add_contacts()}
    result |= {"carried_settled": carried_count, "invoices_added": writer.add_invoices()}
    result["invoices_changed"] = writer.change_invoices()
    result["credits_changed"] = writer.change_credits(whole_accounts=whole)
    writer.total_debtors()
    writer.note_changes()
    result["holds_shrunk"] = writer.holds_shrunk
    result["certified_debtors"], result["certified_open"] = writer.certify(whole_accounts=whole, faults=faults)
    if faults:
        raise refusal
    return result


def _refuse(run_id: uuid.UUID, refusal: _Refusal) -> Outcome:
    """Nothing was written: because of faults, or because a question came up that only a person can answer."""
    with transaction() as session:
        run = lock(session, ImportRun, run_id)
        keep(run, refusal.plan, refusal.faults, refusal.warnings, refusal.questions)
        if refusal.faults:
            run.state, run.finished_at = RunState.REFUSED, clock.now()
        else:
            run.state = RunState.ASKING
        return outcome_of(run)


def _remember(session: Session, run: ImportRun, task: Task) -> None:
    """Offer the same reading and the same answers for the next file of this shape."""
    kept: dict[str, Any] = {
        name: task.choices[name] for name in ("mapping", "dates", "decimal", "complete") if task.choices.get(name)
    }
    if answers := task.questions.to_remember():
        kept["answers"] = answers
    headings = [run.form] if run.form == "fec" else run.facts.get("shape") or run.facts.get("headings")
    if not kept or not headings:
        return
    values = {"choices": kept, "used_at": clock.now()}
    session.execute(
        insert(ImportMapping)
        .values(id=new_id(), company_id=run.company_id, signature=signature(headings), **values)
        .on_conflict_do_update(index_elements=["company_id", "signature"], set_=values)
    )
