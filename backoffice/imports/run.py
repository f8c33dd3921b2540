"""Importing a file: offered, read, confirmed; the writing stands in `writing`, the taking back in `undo`."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select, update

from backoffice.imports import staging, stuck
from backoffice.imports.compare import Comparison
from backoffice.imports.faults import Fault, Findings
from backoffice.imports.models import ImportRun, RunState
from backoffice.imports.outcome import Outcome, keep, outcome_of
from backoffice.imports.plan import ImportPlan, Item
from backoffice.imports.progress import Progress, progress_of
from backoffice.imports.setting import (
    FORMS,
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
from backoffice.imports.source import MAX_BYTES, Source, is_book
from backoffice.imports.weigh import is_light
from backoffice.imports.write import Writer
from backoffice.imports.writing import books_of, raw_cursor, take_time, write
from shared.company.models import Company
from shared.kit import clock, files
from shared.kit.actors import Actor
from shared.kit.db import lock, reading, transaction
from shared.kit.errors import Conflict, Invalid
from shared.kit.ids import new_id
from shared.kit.outbox.write import enqueue
from shared.kit.words import gettext as _

__all__ = [
    "FORMS",
    "Outcome",
    "answer",
    "begin",
    "cancel",
    "choose",
    "confirm",
    "end_stale",
    "import_file",
    "offer",
    "read",
    "write",
]

READ_AT_ONCE = 2 * 1024 * 1024
"""Bytes; a larger file is read in the background, and so is a workbook that unpacks to more than eight times as much."""
GRACE = timedelta(minutes=3)
"""So long after a file was offered the background looks whether it has been read."""
STALE = timedelta(hours=3)
"""A reading that has not come to an end by then never will."""
UNCONFIRMED = (RunState.READING, RunState.READY, RunState.FAULTY, RunState.ASKING)


# Offering


def offer(
    content: bytes,
    *,
    company_id: uuid.UUID,
    name: str,
    by: Actor,
    form: str = "",
    choices: Mapping[str, Any] | None = None,
) -> uuid.UUID:
    """Keep a file and open a run for it; raises Invalid when it is empty or beyond 200 MB."""
    if not content:
        raise Invalid("file.empty", _("The file is empty."))
    if len(content) > MAX_BYTES:
        raise Invalid("file.too_large", _("The file has more than %(limit)s MB.", limit=MAX_BYTES // 1024 // 1024))
    if form and form not in FORMS:
        raise Invalid("import.form", _("Files are read as csv, xlsx, ods, xls, fec or ledger."))
    stored = files.get_store().put(content)
    with transaction() as session:
        company = session.get_one(Company, company_id)
        run = ImportRun(
            id=new_id(),
            company_id=company_id,
            state=RunState.READING,
            form=form,
            file_name=files.safe_name(name),
            file_sha256=stored.sha256,
            file_size=stored.size,
            choices=dict(choices or {}),
            currency=company.currency,
            started_by_id=by.id,
            started_by=by.name,
            created_at=clock.now(),
        )
        session.add(run)
        return run.id


def choose(run_id: uuid.UUID, choices: Mapping[str, Any], *, form: str | None = None) -> None:
    """Change how a run's file is to be read; it is read anew. Raises Conflict once it is confirmed."""
    with transaction() as session:
        run = lock(session, ImportRun, run_id)
        if run.state not in UNCONFIRMED:
            raise Conflict("import.too_late", _("This import has been confirmed already."))
        run.choices = {name: run.choices[name] for name in ("answers",) if name in run.choices} | dict(choices)
        run.form = run.form if form is None else form
        run.state, run.reading_at = RunState.READING, clock.now()


def answer(run_id: uuid.UUID, answers: Mapping[str, str]) -> None:
    """Answer questions of a run, over what was answered before; its file is read anew. Raises Conflict once it is confirmed."""
    with transaction() as session:
        run = lock(session, ImportRun, run_id)
        if run.state not in UNCONFIRMED:
            raise Conflict("import.too_late", _("This import has been confirmed already."))
        run.choices = run.choices | {"answers": run.choices.get("answers", {}) | dict(answers)}
        run.state, run.reading_at = RunState.READING, clock.now()


# Reading


def begin(run_id: uuid.UUID) -> None:
    """Read a small file now, a large one in the background; what is cut off in between is read in the background as well."""
    with reading() as session:
        run = session.get_one(ImportRun, run_id)
    source = Source(files.get_store().path(run.file_sha256), run.file_name)
    small = run.file_size <= READ_AT_ONCE and (not is_book(source) or is_light(source, 8 * READ_AT_ONCE))
    with transaction() as session:
        due_at = clock.now() + GRACE if small else None
        enqueue(session, "imports.read", {"run": str(run_id)}, due_at=due_at)
    if small:
        read(run_id)


def end_stale() -> int:
    """Say of files whose reading was broken off again and again that they cannot be read, and give back what no job comes for.

    Gives how many. Twice is harmless.
    """
    began = func.coalesce(ImportRun.reading_at, ImportRun.created_at)
    with transaction() as session:
        runs = session.scalars(
            select(ImportRun)
            .where(ImportRun.state == RunState.READING, began < clock.now() - STALE)
            .with_for_update(skip_locked=True)
        ).all()
        for run in runs:
            fault = Fault("file.not_read")
            run.state, run.faults, run.fault_counts = RunState.FAULTY, [fault.as_json()], {fault.code: 1}
        return len(runs) + stuck.end_stuck(session)


class _Dropped(Exception):  # noqa: N818 - it only ends a transaction
    """What was compared is dropped: nothing was written."""


def read(run_id: uuid.UUID) -> Outcome:
    """Read a run's file, compare it with the books, and keep what it says for the preview. Twice is harmless.

    Writes no debtor and no invoice: everything stands in temporary tables that are dropped.
    """
    with reading() as session:
        run = session.get_one(ImportRun, run_id)
        setting = setting_of(session, run)
        remembered = remembered_of(session, run)
        last_day = last_day_of(session, run)
    if run.state is not RunState.READING:
        return outcome_of(run)
    _note_begin(run_id)
    task = Task(setting, over(run.choices, remembered), last_day, questions_of(run, remembered))
    with progress_of(run) as progress:
        read_, forecast = _rehearse(run, task, progress)
    with transaction() as session:
        run = lock(session, ImportRun, run_id)
        if run.state is RunState.READING:
            run.choices = dict(task.choices)
            keep(run, read_.plan, read_.faults, read_.warnings, task.questions)
            run.facts = run.facts | {"sample": progress.sample, "forecast": forecast} | setting.company_terms
            waits = RunState.ASKING if task.questions.open else RunState.READY
            run.state = RunState.FAULTY if read_.faults else waits
        return outcome_of(run)


def _note_begin(run_id: uuid.UUID) -> None:
    """From now on is measured whether the reading comes to an end (`end_stale`): it may have waited for its turn."""
    with transaction() as session:
        mine = update(ImportRun).where(ImportRun.id == run_id, ImportRun.state == RunState.READING)
        session.execute(mine.values(reading_at=clock.now()))


@dataclass(frozen=True, slots=True)
class _Read:
    plan: ImportPlan
    faults: Findings
    warnings: Findings


def _rehearse(run: ImportRun, task: Task, progress: Progress) -> tuple[_Read, dict[str, Any]]:
    """Read and compare without a lock; what the import would do, in figures."""
    forecast: dict[str, Any] = {}
    found: list[_Read] = []
    with suppress(_Dropped), transaction() as session:
        take_time(session)
        with raw_cursor(session) as (cursor, generator):
            staging.create(cursor, generator)
            with staging.item_sink(cursor, progress.at) as stage:

                def sink(item: Item) -> None:
                    progress.item(item)
                    stage(item)

                plan = read_plan(run, task.setting, task.choices, sink, task.questions)
            faults, warnings = against_company(
                plan, task.setting, task.last_day, unheld_of(session, task.setting, plan)
            )
            found.append(_Read(plan, faults, warnings))
            if not faults and not task.questions.open:
                staging.stage_debtors(cursor, plan.debtors, plan.certificate)
                writer = Writer(session, cursor, books_of(run, task.setting, generator))
                comparison = Comparison(writer, plan, task.choices, faults, warnings, task.questions)
                comparison.run(locking=False)
                forecast = comparison.forecast()
        raise _Dropped
    return found[0], forecast


# Confirming


def confirm(run_id: uuid.UUID, *, by: Actor) -> None:
    """Ask for the writing; the second yes changes nothing. Raises Conflict when the run has faults."""
    with transaction() as session:
        run = lock(session, ImportRun, run_id)
        if run.state in (RunState.WAITING, RunState.WRITING, RunState.DONE):
            return
        if run.state is not RunState.READY:
            raise Conflict(
                "import.not_ready", _("This import cannot be confirmed: it has faults or is still being read.")
            )
        run.state, run.done_count = RunState.WAITING, 0
        run.facts = {name: fact for name, fact in run.facts.items() if name != "write_failed"}
        run.started_by_id, run.started_by = by.id, by.name
        enqueue(session, "imports.write", {"run": str(run.id)})


def cancel(run_id: uuid.UUID) -> None:
    """Give up a run that was not confirmed; twice is harmless. Raises Conflict when it was."""
    with transaction() as session:
        run = lock(session, ImportRun, run_id)
        if run.state in (*UNCONFIRMED, RunState.REFUSED):
            run.state = RunState.CANCELLED
        elif run.state is not RunState.CANCELLED:
            raise Conflict("import.too_late", _("This import has been confirmed already."))


# All at once, for the command


def _give_up_earlier(run_id: uuid.UUID) -> None:
    with transaction() as session:
        run = session.get_one(ImportRun, run_id)
        session.execute(
            update(ImportRun)
            .where(
                ImportRun.company_id == run.company_id,
                ImportRun.file_sha256 == run.file_sha256,
                ImportRun.id != run.id,
                ImportRun.state == RunState.ASKING,
                ImportRun.started_by_id.is_(None),
                ImportRun.started_by == run.started_by,
            )
            .values(state=RunState.CANCELLED)
        )


def import_file(
    content: bytes,
    *,
    company_id: uuid.UUID,
    name: str,
    by: Actor,
    form: str = "",
    choices: Mapping[str, Any] | None = None,
    dry_run: bool = False,
) -> Outcome:
    """Offer, read and write a file in one go; with `dry_run` only read it and say what would be imported.

    What the same hand offered before and left waiting for answers is given up: this is its answer.
    """
    run_id = offer(content, company_id=company_id, name=name, by=by, form=form, choices=choices)
    _give_up_earlier(run_id)
    if dry_run:
        outcome = read(run_id)
        cancel(run_id)
        return outcome
    try:
        return write(run_id)
    except BaseException:
        with transaction() as session:  # nobody comes back to it: no job knows of it
            lock(session, ImportRun, run_id).state = RunState.CANCELLED
        raise
