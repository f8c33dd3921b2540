"""Importing a file: offered, read, confirmed, written. The writing is one transaction with its certificate.

Steps of `write`: (1) the file is read once more and staged while it is read; (2) with faults everything is dropped;
(3) debtors and invoices are recognised, and the debtors whose affairs change are locked; (4) balances carried forward are
set against older invoices; (5) new debtors and contacts; (6) new invoices are written with their movements, known ones
changed by movements; (7) unapplied credit; (8) totals; (9) the certificate, or nothing.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from psycopg import Cursor
from psycopg import errors as pg
from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from backoffice.imports import carried, staging
from backoffice.imports.columns import signature
from backoffice.imports.compare import Comparison
from backoffice.imports.conventions import Choices
from backoffice.imports.faults import Fault, Findings, Unreadable
from backoffice.imports.fec import looks_like_fec, read_fec
from backoffice.imports.invoice_rows import read_table
from backoffice.imports.models import ImportMapping, ImportRun, RunState
from backoffice.imports.plan import ImportPlan, Item, Sink
from backoffice.imports.questions import Question, Questions
from backoffice.imports.source import MAX_BYTES, Source, is_book, kind_of
from backoffice.imports.tables import shape_of
from backoffice.imports.terms import EndOfMonth, Terms
from backoffice.imports.weigh import is_light
from backoffice.imports.write import Books, Writer
from shared.company.models import Company, TermsKind
from shared.debtors.models import Debtor
from shared.kit import audit, clock, files, outbox
from shared.kit.actors import Actor
from shared.kit.db import get_engine, lock, reading, transaction
from shared.kit.errors import Conflict, Invalid, Unavailable
from shared.kit.ids import new_id
from shared.kit.outbox.write import enqueue
from shared.kit.words import gettext as _
from shared.kit.words import speaking

log = logging.getLogger(__name__)

FORMS = ("csv", "xlsx", "ods", "xls", "fec", "ledger")
WHOLE = ("fec", "ledger")
"""Forms that hold whole accounts, payments and all: their balances are certified, not single invoices."""
SHOWN_LINES = 1_000
READ_AT_ONCE = 2 * 1024 * 1024
"""Bytes; a larger file is read in the background, and so is a workbook that unpacks to more than eight times as much."""
GRACE = timedelta(minutes=3)
"""So long after a file was offered the background looks whether it has been read."""
STALE = timedelta(hours=3)
"""A reading that has not come to an end by then never will."""
SAMPLED = 8
UNCONFIRMED = (RunState.READING, RunState.READY, RunState.FAULTY, RunState.ASKING)

_READINGS = {
    TermsKind.NET: EndOfMonth.NONE,
    TermsKind.END_OF_MONTH_THEN_DAYS: EndOfMonth.FIRST,
    TermsKind.DAYS_THEN_END_OF_MONTH: EndOfMonth.LAST,
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a run: its state, what stands against it, and what was written."""

    run_id: uuid.UUID
    state: RunState
    form: str
    faults: tuple[Fault, ...] = ()
    fault_count: int = 0
    warnings: tuple[Fault, ...] = ()
    warning_count: int = 0
    counts: dict[str, Any] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    questions: tuple[Question, ...] = ()
    certificate: dict[str, Any] = field(default_factory=dict)
    result: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Setting:
    """What a reading needs to know of the company and its debtors."""

    company_id: uuid.UUID
    currency: str
    language: str
    zone: str
    siren: str
    terms: Terms
    own_terms: Mapping[str, Terms]
    company_terms: dict[str, Any]
    """As the preview's form shows them."""


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
        run.state = RunState.READING


def answer(run_id: uuid.UUID, answers: Mapping[str, str]) -> None:
    """Answer questions of a run, over what was answered before; its file is read anew. Raises Conflict once it is confirmed."""
    with transaction() as session:
        run = lock(session, ImportRun, run_id)
        if run.state not in UNCONFIRMED:
            raise Conflict("import.too_late", _("This import has been confirmed already."))
        run.choices = run.choices | {"answers": run.choices.get("answers", {}) | dict(answers)}
        run.state = RunState.READING


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
    """Say of files whose reading was broken off again and again that they cannot be read; gives how many. Twice is harmless."""
    with transaction() as session:
        runs = session.scalars(
            select(ImportRun)
            .where(ImportRun.state == RunState.READING, ImportRun.created_at < clock.now() - STALE)
            .with_for_update(skip_locked=True)
        ).all()
        for run in runs:
            fault = Fault("file.not_read")
            run.state, run.faults, run.fault_counts = RunState.FAULTY, [fault.as_json()], {fault.code: 1}
        return len(runs)


class _Dropped(Exception):  # noqa: N818 - it only ends a transaction
    """What was compared is dropped: nothing was written."""


def read(run_id: uuid.UUID) -> Outcome:
    """Read a run's file, compare it with the books, and keep what it says for the preview. Twice is harmless.

    Writes no debtor and no invoice: everything stands in temporary tables that are dropped.
    """
    with reading() as session:
        run = session.get_one(ImportRun, run_id)
        setting = _setting(session, run)
        remembered = _remembered(session, run)
        last_day = _last_day(session, run)
    if run.state is not RunState.READING:
        return _outcome(run)
    task = _Task(setting, _over(run.choices, remembered), last_day, _questions(run, remembered))
    with _progress(run) as progress:
        read_, forecast = _rehearse(run, task, progress)
    with transaction() as session:
        run = lock(session, ImportRun, run_id)
        if run.state is RunState.READING:
            run.choices = dict(task.choices)
            _keep(run, read_.plan, read_.faults, read_.warnings, task.questions)
            run.facts = run.facts | {"sample": progress.sample, "forecast": forecast} | setting.company_terms
            waits = RunState.ASKING if task.questions.open else RunState.READY
            run.state = RunState.FAULTY if read_.faults else waits
        return _outcome(run)


@dataclass(frozen=True, slots=True)
class _Read:
    plan: ImportPlan
    faults: Findings
    warnings: Findings


def _rehearse(run: ImportRun, task: _Task, progress: _Progress) -> tuple[_Read, dict[str, Any]]:
    """Read and compare without a lock; what the import would do, in figures."""
    forecast: dict[str, Any] = {}
    found: list[_Read] = []
    with suppress(_Dropped), transaction() as session:
        _take_time(session)
        with _cursor(session) as (cursor, generator):
            staging.create(cursor, generator)
            with staging.item_sink(cursor, progress.at) as stage:

                def sink(item: Item) -> None:
                    progress.item(item)
                    stage(item)

                plan = _plan(run, task.setting, task.choices, sink, task.questions)
            faults, warnings = _against_company(plan, task.setting, task.last_day, _unheld(session, task.setting, plan))
            found.append(_Read(plan, faults, warnings))
            if not faults and not task.questions.open:
                staging.stage_debtors(cursor, plan.debtors, plan.certificate)
                writer = Writer(cursor, _books(run, task.setting, generator))
                comparison = Comparison(writer, plan, task.choices, faults, warnings, task.questions)
                comparison.run(locking=False)
                forecast = comparison.forecast()
        raise _Dropped
    return found[0], forecast


@contextmanager
def _cursor(session: Session) -> Iterator[tuple[Cursor[Any], str]]:
    """The session's own connection for COPY, with the name of its function for new identities."""
    connection = session.connection().connection.driver_connection
    if connection is None:
        raise RuntimeError("the session has no connection")
    with connection.cursor() as cursor:
        yield cursor, staging.new_id_function(connection)


def _plan(
    run: ImportRun, setting: _Setting, choices: Mapping[str, Any], sink: Sink, questions: Questions
) -> ImportPlan:
    source = Source(files.get_store().path(run.file_sha256), run.file_name)
    terms = _terms(choices) or setting.terms
    if _form(run, source) == "fec":
        return read_fec(
            source, terms, own_terms=setting.own_terms, currency=setting.currency, sink=sink, questions=questions
        )
    wanted = Choices(
        wishes=choices.get("mapping") or {},
        order=choices.get("dates") or None,
        mark=choices.get("decimal") or None,
        terms=terms,
        own_terms=setting.own_terms,
        currency=setting.currency,
        questions=questions,
        today=clock.today(setting.zone),
    )
    return read_table(source, wanted, sink=sink)


def _form(run: ImportRun, source: Source) -> str:
    if run.form:
        return run.form
    return "fec" if looks_like_fec(source) else "csv"


def _setting(session: Session, run: ImportRun) -> _Setting:
    company = session.get_one(Company, run.company_id)
    own = session.execute(
        select(Debtor.account_code, Debtor.terms_days, Debtor.terms_kind)
        .where(Debtor.company_id == company.id)
        .where(Debtor.terms_days.is_not(None))
    )
    return _Setting(
        company.id,
        company.currency,
        company.language,
        company.zone,
        company.siren,
        Terms(company.terms_days, _READINGS[company.terms_kind]),
        {code: Terms(days or 0, _READINGS[kind or company.terms_kind]) for code, days, kind in own},
        {"terms_days": company.terms_days, "terms_kind": company.terms_kind.value},
    )


def _terms(choices: Mapping[str, Any]) -> Terms | None:
    """The terms a person has set for this import, over those of the company."""
    if choices.get("terms_days") is None:
        return None
    return Terms(int(choices["terms_days"]), _READINGS[TermsKind(choices.get("terms_kind") or "net")])


def _remembered(session: Session, run: ImportRun) -> dict[str, Any]:
    """How a person read the last file of this shape, and what was answered."""
    source = Source(files.get_store().path(run.file_sha256), run.file_name)
    try:
        form = _form(run, source)
        shape = signature([form] if form == "fec" else shape_of(source).headings)
    except Unreadable:
        return {}
    found = session.scalar(
        select(ImportMapping).where(ImportMapping.company_id == run.company_id).where(ImportMapping.signature == shape)
    )
    return dict(found.choices) if found else {}


def _over(said: Mapping[str, Any], remembered: Mapping[str, Any]) -> dict[str, Any]:
    """What a person said over what is remembered; answers stay apart, so that the page can tell which they are."""
    return {name: value for name, value in remembered.items() if name != "answers"} | dict(said)


def _questions(run: ImportRun, remembered: Mapping[str, Any]) -> Questions:
    return Questions(run.choices.get("answers"), remembered.get("answers"))


def _last_day(session: Session, run: ImportRun) -> str | None:
    """The last day of the newest FEC that was imported."""
    return session.scalar(
        select(func.max(ImportRun.facts["last_day"].astext))
        .where(ImportRun.company_id == run.company_id)
        .where(ImportRun.state == RunState.DONE, ImportRun.form == "fec")
    )


def _unheld(session: Session, setting: _Setting, plan: ImportPlan) -> carried.Unheld | None:
    """What a FEC would settle only because it carries no balance forward: one of a month, or of a year not yet opened."""
    first_day = plan.facts.get("first_day")
    if plan.form not in WHOLE or plan.facts.get("carries_forward") or not first_day:
        return None
    codes = [debtor.code for debtor in plan.debtors]
    held = frozenset(plan.facts.get("earlier", ()))
    return carried.left_without_opening(session, setting.company_id, codes, date.fromisoformat(first_day), held)


def _against_company(
    plan: ImportPlan, setting: _Setting, last_day: str | None, unheld: carried.Unheld | None
) -> tuple[Findings, Findings]:
    """What only the company can tell: a file of another firm, one older than what is here, or one without its beginning."""
    faults, warnings = Findings(), Findings()
    ends = plan.facts.get("last_day")
    if last_day and ends and ends < last_day:
        faults.add("fec.outdated", value=ends, last=last_day)
    if unheld and unheld.invoices:
        faults.add("fec.no_opening", value=plan.facts["first_day"], invoices=unheld.invoices, open=unheld.open)
    siren = plan.facts.get("siren")
    if siren and siren != setting.siren:
        warnings.add("company.other_siren", value=siren, expected=setting.siren)
    for fault in plan.faults:
        faults.take(fault)
    for warning in plan.warnings:
        warnings.take(warning)
    return faults, warnings


def _keep(run: ImportRun, plan: ImportPlan, faults: Findings, warnings: Findings, questions: Questions) -> None:
    run.form = plan.form if plan.form in FORMS else run.form
    run.facts, run.counts = plan.facts, plan.counts
    _keep_findings(run, faults, warnings, plan)
    run.questions = [question.as_json() for question in questions.all()]
    open_lines = [line for line in plan.certificate if line.balance or line.owed or line.credit]
    run.certificate = {
        "debtors": len(plan.certificate),
        "with_open": len(open_lines),
        "balance": sum(line.balance for line in plan.certificate),
        "owed": sum(line.owed for line in plan.certificate),
        "credit": sum(line.credit for line in plan.certificate),
        "lines": [line._asdict() for line in open_lines[:SHOWN_LINES]],
    }


def _keep_findings(run: ImportRun, faults: Findings, warnings: Findings, plan: ImportPlan | None = None) -> None:
    run.faults = [fault.as_json() for fault in faults.kept()]
    run.warnings = [warning.as_json() for warning in warnings.kept()]
    run.fault_counts = faults.counts | (plan.fault_counts if plan else {})
    run.warning_counts = warnings.counts | (plan.warning_counts if plan else {})


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
        run.started_by_id, run.started_by = by.id, by.name
        enqueue(session, "imports.write", {"run": str(run.id)}, dedupe_key=f"import:{run.id}")


def cancel(run_id: uuid.UUID) -> None:
    """Give up a run that was not confirmed; twice is harmless. Raises Conflict when it was."""
    with transaction() as session:
        run = lock(session, ImportRun, run_id)
        if run.state in (*UNCONFIRMED, RunState.REFUSED):
            run.state = RunState.CANCELLED
        elif run.state is not RunState.CANCELLED:
            raise Conflict("import.too_late", _("This import has been confirmed already."))


# Writing


class _Refusal(Exception):  # noqa: N818 - it only carries faults out of the transaction
    """Rolls everything back."""

    def __init__(self, plan: ImportPlan, faults: Findings, warnings: Findings, questions: Questions) -> None:
        super().__init__("refused")
        self.plan, self.faults, self.warnings, self.questions = plan, faults, warnings, questions


def write(run_id: uuid.UUID) -> Outcome:
    """Import a run's file in one transaction, or not at all. Twice is harmless: what is done stays done.

    Raises Unavailable when another import of the company runs.
    """
    with transaction() as session:
        run = lock(session, ImportRun, run_id)
        if run.state in (RunState.DONE, RunState.REFUSED, RunState.CANCELLED):
            return _outcome(run)
        run.state = RunState.WRITING
    with reading() as session:
        setting, last_day = _setting(session, run), _last_day(session, run)
        remembered = _remembered(session, run)
    task = _Task(setting, _over(run.choices, remembered), last_day, _questions(run, remembered))
    try:
        with _progress(run) as progress, transaction() as session:
            _prepare(session, setting.company_id)
            return _write(session, run_id, task, progress)
    except _Refusal as refusal:
        return _refuse(run_id, refusal)
    except DBAPIError as error:
        if isinstance(error.orig, pg.LockNotAvailable):
            raise Unavailable("import.busy", _("Another import of this company is running.")) from error
        raise
    except pg.LockNotAvailable as error:
        raise Unavailable("import.busy", _("Somebody is working on one of these accounts.")) from error


@dataclass(frozen=True, slots=True)
class _Task:
    setting: _Setting
    choices: Mapping[str, Any]
    last_day: str | None
    questions: Questions


def _take_time(session: Session) -> None:
    """A million lines take longer than a page may."""
    session.execute(text("SET LOCAL statement_timeout = 0"))
    session.execute(text("SET LOCAL work_mem = '96MB'"))


def _prepare(session: Session, company_id: uuid.UUID) -> None:
    """One import of a company at a time."""
    _take_time(session)
    session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 7))"), {"name": f"guichet.import.{company_id}"}
    )


def _write(session: Session, run_id: uuid.UUID, task: _Task, progress: _Progress) -> Outcome:
    run = session.get_one(ImportRun, run_id)
    setting = task.setting
    with _cursor(session) as (cursor, generator):
        staging.create(cursor, generator)
        with staging.item_sink(cursor, progress.at) as sink:
            plan = _plan(run, setting, task.choices, sink, task.questions)
        unheld = _unheld(session, setting, plan)
        faults, warnings = _against_company(plan, setting, task.last_day, unheld)
        if faults or task.questions.open:
            raise _Refusal(plan, faults, warnings, task.questions)
        staging.stage_debtors(cursor, plan.debtors, plan.certificate)
        writer = Writer(cursor, _books(run, setting, generator))
        comparison = Comparison(writer, plan, task.choices, faults, warnings, task.questions)
        result = _post(comparison)
        lowered, moved = writer.lowered(), writer.moved()
    _tell_payments(session, lowered, moved)
    run.choices = dict(task.choices)
    _keep(run, plan, faults, warnings, task.questions)
    run.state, run.finished_at, run.result = RunState.DONE, clock.now(), result
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
    return _outcome(run)


def _tell_payments(
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


def _books(run: ImportRun, setting: _Setting, generator: str) -> Books:
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
        {"settled": "settled_by_list", "gone": "cancelled"}[why]: count for why, count in writer.gone().items()
    }
    writer.settle_gone()
    carried_count = carried.fold(writer, date.fromisoformat(plan.facts["first_day"]), warnings) if whole else 0
    result |= {"debtors_added": writer.add_debtors(), "contacts_added": writer.add_contacts()}
    result |= {"carried_settled": carried_count, "invoices_added": writer.add_invoices()}
    result["invoices_changed"] = writer.change_invoices()
    result["credits_changed"] = writer.change_credits(whole_accounts=whole)
    writer.total_debtors()
    result["certified_debtors"], result["certified_open"] = writer.certify(whole_accounts=whole, faults=faults)
    if faults:
        raise refusal
    return result


def _refuse(run_id: uuid.UUID, refusal: _Refusal) -> Outcome:
    """Nothing was written: because of faults, or because a question came up that only a person can answer."""
    with transaction() as session:
        run = lock(session, ImportRun, run_id)
        _keep(run, refusal.plan, refusal.faults, refusal.warnings, refusal.questions)
        if refusal.faults:
            run.state, run.finished_at = RunState.REFUSED, clock.now()
        else:
            run.state = RunState.ASKING
        return _outcome(run)


def _remember(session: Session, run: ImportRun, task: _Task) -> None:
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


def _outcome(run: ImportRun) -> Outcome:
    return Outcome(
        run.id,
        run.state,
        run.form,
        tuple(Fault.from_json(fault) for fault in run.faults or ()),
        sum((run.fault_counts or {}).values()),
        tuple(Fault.from_json(warning) for warning in run.warnings or ()),
        sum((run.warning_counts or {}).values()),
        run.counts or {},
        run.facts or {},
        tuple(Question.from_json(question) for question in run.questions or ()),
        run.certificate or {},
        run.result or {},
    )


# Progress

_SAMPLE_FIELDS = ("number", "debtor", "kind", "due_derived", "total", "open")


class _Progress:
    """Tells how far a run has come on a connection of its own, so that others see it before the commit."""

    def __init__(self, run_id: uuid.UUID, tell: Callable[[int], None]) -> None:
        self._run_id, self._tell = run_id, tell
        self._seen = 0
        self.sample: list[dict[str, Any]] = []

    def at(self, line: int) -> None:
        if line >= self._seen + 20_000:
            self._seen = line
            self._tell(line)

    def item(self, item: Item) -> None:
        """A sink that keeps the first items and looks at the line of the others."""
        if len(self.sample) < SAMPLED:
            self.sample.append(
                {name: getattr(item, name) for name in _SAMPLE_FIELDS}
                | {"issued_on": item.issued_on.isoformat(), "due_on": item.due_on.isoformat()}
            )
        if item.line >= self._seen + 20_000:
            self.at(item.line)


@contextmanager
def _progress(run: ImportRun) -> Iterator[_Progress]:
    source = Source(files.get_store().path(run.file_sha256), run.file_name)
    lines = sum(chunk.count(b"\n") for chunk in source.chunks()) if run.file_size and _is_text(source) else 0
    with get_engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:

        def tell(line: int) -> None:
            connection.execute(
                update(ImportRun)
                .where(ImportRun.id == run.id)
                .values(done_count=min(line, lines) if lines else line, total_count=lines)
            )

        tell(0)
        yield _Progress(run.id, tell)


def _is_text(source: Source) -> bool:
    try:
        return kind_of(source) == "text"
    except Unreadable:
        return False


# All at once, for the command


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
    """Offer, read and write a file in one go; with `dry_run` only read it and say what would be imported."""
    run_id = offer(content, company_id=company_id, name=name, by=by, form=form, choices=choices)
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
